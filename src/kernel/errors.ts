/**
 * The one error class. `code` is for programs, `message` says what went wrong, `hint` what to do about it.
 * Each folder declares its own union of codes.
 */
export class CodedError<Code extends string = string> extends Error {
  override readonly name = 'CodedError'
  readonly code: Code
  readonly hint: string | undefined
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: Code,
    message: string,
    more: { hint?: string; details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.hint = more.hint
    this.details = more.details ?? {}
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The `code` of anything thrown: ours, Node's (`ENOENT`), SQLite's, or undefined. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
