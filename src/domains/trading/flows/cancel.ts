import { outcome } from '../../../kernel/outcome.ts'
import { type ContractBody, contractMessage, readContract } from '../beckn/contract-body.ts'
import { type BecknRefusal, isRefusal } from '../beckn/error.ts'
import { AT_YOUR_WISH, closeTrade } from '../buying/need.ts'
import { strangerRefusal } from '../limits.ts'
import { nextState } from '../states.ts'
import { OPEN_STATES, type Trade, type TradeState, type TradingFact } from '../trade.ts'
import {
  answered,
  answers,
  answerWith,
  asks,
  flowDraft,
  hasBegun,
  type Incoming,
  refuse,
  type Trader,
  type TradingOutcome,
  transactionOf,
  unasked,
  unreadable,
} from '../trader.ts'
import { contractIdOf, standing } from './drafts.ts'

/** A cancellation costs nothing until its slot begins. */
const FEE_MICRO = 0
/** States of a purchase in which its buyer has not signed. */
const UNSIGNED: readonly TradeState[] = ['selecting', 'quoted']

/** The buyer gives a trade up before its slot starts, or (`preview`) asks what that would cost; the other is told and answers. */
export function startCancel(trader: Trader, trade: Trade, { preview }: { preview: boolean }): TradingOutcome {
  const refusal = cancelRefusal(trader, trade)
  if (refusal !== undefined) return refuse(refusal)
  const message = contractMessage({ ...standing(trader, trade), contractId: contractIdOf(trade) })
  const draft = flowDraft(trader, trade, 'cancel', { message, preview })
  const { cancelTerms: _, ...rest } = trade
  const told = asks(rest, preview ? 'terms' : 'cancel', draft)
  if (preview || !UNSIGNED.includes(trade.state)) return answerWith([told], [draft])
  // Nothing binds the buyer yet: it ends here, whatever the seller says or does not say.
  const closed = closeTrade(trader, told, { state: 'cancelled', reason: AT_YOUR_WISH })
  return { ...closed, messages: [draft, ...closed.messages] }
}

function cancelRefusal(trader: Trader, trade: Trade): BecknRefusal | undefined {
  if (trade.role === 'seller')
    return { code: 'AUT_UNAUTHORIZED_ACTION', message: 'only the buyer cancels a trade; a seller can curtail it' }
  if (![...OPEN_STATES, 'active'].includes(trade.state))
    return { code: 'BIZ_INVALID_STATE_TRANSITION', message: `the trade is ${trade.state} already` }
  if (trade.state !== 'active' || !hasBegun(trader, trade.slot)) return undefined
  const message = 'delivery has begun; an agreed trade is cancelled before its slot'
  return { code: 'BIZ_INVALID_STATE_TRANSITION', message }
}

/** Seller: frees the energy, or names the terms of it. */
export function cancel(trader: Trader, incoming: Incoming): TradingOutcome {
  const { body, trade } = incoming
  const preview = body.context.try === true
  if (trade === undefined && preview)
    return refuse({ code: 'CTX_TRANSACTION_ID_UNKNOWN', message: 'this peer knows no such trade' })
  const state = nextState(trade, 'seller', 'cancel')
  if (isRefusal(state)) return refuse(state)
  if (trade === undefined) return overtaken(trader, incoming)
  if (trade.state === 'active' && hasBegun(trader, trade.slot))
    return refuse({ code: 'BIZ_INVALID_STATE_TRANSITION', message: 'delivery has begun' })
  if (preview) return answerWith([], [answer(trader, trade, { body, preview })])
  const ended: Trade = { ...trade, state, reason: trade.reason ?? 'cancelled by the buyer' }
  return answerWith([ended], [answer(trader, ended, { body, preview })])
}

function answer(trader: Trader, trade: Trade, { body, preview }: { body: Incoming['body']; preview: boolean }) {
  const said: ContractBody = standing(trader, trade)
  const terms = preview ? { cancelTerms: { feeMicro: FEE_MICRO, untilMs: trade.slot.startMs } } : {}
  return flowDraft(trader, trade, 'on_cancel', {
    message: contractMessage({ ...said, ...terms }),
    inReplyTo: body,
    preview,
  })
}

/**
 * The cancellation of a trade that has not come here yet: remembered for a while, so that the select it overtook begins
 * nothing. It is no trade of this peer, so nothing of it is kept on disk.
 */
function overtaken(trader: Trader, { envelope, body }: Incoming): TradingOutcome {
  const { sender_id: buyer } = envelope
  const transactionId = transactionOf(envelope)
  const said = readContract(body.message)
  if (typeof said === 'string') return unreadable(said)
  const refusal = strangerRefusal(trader, buyer)
  if (refusal !== undefined) return refuse(refusal)
  if (!trader.rates.cancels.take(buyer))
    return refuse({ code: 'AUT_RATE_LIMITED', message: 'too many cancellations of trades that are not known here' })
  const { offerId, slot, energyWh, priceMicro, gridFeeMicro } = said
  const ended: Trade = {
    transactionId,
    role: 'seller',
    counterparty: buyer,
    state: 'cancelled',
    offerId,
    slot,
    energyWh,
    priceMicro,
    gridFeeMicro,
    deadlineMs: trader.now(),
    startedMs: trader.now(),
  }
  return outcome<TradingFact>(
    [{ kind: 'trading.overtaken', transactionId, buyer }],
    [answer(trader, ended, { body, preview: false })],
  )
}

/** Buyer: the trade has ended, if it asked for that; or it knows what that would cost. */
export function onCancel(trader: Trader, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'buyer', 'on_cancel')
  if (isRefusal(state)) return refuse(state)
  const preview = body.context.try === true
  const question = preview ? 'terms' : 'cancel'
  if (trade === undefined || !answers(body, trade.asking?.[question])) return refuse(unasked)
  const said = readContract(body.message)
  if (typeof said === 'string') return unreadable(said)
  const told = answered(trade, question)
  if (preview) {
    const terms = said.cancelTerms === undefined ? {} : { cancelTerms: said.cancelTerms }
    return answerWith([{ ...told, ...terms }], [])
  }
  if (said.status !== 'CANCELLED') return answerWith([], [])
  // It has ended before, by itself or at once.
  if (!OPEN_STATES.includes(trade.state) && trade.state !== 'active') return answerWith([told], [])
  return closeTrade(trader, told, { state: 'cancelled', reason: AT_YOUR_WISH, after: 'stop' })
}
