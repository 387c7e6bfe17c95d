import type { MessageId, PeerId, TaskId } from '../../../kernel/ids.ts'
import { acknowledged, type Draft, outcome } from '../../../kernel/outcome.ts'
import { readCatalog } from '../beckn/catalog-body.ts'
import { becknContext, typeOf } from '../beckn/context.ts'
import { intentMessage } from '../beckn/intent.ts'
import { keepAnswer } from '../catalogs/publish.ts'
import { quantityRefusal, strangerRefusal } from '../limits.ts'
import { hasBegun, type Incoming, type Market, refuse, slotHasBegun, type TradingOutcome } from '../market.ts'
import { energyText, peerText, priceText } from '../money.ts'
import { slotKey } from '../slot.ts'
import type { Catalog, Need, RankedOffer, Trade } from '../trade.ts'
import { candidates, cheapest, rank } from './choose.ts'
import { isBuying, kept, lessened, noted, tryNext, without } from './need.ts'

/** A search that nobody answered is made again and waits longer, once. */
const LONGEST_SEARCHES = 4
/** A search made again also goes straight to the cheapest sellers known for the slot, to no more than this. */
const MAX_ASKED_STRAIGHT = 16
/** Somebody has answered a search that waited for anybody: how long it listens to others. */
const LATE_MS = 300
/** A search listens to no more sellers than this. */
const MAX_ANSWERS = 100
/** How much of a ranking is written down. */
const MAX_RANKED_TEXTS = 12

export type Wanted = Pick<Need, 'id' | 'slot' | 'energyWh' | 'maxPriceMicro' | 'reason'>

/** Buyer: the search begins. */
export function buy(market: Market, wanted: Wanted): TradingOutcome {
  if (hasBegun(market, wanted.slot)) return refuse(slotHasBegun)
  const refusal = quantityRefusal(market, wanted.slot, wanted.energyWh)
  if (refusal !== undefined) return refuse(refusal)
  const createdMs = market.now()
  const need: Need = {
    ...wanted,
    boughtWh: 0,
    state: 'searching',
    answered: [],
    searchUntilMs: createdMs + market.searchMs,
    ranked: [],
    tried: 0,
    createdMs,
    steps: [],
  }
  const wants = `wants ${energyText(need.energyWh)} for at most ${priceText(need.maxPriceMicro, market.currency)}`
  const step = `${wants}: ${need.reason}`
  return outcome([{ kind: 'need', need: noted(market, need, step) }], discoverDrafts(market, need))
}

/**
 * Buyer: a seller delivers less than it sold. A need that still buys goes on without it; one that had ended searches again,
 * for that alone: what was missing before nobody sells, or its buyer has given up.
 */
export function buyElsewhere(market: Market, trade: Trade, less: { lessWh: number; why: string }): TradingOutcome {
  const need = lessened(market, trade, less)
  if (need === undefined) return outcome()
  if (isBuying(need)) return kept(without(need, trade.counterparty))
  const { transactionId: _, ...rest } = need
  const searchedMs = market.now()
  const again: Need = {
    ...rest,
    energyWh: need.boughtWh + less.lessWh,
    state: 'searching',
    reason: 'what was curtailed is bought elsewhere',
    answered: [],
    searchedMs,
    searchUntilMs: searchedMs + market.searchMs,
    ranked: [],
    tried: 0,
  }
  return outcome([{ kind: 'need', need: again }], discoverDrafts(market, again))
}

/** Asks everybody in the zone what they sell for the slot, and connected peers of other zones one by one. */
function discoverDrafts(market: Market, need: Need): Draft[] {
  return [discoverDraft(market, need), ...market.beyondZone().map(peer => discoverDraft(market, need, peer))]
}

/**
 * A topic promises nothing: what was asked may have been lost, or published before anybody listened. Asked again, it also
 * goes straight to the cheapest sellers this peer knows of and is connected to, where it is kept until it is acknowledged.
 * To others it would only stand in the way of an order, which the topic might carry.
 */
function askAgainDrafts(market: Market, need: Need): Draft[] {
  const sellers = new Set([...cheapest(market, need).map(({ seller }) => seller), ...market.beyondZone()])
  const straight = [...sellers]
    .filter(market.isConnected)
    .slice(0, MAX_ASKED_STRAIGHT)
    .map(seller => discoverDraft(market, need, seller))
  return [discoverDraft(market, need), ...straight]
}

function discoverDraft(market: Market, need: Need, to?: PeerId): Draft {
  const id = market.newId() as MessageId
  const transactionId = need.id as TaskId
  const { self: buyer, networkId } = market
  const ttlMs = market.stepTimeoutMs
  const context = becknContext({
    action: 'discover',
    networkId,
    buyer,
    sender: buyer,
    receiver: to,
    transactionId,
    messageId: id,
    nowMs: market.now(),
    ttlMs,
  })
  const payload = { context, message: intentMessage(need.slot, 1) }
  const draft = { id, type: typeOf('discover'), taskId: transactionId, payload, ttlMs }
  return to === undefined ? { ...draft, carrier: 'orders' } : { ...draft, to, carrier: 'stream' }
}

/**
 * Buyer: notes who answered, and what; each seller once. Only what could be bought is an answer: whom this peer avoids, and
 * whoever has nothing for the slot, neither ends the search nor takes the place of somebody else.
 */
export function onDiscover(market: Market, { envelope, body }: Incoming): TradingOutcome {
  const need = market.store.need(envelope.task_id)
  const seller = envelope.sender_id
  if (need === undefined)
    return refuse({ code: 'CTX_TRANSACTION_ID_UNKNOWN', message: 'this peer has made no such search' })
  const refusal = strangerRefusal(market, seller)
  if (refusal !== undefined) return refuse(refusal)
  const enough = need.answered.length >= MAX_ANSWERS || need.answered.includes(seller)
  if (need.state !== 'searching' || enough) return outcome()
  const catalog = readCatalog(body.message, seller)
  if (typeof catalog !== 'string' && !sellsFor(need, catalog)) return outcome()
  const kept = keepAnswer(market, catalog)
  if (kept.answer.status === 'NACK') return kept
  const answered = [...need.answered, seller]
  const searchUntilMs = everybodyAnswered(market, need, answered) ? market.now() : listenUntilMs(market, need)
  return { ...kept, facts: [{ kind: 'need', need: { ...need, searchUntilMs, answered } }, ...kept.facts] }
}

function sellsFor({ slot }: Need, { offers }: Catalog): boolean {
  return offers.some(offer => offer.availableWh > 0 && slotKey(offer.slot) === slotKey(slot))
}

/** Somebody is there after all: a search that waited for anybody waits no longer. */
function listenUntilMs(market: Market, need: Need): number {
  return Math.min(need.searchUntilMs, Math.max(market.now() + LATE_MS, searchedMs(need) + market.searchMs))
}

/** Whether nobody is left to wait for: each seller the index knows for the slot has spoken, and each of other zones. */
function everybodyAnswered(market: Market, need: Need, answered: readonly PeerId[]): boolean {
  const expected = candidates(market, need).map(({ catalog }) => catalog.seller)
  return expected.length > 0 && [...expected, ...market.beyondZone()].every(peer => answered.includes(peer))
}

/** Buyer: the search is over, or is made again while nobody has answered; the cheapest landed offer is selected first. */
export function closeSearch(market: Market, need: Need): TradingOutcome {
  const longestMs = searchedMs(need) + LONGEST_SEARCHES * market.searchMs
  if (need.answered.length === 0 && need.searchUntilMs < longestMs) {
    const longer = noted(market, { ...need, searchUntilMs: longestMs }, 'nobody has answered yet: asks again')
    return outcome([{ kind: 'need', need: longer }], askAgainDrafts(market, need))
  }
  const ranked = elsewhere(market, need)
  const reason = need.answered.length === 0 ? 'nobody answered the search' : 'nobody sells at your price'
  const next = tryNext(market, noted(market, { ...need, ranked, tried: 0 }, ...findings(market, need, ranked)), reason)
  return { ...next, answer: acknowledged }
}

function searchedMs(need: Need): number {
  return need.searchedMs ?? need.createdMs
}

/** The offers of everybody but those who have sold for this need and then curtailed it. */
function elsewhere(market: Market, need: Need): RankedOffer[] {
  const curtailing = market.store.tradesOfNeed(need.id).filter(({ curtailment }) => curtailment !== undefined)
  const sellers = new Set(curtailing.map(({ counterparty }) => counterparty))
  return rank(market, need).filter(({ seller }) => !sellers.has(seller))
}

function findings(market: Market, { answered }: Need, ranked: readonly RankedOffer[]): string[] {
  const who = answered.length === 0 ? 'nobody' : answered.map(peerText).join(', ')
  const shown = ranked.slice(0, MAX_RANKED_TEXTS).map(one => {
    const fees = [
      ...(one.gridFeeMicro > 0 ? ['the grid fee'] : []),
      ...(one.utilityShareMicro === undefined ? [] : ["the utility's share"]),
    ]
    const fee = fees.length === 0 ? '' : ` with ${fees.join(' and ')}`
    const utility = one.role === 'utility' ? ' (utility)' : ''
    return `${peerText(one.seller)}${utility} ${energyText(one.availableWh)} at ${priceText(one.landedMicro, market.currency)}${fee}`
  })
  const more = ranked.length > shown.length ? ` and ${ranked.length - shown.length} dearer ones` : ''
  const offers = shown.length === 0 ? 'no offer at that price' : `cheapest first: ${shown.join('; ')}${more}`
  return [`${who} answered the search`, offers]
}
