import { z } from 'zod'
import type { TaskId } from '../../../kernel/ids.ts'
import { type Draft, type JsonObject, outcome } from '../../../kernel/outcome.ts'
import type { Envelope } from '../../../protocol/envelope.ts'
import { MAX_LIFETIME_MS } from '../../../protocol/limits.ts'
import type { MessageType } from '../../../protocol/message-type.ts'
import { type Market, refuse, type TradingOutcome } from '../market.ts'
import { type Receipt, receiptIsGood, receiptSchema } from '../settlement/receipt.ts'
import type { TradingFact } from '../trade.ts'

const RECEIPT_TYPE = 'receipt.published'

const publishedSchema = z.strictObject({ receipt: receiptSchema })

/** Buyer: the receipt of a settled trade, to everybody in the zone. It shows no price and no meter. */
export function publishedDraft(market: Market, receipt: Receipt): Draft {
  return {
    type: RECEIPT_TYPE,
    // Not the trade's own id: who carried its messages need not learn which of them this was.
    taskId: market.newId() as TaskId,
    payload: { receipt: receipt as unknown as JsonObject },
    carrier: 'receipts',
    ttlMs: MAX_LIFETIME_MS,
  }
}

/** Everybody: a receipt is kept when both parties have signed it, and one of them says so. */
function published(market: Market, { sender_id: sender }: Envelope, payload: JsonObject): TradingOutcome {
  if (!market.rates.receipts.take(sender))
    return refuse({ code: 'AUT_RATE_LIMITED', message: 'too many receipts in a short time' })
  const parsed = publishedSchema.safeParse(payload)
  if (!parsed.success)
    return refuse({ code: 'SCH_INVALID', message: `receipt: ${parsed.error.issues[0]?.message ?? 'cannot be read'}` })
  const { receipt } = parsed.data
  if (sender !== receipt.body.buyer && sender !== receipt.body.seller)
    return refuse({ code: 'AUT_UNAUTHORIZED_ACTION', message: 'a receipt is published by one of its parties' })
  if (!receiptIsGood(receipt, market.verify))
    return refuse({ code: 'AUT_SIGNATURE_INVALID', message: 'the receipt is not signed by both parties' })
  return outcome([{ kind: 'receipt', receipt }])
}

export function receiptRow(market: Market): readonly [string, MessageType<TradingFact>] {
  return [
    RECEIPT_TYPE,
    {
      carriers: ['receipts', 'stream'],
      sealed: false,
      kept: true,
      payload: z.looseObject({}),
      handle: (envelope, payload) => published(market, envelope, payload),
    },
  ]
}
