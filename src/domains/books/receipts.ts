import { z } from 'zod'
import type { SubjectId } from '../../kernel/ids.ts'
import { type Draft, type JsonObject, outcome } from '../../kernel/outcome.ts'
import { createRateLimit } from '../../kernel/rate.ts'
import type { Receipt } from '../../protocol/contract.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import { MAX_LIFETIME_MS } from '../../protocol/limits.ts'
import { type BookRow, type BooksOutcome, refuse } from './book-message.ts'
import type { BooksContext } from './context.ts'
import { receiptIsGood, receiptSchema } from './receipt.ts'

const RECEIPT_TYPE = 'receipt.published'

const publishedSchema = z.strictObject({ receipt: receiptSchema })
/** Receipts of one peer's settled trades: those of a slot come together. */
const RATE = { burst: 100, perSecond: 1, maxKeys: 10_000 }

export interface Receipts {
  /** Buyer: the receipt of a settled trade, to everybody in the zone. It shows no price and no meter. */
  published(receipt: Receipt): Draft
  readonly row: BookRow
}

export function createReceipts({ newId, verify, now }: Pick<BooksContext, 'newId' | 'verify' | 'now'>): Receipts {
  const rate = createRateLimit({ ...RATE, now })

  /** Everybody: a receipt is kept when both parties have signed it, and one of them says so. */
  function heard({ sender_id: sender }: Envelope, payload: JsonObject): BooksOutcome {
    if (!rate.take(sender)) return refuse('AUT_RATE_LIMITED', 'too many receipts in a short time')
    const parsed = publishedSchema.safeParse(payload)
    if (!parsed.success) return refuse('SCH_INVALID', `receipt: ${parsed.error.issues[0]?.message ?? 'cannot be read'}`)
    const { receipt } = parsed.data
    if (sender !== receipt.body.buyer && sender !== receipt.body.seller)
      return refuse('AUT_UNAUTHORIZED_ACTION', 'a receipt is published by one of its parties')
    if (!receiptIsGood(receipt, verify))
      return refuse('AUT_SIGNATURE_INVALID', 'the receipt is not signed by both parties')
    return outcome([{ kind: 'books.receipt', receipt }])
  }

  return {
    published: receipt => ({
      type: RECEIPT_TYPE,
      // Not the trade's own id: who carried its messages need not learn which of them this was.
      subjectId: newId() as SubjectId,
      payload: { receipt: receipt as unknown as JsonObject },
      carrier: 'receipts',
      ttlMs: MAX_LIFETIME_MS,
    }),
    row: [
      RECEIPT_TYPE,
      {
        carriers: ['receipts', 'stream'],
        stream: 'peers',
        sealed: false,
        kept: true,
        payload: z.looseObject({}),
        handle: heard,
      },
    ],
  }
}
