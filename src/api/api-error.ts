import { z } from 'zod'
import { CodedError, codeOf, messageOf } from '../kernel/errors.ts'

export type ApiCode =
  | 'API_BAD_REQUEST'
  | 'API_BROKEN'
  | 'API_INTERNAL'
  | 'API_NO_DAEMON'
  | 'API_NOT_FOUND'
  | 'API_PORT_IN_USE'
  | 'API_TOO_LARGE'
  | 'API_UNAUTHORIZED'
  | 'API_WRONG_HOST'

/** What an error looks like on the wire. */
export interface ErrorBody {
  readonly code: string
  readonly message: string
  readonly hint?: string
}

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  API_BAD_REQUEST: 400,
  API_UNAUTHORIZED: 401,
  API_WRONG_HOST: 403,
  API_NOT_FOUND: 404,
  TASK_UNKNOWN: 404,
  API_TOO_LARGE: 413,
  API_INTERNAL: 500,
  NET_UNREACHABLE: 502,
  NET_TIMEOUT: 504,
}

/** Anything thrown while a request was answered, as one of ours. A refusal of a domain keeps its code. */
export function asApiError(error: unknown): CodedError {
  if (error instanceof CodedError) return error
  if (error instanceof z.ZodError) {
    const issue = error.issues[0]
    const where = issue?.path.join('.') ?? ''
    return new CodedError<ApiCode>('API_BAD_REQUEST', `${where === '' ? 'the request' : where}: ${issue?.message}`)
  }
  if (codeOf(error) === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new CodedError<ApiCode>('API_TOO_LARGE', 'the request is larger than 64 MiB', {
      hint: 'send fewer or smaller documents at a time',
    })
  }
  if (isClientFault(error)) return new CodedError<ApiCode>('API_BAD_REQUEST', messageOf(error))
  return new CodedError<ApiCode>('API_INTERNAL', `the daemon failed: ${messageOf(error)}`, {
    hint: 'its log says more; please report it',
    cause: error,
  })
}

export function statusOf(error: CodedError): number {
  return STATUS_BY_CODE[error.code] ?? 409
}

export function bodyOf({ code, message, hint }: CodedError): ErrorBody {
  return { code, message, ...(hint === undefined ? {} : { hint }) }
}

/** Fastify marks what the caller did wrong with a status below 500. */
function isClientFault(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return false
  return typeof error.statusCode === 'number' && error.statusCode < 500
}
