import { z } from 'zod'
import { CodedError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { asApiError, bodyOf } from './api-error.ts'

export const errorSchema = z
  .object({ code: z.string(), message: z.string(), hint: z.string().optional() })
  .meta({ id: 'Error', description: 'What went wrong, for programs and for people, and what to do about it.' })
const lastLineSchema = z.strictObject({ error: errorSchema })

/** Lines of JSON that have begun cannot become a refusal any more: what breaks them off is their last line. */
export async function* endedWithReason(lines: AsyncIterable<string>, log: Log): AsyncGenerator<string, void> {
  try {
    yield* lines
  } catch (thrown) {
    const error = asApiError(thrown)
    log.error({ code: error.code, error: error.cause ?? error.message }, 'an answer of the API broke off')
    yield `${JSON.stringify({ error: bodyOf(error) })}\n`
  }
}

/** @throws what the daemon says broke the lines off */
export function throwReason(line: unknown): void {
  if (typeof line !== 'object' || line === null || !('error' in line)) return
  const said = lastLineSchema.safeParse(line).data
  if (said !== undefined) throw codedError(said.error)
}

export function codedError({ code, message, hint }: z.infer<typeof errorSchema>): CodedError {
  return new CodedError(code, message, hint === undefined ? {} : { hint })
}
