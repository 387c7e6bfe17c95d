import { energyText } from '../../../kernel/energy.ts'
import { type MessageId, type PeerId, peerText, type TransactionId } from '../../../kernel/ids.ts'
import { priceText } from '../../../kernel/money.ts'
import { acknowledged, type Draft, outcome } from '../../../kernel/outcome.ts'
import { isSameSlot } from '../../../kernel/slot.ts'
import { readCatalog } from '../beckn/catalog-body.ts'
import { becknContext, typeOf } from '../beckn/context.ts'
import { intentMessage } from '../beckn/intent.ts'
import { keepAnswer } from '../catalogs/publish.ts'
import { quantityRefusal, strangerRefusal } from '../limits.ts'
import type { Catalog, Need, RankedOffer, Trade } from '../trade.ts'
import { hasBegun, type Incoming, refuse, slotHasBegun, type Trader, type TradingOutcome } from '../trader.ts'
import { candidates, cheapest, rank } from './choose.ts'
import { isBuying, kept, lessened, noted, tryNext, without } from './need.ts'

/** A search that nobody answered is made again and waits longer, once. */
const LONGEST_SEARCHES = 4
/** A search made again also goes straight to those who may sell, to no more than this. */
const MAX_ASKED_STRAIGHT = 16
/** Somebody has answered a search that waited for anybody: how long it listens to others. */
const LATE_MS = 300
/** A search listens to no more sellers than this. */
const MAX_ANSWERS = 100
/** How much of a ranking is written down. */
const MAX_RANKED_TEXTS = 12

export type Wanted = Pick<Need, 'id' | 'slot' | 'energyWh' | 'maxPriceMicro' | 'reason'>

/** Buyer: the search begins. */
export function buy(trader: Trader, wanted: Wanted): TradingOutcome {
  if (hasBegun(trader, wanted.slot)) return refuse(slotHasBegun)
  const refusal = quantityRefusal(trader, wanted.slot, wanted.energyWh)
  if (refusal !== undefined) return refuse(refusal)
  const createdMs = trader.now()
  const need: Need = {
    ...wanted,
    boughtWh: 0,
    state: 'searching',
    answered: [],
    searchUntilMs: createdMs + trader.searchMs,
    ranked: [],
    tried: 0,
    createdMs,
    steps: [],
  }
  const wants = `wants ${energyText(need.energyWh)} for at most ${priceText(need.maxPriceMicro, trader.currency)}`
  const step = `${wants}: ${need.reason}`
  return outcome([{ kind: 'trading.need', need: noted(trader, need, step) }], discoverDrafts(trader, need))
}

/**
 * Buyer: a seller delivers less than it sold. A need that still buys goes on without it; one that had ended searches again,
 * for that alone: what was missing before nobody sells, or its buyer has given up.
 */
export function buyElsewhere(trader: Trader, trade: Trade, less: { lessWh: number; why: string }): TradingOutcome {
  const need = lessened(trader, trade, less)
  if (need === undefined) return outcome()
  if (isBuying(need)) return kept(without(need, trade.counterparty))
  const { transactionId: _, ...rest } = need
  const searchedMs = trader.now()
  const again: Need = {
    ...rest,
    energyWh: need.boughtWh + less.lessWh,
    state: 'searching',
    reason: 'what was curtailed is bought elsewhere',
    answered: [],
    searchedMs,
    searchUntilMs: searchedMs + trader.searchMs,
    ranked: [],
    tried: 0,
  }
  return outcome([{ kind: 'trading.need', need: again }], discoverDrafts(trader, again))
}

/** Asks everybody in the zone what they sell for the slot, and connected peers of other zones one by one. */
function discoverDrafts(trader: Trader, need: Need): Draft[] {
  return [discoverDraft(trader, need), ...trader.beyondZone().map(peer => discoverDraft(trader, need, peer))]
}

/**
 * A topic promises nothing: what was asked may have been lost, or published before anybody listened. Asked again, it also
 * goes straight to the cheapest sellers this peer knows of and is connected to, where it is kept until it is acknowledged.
 * To others it would only stand in the way of an order, which the topic might carry; unless no seller is known, for then
 * the topic of catalogs has not been heard either.
 */
function askAgainDrafts(trader: Trader, need: Need): Draft[] {
  const known = cheapest(trader, need).map(({ seller }) => seller)
  const sellers = new Set([...(known.length === 0 ? trader.nearby() : known), ...trader.beyondZone()])
  const straight = [...sellers]
    .filter(trader.isConnected)
    .slice(0, MAX_ASKED_STRAIGHT)
    .map(seller => discoverDraft(trader, need, seller))
  return [discoverDraft(trader, need), ...straight]
}

function discoverDraft(trader: Trader, need: Need, to?: PeerId): Draft {
  const id = trader.newId() as MessageId
  const transactionId = need.id as TransactionId
  const { self: buyer, networkId } = trader
  const ttlMs = trader.stepTimeoutMs
  const context = becknContext({
    action: 'discover',
    networkId,
    buyer,
    sender: buyer,
    receiver: to,
    transactionId,
    messageId: id,
    nowMs: trader.now(),
    ttlMs,
  })
  const payload = { context, message: intentMessage(need.slot, 1) }
  const draft = { id, type: typeOf('discover'), subjectId: transactionId, payload, ttlMs }
  return to === undefined ? { ...draft, carrier: 'orders' } : { ...draft, to, carrier: 'stream' }
}

/**
 * Buyer: notes who answered, and what; each seller once. Only what could be bought is an answer: whom this peer avoids, and
 * whoever has nothing for the slot, neither ends the search nor takes the place of somebody else.
 */
export function onDiscover(trader: Trader, { envelope, body }: Incoming): TradingOutcome {
  const need = trader.store.need(envelope.task_id)
  const seller = envelope.sender_id
  if (need === undefined)
    return refuse({ code: 'CTX_TRANSACTION_ID_UNKNOWN', message: 'this peer has made no such search' })
  const refusal = strangerRefusal(trader, seller)
  if (refusal !== undefined) return refuse(refusal)
  const enough = need.answered.length >= MAX_ANSWERS || need.answered.includes(seller)
  if (need.state !== 'searching' || enough) return outcome()
  const catalog = readCatalog(body.message, seller)
  if (typeof catalog !== 'string' && !sellsFor(need, catalog)) return outcome()
  const kept = keepAnswer(trader, catalog)
  if (kept.answer.status === 'NACK') return kept
  const answered = [...need.answered, seller]
  const searchUntilMs = everybodyAnswered(trader, need, answered) ? trader.now() : listenUntilMs(trader, need)
  return { ...kept, facts: [{ kind: 'trading.need', need: { ...need, searchUntilMs, answered } }, ...kept.facts] }
}

function sellsFor({ slot }: Need, { offers }: Catalog): boolean {
  return offers.some(offer => offer.availableWh > 0 && isSameSlot(offer.slot, slot))
}

/** Somebody is there after all: a search that waited for anybody waits no longer. */
function listenUntilMs(trader: Trader, need: Need): number {
  return Math.min(need.searchUntilMs, Math.max(trader.now() + LATE_MS, searchedMs(need) + trader.searchMs))
}

/** Whether nobody is left to wait for: each seller the index knows for the slot has spoken, and each of other zones. */
function everybodyAnswered(trader: Trader, need: Need, answered: readonly PeerId[]): boolean {
  const expected = candidates(trader, need).map(({ catalog }) => catalog.seller)
  return expected.length > 0 && [...expected, ...trader.beyondZone()].every(peer => answered.includes(peer))
}

/** Buyer: the search is over, or is made again while nobody has answered; the cheapest landed offer is selected first. */
export function closeSearch(trader: Trader, need: Need): TradingOutcome {
  const longestMs = searchedMs(need) + LONGEST_SEARCHES * trader.searchMs
  if (need.answered.length === 0 && need.searchUntilMs < longestMs) {
    const longer = noted(trader, { ...need, searchUntilMs: longestMs }, 'nobody has answered yet: asks again')
    return outcome([{ kind: 'trading.need', need: longer }], askAgainDrafts(trader, need))
  }
  const ranked = elsewhere(trader, need)
  const reason = need.answered.length === 0 ? 'nobody answered the search' : 'nobody sells at your price'
  const next = tryNext(trader, noted(trader, { ...need, ranked, tried: 0 }, ...findings(trader, need, ranked)), reason)
  return { ...next, answer: acknowledged }
}

function searchedMs(need: Need): number {
  return need.searchedMs ?? need.createdMs
}

/** The offers of everybody but those who have sold for this need and then curtailed it. */
function elsewhere(trader: Trader, need: Need): RankedOffer[] {
  const curtailing = trader.store.tradesOfNeed(need.id).filter(({ curtailment }) => curtailment !== undefined)
  const sellers = new Set(curtailing.map(({ counterparty }) => counterparty))
  return rank(trader, need).filter(({ seller }) => !sellers.has(seller))
}

function findings(trader: Trader, { answered }: Need, ranked: readonly RankedOffer[]): string[] {
  const who = answered.length === 0 ? 'nobody' : answered.map(peerText).join(', ')
  const shown = ranked.slice(0, MAX_RANKED_TEXTS).map(one => {
    const fees = [
      ...(one.gridFeeMicro > 0 ? ['the grid fee'] : []),
      ...(one.utilityShareMicro === undefined ? [] : ["the utility's share"]),
    ]
    const fee = fees.length === 0 ? '' : ` with ${fees.join(' and ')}`
    const utility = one.role === 'utility' ? ' (utility)' : ''
    return `${peerText(one.seller)}${utility} ${energyText(one.availableWh)} at ${priceText(one.landedMicro, trader.currency)}${fee}`
  })
  const more = ranked.length > shown.length ? ` and ${ranked.length - shown.length} dearer ones` : ''
  const offers = shown.length === 0 ? 'no offer at that price' : `cheapest first: ${shown.join('; ')}${more}`
  return [`${who} answered the search`, offers]
}
