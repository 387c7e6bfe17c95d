import { CodedError } from '../../kernel/errors.ts'

export type A2aCode =
  | 'A2A_BAD_ANSWER'
  | 'A2A_BAD_CARD'
  | 'A2A_FRAME'
  | 'A2A_NOT_CANONICAL'
  | 'A2A_TOO_DEEP'
  | 'A2A_TOO_LARGE'
  | 'A2A_UNREADABLE'
  | 'A2A_WRONG_PEER'

export function a2aError(
  code: A2aCode,
  message: string,
  more: { hint?: string; details?: Record<string, unknown>; cause?: unknown } = {},
): CodedError<A2aCode> {
  return new CodedError(code, message, more)
}
