import { z } from 'zod'
import { CodedError, codeOf, messageOf } from '../kernel/errors.ts'
import type { ApiCode } from './api-error.ts'
import { readApiFile } from './api-file.ts'

/** Asks a running daemon over its local API. What it refuses is thrown with its own code, message and hint. */
export interface Client {
  /** @param path with its query: `/v1/trades?limit=10` */
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: object): Promise<T>
  /** What is not JSON: the metrics. */
  getText(path: string): Promise<string>
}

const errorSchema = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() })

/** @throws API_NO_DAEMON, here or at the first request */
export function openClient(home: string): Client {
  const file = readApiFile(home)
  if (file === undefined) throw noDaemon(home)
  const base = `http://127.0.0.1:${file.port}`
  const authorization = `Bearer ${file.token}`

  async function textOf(path: string, request: RequestInit): Promise<string> {
    let response: Response
    let text: string
    try {
      response = await fetch(base + path, request)
      text = await response.text()
    } catch (error) {
      throw unanswered(home, error)
    }
    // A killed daemon's port may belong to another one by now.
    if (response.status === 401) throw noDaemon(home)
    if (!response.ok) throw refusal(text, response.status)
    return text
  }

  const ask = async <T>(path: string, request: RequestInit): Promise<T> => JSON.parse(await textOf(path, request)) as T

  return {
    getText: path => textOf(path, { headers: { authorization } }),
    get: path => ask(path, { headers: { authorization } }),
    post: (path, body) =>
      ask(path, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
  }
}

function noDaemon(home: string): CodedError<ApiCode> {
  return new CodedError('API_NO_DAEMON', `no daemon is running for ${home}`, { hint: 'start it with "wattmesh run"' })
}

function unanswered(home: string, error: unknown): CodedError<ApiCode> {
  const cause = error instanceof Error ? error.cause : undefined
  if (codeOf(cause) === 'ECONNREFUSED') return noDaemon(home)
  return new CodedError('API_BROKEN', `the daemon did not answer: ${messageOf(cause ?? error)}`, {
    hint: 'it may just have stopped; see "wattmesh doctor"',
    cause: error,
  })
}

function refusal(text: string, status: number): CodedError {
  const body = errorSchema.safeParse(parsed(text)).data
  if (body === undefined) return new CodedError<ApiCode>('API_BROKEN', `the daemon answered with status ${status}`)
  const { code, message, hint } = body
  return new CodedError(code, message, hint === undefined ? {} : { hint })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
