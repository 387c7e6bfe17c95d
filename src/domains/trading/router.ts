import { z } from 'zod'
import type { Row } from '../../daemon/domain.ts'
import { outcome } from '../../kernel/outcome.ts'
import type { Undelivered } from '../../protocol/message-type.ts'
import type { ProtocolCode } from '../../protocol/verdict.ts'
import { type Action, typeOf } from './beckn/context.ts'
import { readMessage } from './beckn/context-check.ts'
import { type BecknCode, isRefusal } from './beckn/error.ts'
import { closeTrade, type Ending } from './buying/need.ts'
import { settlementRefused } from './flows/settle.ts'
import { OPEN_STATES, type Question, type Trade, type TradingFact } from './trade.ts'
import {
  answered,
  type Incoming,
  refuse,
  type Trader,
  type TradingOutcome,
  tradeFact,
  transactionOf,
} from './trader.ts'

export type Handler = (trader: Trader, incoming: Incoming) => TradingOutcome
/** What can be tried: its answer tells what would follow. Everything else is meant as it is said, or not said. */
const PREVIEWED = /^(on_)?(update|cancel|rate|support)$/
type How = Pick<Row<TradingFact>, 'carriers' | 'sealed' | 'straightFirst'>

/**
 * A row of the router for an action of Beckn. A callback is about a purchase of this peer, everything else about a sale
 * to who has sent it: a trade has two parties, and to anybody else it does not exist.
 */
export function becknRow(trader: Trader, action: Action, handler: Handler, how: How): [string, Row<TradingFact>] {
  const type: Row<TradingFact> = {
    ...how,
    stream: 'orders',
    kept: true,
    // What is wrong with it is said in Beckn's own codes.
    payload: z.looseObject({}),
    codes: CODES,
    handle(envelope, payload) {
      const { id, sender_id: sender, to: receiver } = envelope
      const transactionId = transactionOf(envelope)
      const body = readMessage(payload, { id, action, sender, receiver, transactionId }, trader)
      if (isRefusal(body)) return refuse(body)
      if (body.context.try === true && !PREVIEWED.test(action))
        return refuse({ code: 'CTX_ACTION_MISMATCH', message: `try: there is no preview of ${action}` })
      const { store } = trader
      const trade = action.startsWith('on_') ? store.purchase(transactionId) : store.sale(transactionId, sender)
      if (trade !== undefined && trade.counterparty !== sender)
        return refuse({ code: 'AUT_UNAUTHORIZED_ACTION', message: 'this trade is with somebody else' })
      return handler(trader, { envelope, body, trade })
    },
    undelivered: message => unanswered(trader, action, message),
  }
  return [typeOf(action), type]
}

/** What the road refuses before this domain sees it, in Beckn's words where it has one. */
const CODES = {
  ENV_NETWORK: 'NET_NETWORK_MISMATCH',
  ENV_EXPIRED: 'CTX_TTL_EXPIRED',
  ENV_FROM_FUTURE: 'CTX_TTL_EXPIRED',
  ENV_ID_REUSED: 'CTX_MESSAGE_ID_DUPLICATE',
  ENV_SIGNATURE: 'AUT_SIGNATURE_INVALID',
  ENV_PAYLOAD: 'SCH_INVALID',
} as const satisfies Partial<Record<ProtocolCode, BecknCode>>

const EXPIRED = 'OUTBOX_EXPIRED'

/** One of our own steps was refused, or nobody acknowledged it. */
function unanswered(trader: Trader, action: Action, { envelope, refusal }: Undelivered): TradingOutcome {
  const { to } = envelope
  const transactionId = transactionOf(envelope)
  const sale = to === undefined ? undefined : trader.store.sale(transactionId, to)
  const trade = action.startsWith('on_') ? sale : trader.store.purchase(transactionId)
  if (trade === undefined) return outcome()
  if (action === 'on_update') return proposalRefused(trade, { envelope, refusal })
  if (action === 'on_init') return termsRefused(trade, { envelope, refusal })
  if (trade.role !== 'buyer') return outcome()
  const question = questionOf(trade, { envelope, refusal })
  if (question !== undefined) return refusedBy(trader, trade, question, { envelope, refusal })
  const ending = endingOf(trade, action, { envelope, refusal })
  return ending === undefined ? outcome() : closeTrade(trader, trade, ending)
}

/**
 * Whether a refusal is about the trade. What is wrong with a message's time, size or form, or with an inbox that is full,
 * says nothing of what both have signed.
 */
function judges(code: string): boolean {
  return /^(BIZ|POL)_/.test(code) || code === 'CTX_TRANSACTION_ID_UNKNOWN' || code.startsWith('AUT_SIGNATURE_')
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

const QUESTIONS: Readonly<Record<Exclude<Question, 'settle'>, string>> = {
  update: 'the change',
  cancel: 'the cancellation',
  terms: 'the question what a cancellation costs',
  track: 'the tracking',
  rate: 'the rating',
  support: 'the request for support',
}

/** What a message has asked beside the steps of the trade, and nobody has answered. */
function questionOf({ asking = {} }: Trade, { envelope }: Undelivered): Question | undefined {
  return (Object.keys(asking) as Question[]).find(question => asking[question]?.id === envelope.id)
}

/** Buyer: the seller does not take what was asked, or has not said so; the trade stands as it was, and keeps the reason. */
function refusedBy(trader: Trader, trade: Trade, question: Question, { refusal }: Undelivered): TradingOutcome {
  const { code, message } = refusal
  if (question === 'settle') return trade.state === 'active' ? settlementRefused(trader, trade, message) : outcome()
  // Whether the seller has cancelled is not known: its answer is still taken.
  const told = question === 'cancel' && !judges(code) ? trade : answered(trade, question)
  const { proposal: _, ...withdrawn } = told
  const kept = question === 'update' ? withdrawn : told
  const reason = `${QUESTIONS[question]} was ${code === EXPIRED ? 'not answered' : 'refused'}: ${message}`
  return outcome([tradeFact({ ...kept, refusals: { ...trade.refusals, [question]: reason } })])
}

/**
 * Seller: the buyer does not sign the terms, and says why; the energy is free again. That it is past this step says
 * nothing: its confirm may be under way.
 */
function termsRefused(trade: Trade, { refusal: { code, message } }: Undelivered): TradingOutcome {
  if (trade.state !== 'reserved' || !judges(code) || code === 'BIZ_INVALID_STATE_TRANSITION') return outcome()
  return outcome([tradeFact({ ...trade, state: 'refused', reason: `the buyer does not sign: ${message}` })])
}

/** Seller: the buyer does not sign a curtailment. An answer that did not arrive is none. */
function proposalRefused(trade: Trade, { envelope, refusal }: Undelivered): TradingOutcome {
  if (envelope.reply_to !== undefined) return outcome()
  if (trade.role !== 'seller' || trade.proposal?.by !== 'seller') return outcome()
  const { proposal: _, ...rest } = trade
  const reason = `the curtailment was refused: ${refusal.message}`
  return outcome([tradeFact({ ...rest, refusals: { ...trade.refusals, update: reason } })])
}
