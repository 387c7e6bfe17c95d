import { z } from 'zod'
import { outcome } from '../kernel/outcome.ts'
import type { MessageType, Undelivered } from '../protocol/message-type.ts'
import { type Action, typeOf } from './beckn/context.ts'
import { readMessage } from './beckn/context-check.ts'
import { isRefusal } from './beckn/error.ts'
import { closeTrade, type Ending } from './buying/need.ts'
import { settlementRefused } from './flows/settle.ts'
import { type Incoming, type Market, refuse, type TradingOutcome, tradeFact } from './market.ts'
import { OPEN_STATES, type Trade, type TradingFact } from './trade.ts'

export type Handler = (market: Market, incoming: Incoming) => TradingOutcome
type How = Pick<MessageType<TradingFact>, 'carriers' | 'sealed'>

/**
 * A row of the router for an action of Beckn. A callback is about a purchase of this peer, everything else about a sale
 * to who has sent it: a trade has two parties, and to anybody else it does not exist.
 */
export function becknRow(
  market: Market,
  action: Action,
  handler: Handler,
  how: How,
): [string, MessageType<TradingFact>] {
  const type: MessageType<TradingFact> = {
    ...how,
    kept: true,
    // What is wrong with it is said in Beckn's own codes.
    payload: z.looseObject({}),
    handle(envelope, payload) {
      const { id, sender_id: sender, to: receiver, task_id: transactionId } = envelope
      const carried = { id, action, sender, receiver, transactionId }
      const body = readMessage(payload, { ...carried, networkId: market.networkId, nowMs: market.now() })
      if (isRefusal(body)) return refuse(body)
      const { store } = market
      const trade = action.startsWith('on_') ? store.purchase(transactionId) : store.sale(transactionId, sender)
      if (trade !== undefined && trade.counterparty !== sender)
        return refuse({ code: 'AUT_UNAUTHORIZED_ACTION', message: 'this trade is with somebody else' })
      return handler(market, { envelope, body, trade })
    },
    undelivered: message => unanswered(market, action, message),
  }
  return [typeOf(action), type]
}

const EXPIRED = 'OUTBOX_EXPIRED'

/** One of our own steps was refused, or nobody acknowledged it. */
function unanswered(market: Market, action: Action, { envelope, refusal }: Undelivered): TradingOutcome {
  const { to } = envelope
  const sale = to === undefined ? undefined : market.store.sale(envelope.task_id, to)
  const trade = action.startsWith('on_') ? sale : market.store.purchase(envelope.task_id)
  if (trade === undefined) return outcome()
  if (action === 'on_update') return proposalRefused(trade, { envelope, refusal })
  if (trade.role !== 'buyer') return outcome()
  if (action === 'update') return updateRefused(market, trade, { id: envelope.id, message: refusal.message })
  const ending = endingOf(trade, action, { envelope, refusal })
  return ending === undefined ? outcome() : closeTrade(market, trade, ending)
}

/**
 * Whether a refusal is about the trade. What is wrong with a message's time, size or form, or with an inbox that is full,
 * says nothing of what both have signed.
 */
function judges(code: string): boolean {
  return /^(BIZ|POL)_/.test(code) || code === 'CTX_TRANSACTION_ID_UNKNOWN' || code === 'AUT_SIGNATURE_INVALID'
}

/** How a purchase ends whose step came to nothing; undefined: it goes on. */
function endingOf(trade: Trade, action: Action, { envelope, refusal }: Undelivered): Ending | undefined {
  const expired = refusal.code === EXPIRED
  if (trade.state === 'confirming') {
    // Whether the seller has it is not known: time asks until it says so.
    const told = (action === 'confirm' || action === 'status') && judges(refusal.code)
    return told ? { state: 'refused', reason: refusal.message } : undefined
  }
  // What is agreed or over does not end because an old step of it comes back.
  if (trade.awaiting?.id !== envelope.id || !OPEN_STATES.includes(trade.state)) return undefined
  if (expired) return { state: 'expired', reason: 'the seller did not answer' }
  // Others were faster; the seller may have less left, and says so when it is asked again.
  const after = action === 'init' && refusal.code === 'BIZ_QUANTITY_UNAVAILABLE' ? 'again' : 'next'
  return { state: 'refused', reason: refusal.message, after }
}

/** Buyer: the seller takes neither a change nor a settlement as this peer wrote it; the contract stands as it was. */
function updateRefused(market: Market, trade: Trade, { id, message }: { id: string; message: string }): TradingOutcome {
  if (trade.asking?.settle?.id === id && trade.state === 'active') return settlementRefused(market, trade, message)
  if (trade.asking?.update?.id !== id) return outcome()
  const { proposal: _, ...rest } = trade
  const { update: __, ...asking } = trade.asking
  return outcome([tradeFact({ ...rest, asking, reason: `the change was refused: ${message}` })])
}

/** Seller: the buyer does not sign a curtailment. An answer that did not arrive is none. */
function proposalRefused(trade: Trade, { envelope, refusal }: Undelivered): TradingOutcome {
  if (envelope.reply_to !== undefined) return outcome()
  if (trade.role !== 'seller' || trade.proposal?.by !== 'seller') return outcome()
  const { proposal: _, ...rest } = trade
  return outcome([tradeFact({ ...rest, reason: `the curtailment was refused: ${refusal.message}` })])
}
