import { contractMessage, readContract } from '../beckn/contract-body.ts'
import { isRefusal } from '../beckn/error.ts'
import { signedText, type Terms } from '../contract.ts'
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
import { confirmDraft } from './drafts.ts'

/** Seller: keeps the energy for the buyer until the reservation runs out, and makes the contract's id and terms. */
export function init(market: Market, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'seller', 'init')
  if (isRefusal(state)) return refuse(state)
  const asked = readContract(body.message)
  if (trade === undefined || typeof asked === 'string') return unreadable(asked)
  const offer = ownOffer(market, trade.offerId, trade.slot)
  if (offer === undefined || offer.priceMicro !== asked.priceMicro || asked.priceMicro !== trade.priceMicro) {
    return refuse({ code: 'BIZ_QUOTE_EXPIRED_OR_CHANGED', message: 'the offer has changed; select again' })
  }
  const left = leftWh(market, offer, trade)
  if (asked.energyWh < 1 || left < asked.energyWh) {
    return refuse({ code: 'BIZ_QUANTITY_UNAVAILABLE', message: `${asked.energyWh} Wh asked, ${left} Wh left` })
  }
  const terms: Terms = trade.terms ?? {
    contractId: market.newId(),
    transactionId: trade.transactionId,
    buyer: trade.counterparty,
    seller: market.self,
    offerId: trade.offerId,
    slot: trade.slot,
    energyWh: asked.energyWh,
    priceMicro: trade.priceMicro,
    gridFeeMicro: trade.gridFeeMicro,
    currency: market.currency,
  }
  const reserved: Trade = {
    ...trade,
    state,
    energyWh: terms.energyWh,
    terms,
    // Asked again, it is the same reservation: nobody holds energy for ever.
    deadlineMs: trade.state === 'reserved' ? trade.deadlineMs : market.now() + market.reservationMs,
  }
  const message = contractMessage({ ...terms, status: 'DRAFT', quoted: true })
  return answerWith([reserved], [flowDraft(market, reserved, 'on_init', { message, inReplyTo: requestId(body) })])
}

/** Buyer: signs the terms if they are what was asked for. From here on only the seller can say how the trade ended. */
export function onInit(market: Market, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'buyer', 'on_init')
  if (isRefusal(state)) return refuse(state)
  const offered = readContract(body.message)
  if (trade === undefined || typeof offered === 'string') return unreadable(offered)
  if (offered.contractId === undefined)
    return refuse({ code: 'CTX_MISSING_FIELD', message: 'on_init names no contract id' })
  const terms: Terms = {
    contractId: offered.contractId,
    transactionId: trade.transactionId,
    buyer: market.self,
    seller: trade.counterparty,
    offerId: trade.offerId,
    slot: trade.slot,
    energyWh: trade.energyWh,
    priceMicro: trade.priceMicro,
    gridFeeMicro: trade.gridFeeMicro,
    currency: market.currency,
  }
  if (!sameDeal(terms, offered))
    return closeTrade(market, trade, 'refused', 'the seller named other terms than it quoted')
  const draft = confirmDraft(market, { ...trade, terms }, market.sign(signedText(terms)))
  const next: Trade = { ...trade, state, terms, deadlineMs: market.now() + market.stepTimeoutMs, ...awaiting(draft) }
  return answerWith([next], [draft])
}

function sameDeal(terms: Terms, offered: Exclude<ReturnType<typeof readContract>, string>): boolean {
  return (
    offered.energyWh === terms.energyWh &&
    offered.priceMicro === terms.priceMicro &&
    offered.gridFeeMicro === terms.gridFeeMicro &&
    offered.currency === terms.currency &&
    offered.slot.startMs === terms.slot.startMs &&
    offered.slot.durationMs === terms.slot.durationMs
  )
}
