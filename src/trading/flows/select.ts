import { contractMessage, readContract } from '../beckn/contract-body.ts'
import { isRefusal } from '../beckn/error.ts'
import {
  answerWith,
  awaiting,
  flowDraft,
  type Incoming,
  type Market,
  refuse,
  requestId,
  type TradingOutcome,
  unreadable,
} from '../market.ts'
import { closeTrade } from '../need.ts'
import { nextState } from '../states.ts'
import { leftWh, ownOffer } from '../stock.ts'
import type { Trade } from '../trade.ts'
import { draftBody, initDraft } from './drafts.ts'

/** Quotes that wait for their buyers, in all and for each of them. */
const MAX_QUOTES = 500
const MAX_QUOTES_EACH = 20

/** Seller: a quote at today's price, for as much as is left. Nothing is kept for the buyer yet. */
export function select(market: Market, { envelope, body, trade }: Incoming): TradingOutcome {
  const asked = readContract(body.message)
  if (typeof asked === 'string') return refuse({ code: 'SCH_INVALID', message: asked })
  if (envelope.sender_id === market.self)
    return refuse({ code: 'POL_SELF_TRADE', message: 'a peer does not trade with itself' })
  const state = nextState(trade, 'seller', 'select')
  if (isRefusal(state)) return refuse(state)
  const offer = ownOffer(market, asked.offerId, asked.slot)
  if (offer === undefined)
    return refuse({ code: 'BIZ_OFFER_NOT_FOUND', message: `no offer ${asked.offerId} for that slot` })
  const quotes = market.store.tradesInState('quoted').filter(one => one.role === 'seller')
  if (
    quotes.length >= MAX_QUOTES ||
    quotes.filter(one => one.counterparty === envelope.sender_id).length >= MAX_QUOTES_EACH
  ) {
    return refuse({
      code: 'AUT_RATE_LIMITED',
      message: 'too many open quotes; go on with one, or wait until they run out',
    })
  }
  const left = leftWh(market, offer)
  if (asked.energyWh < 1 || left < asked.energyWh) {
    return refuse({ code: 'BIZ_QUANTITY_UNAVAILABLE', message: `${asked.energyWh} Wh asked, ${left} Wh left` })
  }
  const quoted: Trade = {
    transactionId: envelope.task_id,
    role: 'seller',
    counterparty: envelope.sender_id,
    offerId: offer.offerId,
    slot: offer.slot,
    energyWh: asked.energyWh,
    priceMicro: offer.priceMicro,
    gridFeeMicro: asked.gridFeeMicro,
    state,
    deadlineMs: market.now() + market.reservationMs,
    startedMs: market.now(),
  }
  const message = contractMessage({ ...draftBody(market, quoted), availableWh: left, quoted: true })
  return answerWith([quoted], [flowDraft(market, quoted, 'on_select', { message, inReplyTo: requestId(body) })])
}

/** Buyer: takes the quote if it is what was expected, and asks for the terms. */
export function onSelect(market: Market, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'buyer', 'on_select')
  if (isRefusal(state)) return refuse(state)
  const quote = readContract(body.message)
  if (trade === undefined || typeof quote === 'string') return unreadable(quote)
  if (quote.energyWh !== trade.energyWh || quote.priceMicro !== trade.priceMicro) {
    return closeTrade(market, trade, 'refused', 'the seller changed its price or quantity')
  }
  const draft = initDraft(market, trade, quote.availableWh)
  const next: Trade = { ...trade, state, deadlineMs: market.now() + market.stepTimeoutMs, ...awaiting(draft) }
  return answerWith([next], [draft])
}
