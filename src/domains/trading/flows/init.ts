import { priceText } from '../../../kernel/money.ts'
import { isSameSlot } from '../../../kernel/slot.ts'
import { type Shortfall, signedText, type Terms } from '../../../protocol/contract.ts'
import { type ContractBody, contractMessage, readContract } from '../beckn/contract-body.ts'
import { type BecknRefusal, isRefusal } from '../beckn/error.ts'
import { retailMicro } from '../buying/choose.ts'
import { closeTrade } from '../buying/need.ts'
import { creditRefusal, strangerRefusal } from '../limits.ts'
import { nextState } from '../states.ts'
import { leftWh, ownOffer } from '../stock.ts'
import type { Trade } from '../trade.ts'
import {
  answers,
  answerWith,
  asked as askedWith,
  flowDraft,
  hasBegun,
  type Incoming,
  refuse,
  slotHasBegun,
  type Trader,
  type TradingOutcome,
  unasked,
  unreadable,
} from '../trader.ts'
import { confirmDraft } from './drafts.ts'

/** Seller: keeps the energy for the buyer until the reservation runs out, and makes the contract's id and terms. */
export function init(trader: Trader, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'seller', 'init')
  if (isRefusal(state)) return refuse(state)
  const asked = readContract(body.message)
  if (trade === undefined || typeof asked === 'string') return unreadable(asked)
  const refusal = initRefusal(trader, trade, asked)
  if (refusal !== undefined) return refuse(refusal)
  const terms: Terms = trade.terms ?? {
    contractId: trader.newId(),
    transactionId: trade.transactionId,
    buyer: trade.counterparty,
    seller: trader.self,
    offerId: trade.offerId,
    slot: trade.slot,
    energyWh: asked.energyWh,
    priceMicro: trade.priceMicro,
    gridFeeMicro: trade.gridFeeMicro,
    ...(trade.utilityShareMicro === undefined ? {} : { utilityShareMicro: trade.utilityShareMicro }),
    currency: trader.currency,
    revision: 1,
    shortfall: shortfallOf(trader, trade),
  }
  const reserved: Trade = {
    ...trade,
    state,
    energyWh: terms.energyWh,
    terms,
    // Asked again, it is the same reservation: nobody holds energy for ever.
    deadlineMs: trade.state === 'reserved' ? trade.deadlineMs : trader.now() + trader.reservationMs,
  }
  const message = contractMessage({ ...terms, status: 'DRAFT', quoted: true })
  return answerWith([reserved], [flowDraft(trader, reserved, 'on_init', { message, inReplyTo: body })])
}

function initRefusal(trader: Trader, trade: Trade, asked: ContractBody): BecknRefusal | undefined {
  if (hasBegun(trader, trade.slot)) return slotHasBegun
  const offer = ownOffer(trader, trade.offerId, trade.slot)
  if (offer === undefined || offer.priceMicro !== asked.priceMicro || asked.priceMicro !== trade.priceMicro)
    return { code: 'BIZ_QUOTE_EXPIRED_OR_CHANGED', message: 'the offer has changed; select again' }
  const left = leftWh(trader, offer, trade)
  if (asked.energyWh < 1 || left < asked.energyWh)
    return { code: 'BIZ_QUANTITY_UNAVAILABLE', message: `${asked.energyWh} Wh asked, ${left} Wh left` }
  // Asked again, the reservation is among what the credit covers already.
  const credit = trade.state === 'reserved' ? undefined : creditRefusal(trader, { ...trade, energyWh: asked.energyWh })
  return strangerRefusal(trader, trade.counterparty) ?? credit
}

/** What the seller answers for: missing energy costs what the cheapest utility it knows asks, or else its own price. */
function shortfallOf(trader: Trader, trade: Trade): Shortfall {
  const { penaltyMicro, tolerancePercent } = trader.shortfall
  // Field by field: whatever else stood in it would be under the signatures.
  return { utilityPriceMicro: retailMicro(trader, trade)?.low ?? trade.priceMicro, penaltyMicro, tolerancePercent }
}

/** Buyer: signs the terms if they are what was asked for. From here on only the seller can say how the trade ended. */
export function onInit(trader: Trader, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'buyer', 'on_init')
  if (isRefusal(state)) return refuse(state)
  if (!answers(body, trade?.awaiting)) return refuse(unasked)
  const offered = readContract(body.message)
  if (trade === undefined || typeof offered === 'string') return unreadable(offered)
  const { contractId, shortfall } = offered
  if (contractId === undefined || shortfall === undefined)
    return refuse({ code: 'CTX_MISSING_FIELD', message: 'on_init names no contract id, or not what a shortfall costs' })
  const terms: Terms = {
    contractId,
    transactionId: trade.transactionId,
    buyer: trader.self,
    seller: trade.counterparty,
    offerId: trade.offerId,
    slot: trade.slot,
    energyWh: trade.energyWh,
    priceMicro: trade.priceMicro,
    gridFeeMicro: trade.gridFeeMicro,
    ...(trade.utilityShareMicro === undefined ? {} : { utilityShareMicro: trade.utilityShareMicro }),
    currency: trader.currency,
    revision: 1,
    shortfall,
  }
  const objection = objectionTo(trader, trade, { terms, offered })
  // The seller is told at once: it need not keep the energy until the reservation runs out.
  if (objection !== undefined)
    return {
      ...closeTrade(trader, trade, { state: 'refused', reason: objection }),
      answer: refuse({ code: 'BIZ_PRICE_MISMATCH', message: objection }).answer,
    }
  const draft = confirmDraft(trader, { ...trade, terms }, trader.sign(signedText(terms)))
  const deadlineMs = trader.now() + trader.stepTimeoutMs
  return answerWith([{ ...trade, state, terms, deadlineMs, awaiting: askedWith(draft) }], [draft])
}

function objectionTo(
  trader: Trader,
  trade: Trade,
  { terms, offered }: { terms: Terms; offered: ContractBody },
): string | undefined {
  if (hasBegun(trader, trade.slot)) return 'the slot has begun'
  if (!sameDeal(terms, offered)) return 'the seller named other terms than it quoted'
  return pricedOtherwise(trader, trade, terms.shortfall) ?? otherLaw(trader, terms.shortfall)
}

/**
 * The utility's price is what missing energy costs its seller: lower than any utility asks it is a present to who does
 * not deliver, higher a fine nobody agreed on. Who knows no utility takes for its price between what it pays and what it
 * would pay at most.
 */
function pricedOtherwise(trader: Trader, trade: Trade, { utilityPriceMicro }: Shortfall): string | undefined {
  const need = trade.needId === undefined ? undefined : trader.store.need(trade.needId)
  const { low, high } = retailMicro(trader, trade) ?? {
    low: trade.priceMicro,
    high: Math.max(trade.priceMicro, need?.maxPriceMicro ?? 0),
  }
  const price = (micro: number): string => priceText(micro, trader.currency)
  const named = `the seller names ${price(utilityPriceMicro)} as the utility's price`
  if (utilityPriceMicro < low) return `${named}, and ${price(low)} is the lowest known here`
  return utilityPriceMicro > high ? `${named}, and ${price(high)} is the highest known here` : undefined
}

/** Penalty and tolerance are the law of the network, the same for both sides of a contract and for everybody in it. */
function otherLaw({ shortfall: own, currency }: Trader, named: Shortfall): string | undefined {
  const price = (micro: number): string => priceText(micro, currency)
  if (named.penaltyMicro !== own.penaltyMicro)
    return `the seller names a penalty of ${price(named.penaltyMicro)}, and here it is ${price(own.penaltyMicro)} (market.penaltyMicro)`
  if (named.tolerancePercent !== own.tolerancePercent)
    return `the seller tolerates ${named.tolerancePercent} % missing, and here it is ${own.tolerancePercent} % (market.tolerancePercent)`
  return undefined
}

function sameDeal(terms: Terms, offered: ContractBody): boolean {
  const keys = ['energyWh', 'priceMicro', 'gridFeeMicro', 'utilityShareMicro', 'currency', 'revision'] as const
  return keys.every(key => offered[key] === terms[key]) && isSameSlot(offered.slot, terms.slot)
}
