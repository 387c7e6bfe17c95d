import { outcome } from '../../../kernel/outcome.ts'
import { contractMessage, readContract } from '../beckn/contract-body.ts'
import type { BecknRefusal } from '../beckn/error.ts'
import { isRefusal } from '../beckn/error.ts'
import { closeTrade } from '../buying/need.ts'
import { requoted } from '../buying/quote.ts'
import { strangerRefusal } from '../limits.ts'
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
  tradeFact,
  transactionOf,
  unasked,
  unreadable,
} from '../trader.ts'
import { draftBody, initDraft } from './drafts.ts'

/** Quotes that wait for their buyers, in all and for each of them. */
const MAX_QUOTES = 500
const MAX_QUOTES_EACH = 20

/** Seller: a quote at today's price, for as much as is left. Nothing is kept for the buyer yet. */
export function select(trader: Trader, { envelope, body, trade }: Incoming): TradingOutcome {
  const asked = readContract(body.message)
  if (typeof asked === 'string') return unreadable(asked)
  const buyer = envelope.sender_id
  const transactionId = transactionOf(envelope)
  const others = openQuotes(trader).filter(one => one.transactionId !== transactionId || one.counterparty !== buyer)
  const refusal = buyerRefusal(trader, buyer, others)
  if (refusal !== undefined) return refuse(refusal)
  const state = nextState(trade, 'seller', 'select')
  if (isRefusal(state)) return refuse(state)
  if (trader.store.isOvertaken(transactionId, buyer)) return refuse(cancelledBefore)
  const offer = ownOffer(trader, asked.offerId, asked.slot)
  if (offer === undefined)
    return refuse({ code: 'BIZ_OFFER_NOT_FOUND', message: `no offer ${asked.offerId} for that slot` })
  if (hasBegun(trader, offer.slot)) return refuse(slotHasBegun)
  const left = leftWh(trader, offer)
  if (asked.energyWh < 1 || left < 1)
    return refuse({ code: 'BIZ_QUANTITY_UNAVAILABLE', message: `${asked.energyWh} Wh asked, ${left} Wh left` })
  const quoted: Trade = {
    transactionId,
    role: 'seller',
    counterparty: buyer,
    offerId: offer.offerId,
    slot: offer.slot,
    // Asked for more than there is, a seller quotes what there is.
    energyWh: Math.min(asked.energyWh, left),
    priceMicro: offer.priceMicro,
    gridFeeMicro: asked.gridFeeMicro,
    ...(asked.utilityShareMicro === undefined ? {} : { utilityShareMicro: asked.utilityShareMicro }),
    state,
    deadlineMs: trader.now() + trader.reservationMs,
    startedMs: trader.now(),
  }
  const message = contractMessage({ ...draftBody(trader, quoted), availableWh: left, quoted: true })
  return answerWith(
    [...givingWay(others), quoted],
    [flowDraft(trader, quoted, 'on_select', { message, inReplyTo: body })],
  )
}

const cancelledBefore: BecknRefusal = {
  code: 'BIZ_ALREADY_CANCELLED',
  message: 'the buyer cancelled this trade before its select came',
}

function openQuotes(trader: Trader): Trade[] {
  return trader.store.tradesInState('quoted').filter(one => one.role === 'seller')
}

/**
 * What ends to make room for one more quote: the oldest of the buyer that has the most. Identities cost nothing, so a
 * newcomer is not refused for what others have asked; and a quote holds nothing, who loses one selects again.
 */
function givingWay(quotes: readonly Trade[]): Trade[] {
  if (quotes.length < MAX_QUOTES) return []
  const byBuyer = Object.values(Object.groupBy(quotes, one => one.counterparty)) as Trade[][]
  const most = Math.max(...byBuyer.map(own => own.length))
  const [first] = byBuyer
    .filter(own => own.length === most)
    .flat()
    .toSorted((a, b) => a.startedMs - b.startedMs)
  return first === undefined ? [] : [{ ...first, state: 'expired', reason: 'it gave way to newer quotes' }]
}

function buyerRefusal(
  trader: Trader,
  buyer: Trade['counterparty'],
  quotes: readonly Trade[],
): BecknRefusal | undefined {
  if (buyer === trader.self) return { code: 'POL_SELF_TRADE', message: 'a peer does not trade with itself' }
  if (quotes.filter(one => one.counterparty === buyer).length < MAX_QUOTES_EACH) return strangerRefusal(trader, buyer)
  return {
    code: 'AUT_RATE_LIMITED',
    message: 'too many open quotes; go on with one, or wait until they run out',
  }
}

/** Buyer: takes the quote if it is what was expected, less of it, or at a price that is still the cheapest, and asks for the terms. */
export function onSelect(trader: Trader, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'buyer', 'on_select')
  if (isRefusal(state)) return refuse(state)
  if (!answers(body, trade?.awaiting)) return refuse(unasked)
  const quote = readContract(body.message)
  if (trade === undefined || typeof quote === 'string') return unreadable(quote)
  if (hasBegun(trader, trade.slot)) return closeTrade(trader, trade, { state: 'expired', reason: 'the slot has begun' })
  const { energyWh, priceMicro } = quote
  if (energyWh < 1 || energyWh > trade.energyWh)
    return closeTrade(trader, trade, { state: 'refused', reason: 'the seller quotes another quantity' })
  const need = priceMicro === trade.priceMicro ? undefined : requoted(trader, trade, priceMicro)
  if (need !== undefined && !('id' in need)) return closeTrade(trader, trade, need)
  const quoted: Trade = { ...trade, state, energyWh, priceMicro }
  const draft = initDraft(trader, quoted, quote.availableWh)
  const next = { ...quoted, deadlineMs: trader.now() + trader.stepTimeoutMs, awaiting: askedWith(draft) }
  return outcome([...(need === undefined ? [] : [{ kind: 'trading.need', need } as const]), tradeFact(next)], [draft])
}
