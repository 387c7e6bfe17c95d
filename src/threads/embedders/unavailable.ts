import { CodedError } from '../../kernel/errors.ts'
import type { KindErrorCode } from '../failures.ts'

/** The model that the configuration names cannot be used; the hint says what to do. */
export function unavailable(message: string, more: { hint: string; cause?: unknown }): CodedError<KindErrorCode> {
  return new CodedError<KindErrorCode>('TASK_MODEL_UNAVAILABLE', message, more)
}
