import { z } from 'zod'
import type { PeerId, TaskId } from '../../../kernel/ids.ts'
import type { Draft, JsonObject } from '../../../kernel/outcome.ts'
import type { Envelope } from '../../../protocol/envelope.ts'
import type { MessageType } from '../../../protocol/message-type.ts'
import { type Market, refuse, type TradingOutcome } from '../market.ts'
import type { TradingFact } from '../trade.ts'

export type Row = readonly [string, MessageType<TradingFact>]

const TTL_MS = 24 * 60 * 60_000

/** A message about the books of two: sealed, and about no trade in particular. */
export function bookDraft(market: Market, to: PeerId, type: string, payload: JsonObject): Draft {
  const taskId = market.newId() as TaskId
  return { type, taskId, to, payload, carrier: 'orders', sealed: true, ttlMs: TTL_MS }
}

export function bookRow<Body>(
  type: string,
  schema: z.ZodType<Body>,
  handle: (envelope: Envelope, body: Body) => TradingOutcome,
): Row {
  return [
    type,
    {
      carriers: ['orders', 'stream'],
      sealed: true,
      kept: true,
      payload: z.looseObject({}),
      handle(envelope, payload) {
        const parsed = schema.safeParse(payload)
        if (parsed.success) return handle(envelope, parsed.data)
        const [issue] = parsed.error.issues
        return refuse({ code: 'SCH_INVALID', message: `${issue?.path.join('.')}: ${issue?.message}` })
      },
    },
  ]
}
