import { CodedError, codeOf, messageOf } from '../kernel/errors.ts'

const kindErrorCodes = [
  /** Parameters or input that the kind's schemas refuse. */
  'TASK_BAD_INPUT',
  /** The task asks for vectors of another model than this node has. */
  'TASK_MODEL_MISMATCH',
  /** The model that this node's configuration names cannot be opened or asked. */
  'TASK_MODEL_UNAVAILABLE',
  /** Parts to merge that do not cover what was submitted in order, or do not belong together. */
  'TASK_PARTS_INCOMPLETE',
] as const

/** What a kind itself may say of a part. */
export type KindErrorCode = (typeof kindErrorCodes)[number]

export function isKindErrorCode(code: string): code is KindErrorCode {
  return (kindErrorCodes as readonly string[]).includes(code)
}

export type ThreadsErrorCode =
  | KindErrorCode
  | 'TASK_CANCELLED'
  | 'TASK_CRASHED'
  | 'TASK_KIND_UNKNOWN'
  | 'TASK_OUT_OF_MEMORY'
  | 'TASK_QUEUE_FULL'
  | 'TASK_TIMEOUT'

export type Failure = CodedError<ThreadsErrorCode>

export function failure(code: ThreadsErrorCode, message: string, hint?: string): Failure {
  return new CodedError<ThreadsErrorCode>(code, message, hint === undefined ? {} : { hint })
}

export const cancelled = () => failure('TASK_CANCELLED', 'the part was cancelled')
export const timedOut = (limitMs: number) => failure('TASK_TIMEOUT', `the part took longer than ${limitMs} ms`)

/** Ours as they are; the rest is a thread that ended by itself. */
export function asFailure(error: unknown): Failure {
  if (error instanceof CodedError) return error as Failure
  if (codeOf(error) === 'ERR_WORKER_OUT_OF_MEMORY') {
    return failure('TASK_OUT_OF_MEMORY', 'the part needed more memory than a worker may have')
  }
  return failure('TASK_CRASHED', `the worker thread ended: ${messageOf(error)}`)
}
