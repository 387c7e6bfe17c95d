import { z } from 'zod'
import type { Row } from '../../daemon/domain.ts'
import type { PeerId, SubjectId } from '../../kernel/ids.ts'
import { type Draft, type JsonObject, type Outcome, refused } from '../../kernel/outcome.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import type { BooksFact } from './facts.ts'

export type BooksOutcome = Outcome<BooksFact>
export type BookRow = readonly [type: string, row: Row<BooksFact>]

/** Why a paper is not taken; the words are Beckn's, which peers of other makes know. */
export type BooksCode =
  | 'SCH_INVALID'
  | 'AUT_RATE_LIMITED'
  | 'AUT_SIGNATURE_INVALID'
  | 'AUT_UNAUTHORIZED_ACTION'
  | 'BIZ_INVALID_STATE_TRANSITION'
  | 'BIZ_PRICE_MISMATCH'
  | 'BIZ_SETTLEMENT_MISMATCH'

export function refuse(code: BooksCode, message: string): BooksOutcome {
  return refused(code, message)
}

const TTL_MS = 24 * 60 * 60_000

interface Sender {
  readonly newId: () => string
  /** Whether a topic of our zone reaches that peer. */
  readonly inZone: (peer: PeerId) => boolean
}

/** A message about the books of two: sealed, and about no trade in particular. */
export function bookDraft({ newId, inZone }: Sender, to: PeerId, type: string, payload: JsonObject): Draft {
  return {
    type,
    subjectId: newId() as SubjectId,
    to,
    payload,
    carrier: inZone(to) ? 'orders' : 'stream',
    sealed: true,
    ttlMs: TTL_MS,
  }
}

export function bookRow<Body>(
  type: string,
  schema: z.ZodType<Body>,
  handle: (envelope: Envelope, body: Body) => BooksOutcome,
): BookRow {
  return [
    type,
    {
      carriers: ['orders', 'stream'],
      stream: 'orders',
      sealed: true,
      kept: true,
      payload: z.looseObject({}),
      handle(envelope, payload) {
        const parsed = schema.safeParse(payload)
        if (parsed.success) return handle(envelope, parsed.data)
        const [issue] = parsed.error.issues
        return refuse('SCH_INVALID', `${issue?.path.join('.')}: ${issue?.message}`)
      },
    },
  ]
}
