import type { MessageId, PeerId, TaskId } from '../../kernel/ids.ts'
import { acknowledged, type Draft, outcome } from '../../kernel/outcome.ts'
import { MAX_LIFETIME_MS } from '../../protocol/limits.ts'
import { catalogMessage, readCatalog } from '../beckn/catalog-body.ts'
import { becknContext, typeOf } from '../beckn/context.ts'
import { flowDraft, type Incoming, type Market, refuse, requestId, type TradingOutcome } from '../market.ts'
import { tryNext } from '../need.ts'
import { slotKey } from '../slot.ts'
import { leftWh } from '../stock.ts'
import type { Catalog, Need, RankedOffer } from '../trade.ts'

/** A catalog claims no version from a clock further ahead than this. */
const MAX_AHEAD_MS = 60_000
/** How long a search collects answers before the cheapest is chosen. When nobody answers it waits longer, once. */
export const SEARCH_MS = 1_000
const LONGEST_SEARCH_MS = 4_000
const LATE_MS = 300
/** Sellers kept in the index. */
const MAX_CATALOGS = 5_000
/** A search listens to no more sellers than this. */
const MAX_ANSWERS = 100

/** Seller: its catalog, to everybody in the zone. */
export function publishDraft(market: Market, catalog: Catalog): Draft {
  const transactionId = market.newId() as TaskId
  const id = market.newId() as MessageId
  const ttlMs = Math.min(MAX_LIFETIME_MS, Math.max(1000, catalog.validUntilMs - market.now()))
  const { self: seller, networkId } = market
  const context = becknContext({
    ...{ action: 'catalog/publish', networkId, seller, sender: seller, transactionId, messageId: id },
    ...{ nowMs: market.now(), ttlMs },
  })
  const payload = { context, message: catalogMessage(catalog, market.name) }
  return { id, type: typeOf('catalog/publish'), taskId: transactionId, payload, carrier: 'catalog', ttlMs }
}

/** Everybody: the latest catalog of a seller replaces the one before. */
export function publish(market: Market, { envelope, body }: Incoming): TradingOutcome {
  return keepCatalog(market, readCatalog(body.message, envelope.sender_id))
}

function keepCatalog(market: Market, catalog: Catalog | string): TradingOutcome {
  if (typeof catalog === 'string') return refuse({ code: 'SCH_INVALID', message: catalog })
  if (catalog.version > market.now() + MAX_AHEAD_MS)
    return refuse({ code: 'SCH_INVALID', message: 'a version from the future' })
  const known = market.store.catalog(catalog.seller)
  // Strangers choose their ids: a flood of new sellers fills the index and no more.
  if (known === undefined && market.store.catalogCount() >= MAX_CATALOGS) return outcome()
  // The same version again may say that less is left.
  const stale = (known !== undefined && known.version > catalog.version) || catalog.validUntilMs <= market.now()
  return stale || catalog.currency !== market.currency ? outcome() : outcome([{ kind: 'catalog', catalog }])
}

/** Buyer: asks everybody in the zone what they sell. */
export function discoverDraft(market: Market, need: Need): Draft {
  const id = market.newId() as MessageId
  const transactionId = need.id as TaskId
  const { self: buyer, networkId } = market
  const ttlMs = market.stepTimeoutMs
  const context = becknContext({
    ...{ action: 'discover', networkId, buyer, sender: buyer, transactionId, messageId: id },
    ...{ nowMs: market.now(), ttlMs },
  })
  const message = { intent: { textSearch: `energy for ${slotKey(need.slot)}` } }
  return {
    id,
    type: typeOf('discover'),
    taskId: transactionId,
    payload: { context, message },
    carrier: 'orders',
    ttlMs,
  }
}

/** Seller: answers a search with what is left, to the one who asked. */
export function discover(market: Market, { envelope, body }: Incoming): TradingOutcome {
  const own = market.store.catalog(market.self)
  if (own === undefined || own.validUntilMs <= market.now() || envelope.sender_id === market.self) return outcome()
  const offers = own.offers
    .map(offer => ({ ...offer, availableWh: leftWh(market, offer) }))
    .filter(offer => offer.availableWh > 0 && offer.slot.startMs + offer.slot.durationMs > market.marketNow())
  if (offers.length === 0) return outcome()
  const trade = { transactionId: envelope.task_id, role: 'seller', counterparty: envelope.sender_id } as const
  const message = catalogMessage({ ...own, offers }, market.name)
  return outcome([], [flowDraft(market, trade, 'on_discover', { message, inReplyTo: requestId(body) })])
}

/** Buyer: notes who answered, and what. */
export function onDiscover(market: Market, { envelope, body }: Incoming): TradingOutcome {
  const need = market.store.need(envelope.task_id)
  const kept = keepCatalog(market, readCatalog(body.message, envelope.sender_id))
  const full = need !== undefined && need.answered.length >= MAX_ANSWERS
  if (kept.answer.status === 'NACK' || need?.state !== 'searching' || full) return kept
  // Somebody is there after all: a search that waited for anybody waits no longer.
  const searchUntilMs = Math.min(need.searchUntilMs, Math.max(market.now() + LATE_MS, need.createdMs + SEARCH_MS))
  const answered: Need = {
    ...need,
    searchUntilMs,
    answered: [...new Set([...need.answered, envelope.sender_id])],
  }
  return { ...kept, facts: [{ kind: 'need', need: answered }, ...kept.facts] }
}

/** Buyer: the search is over, or goes on once while nobody has answered; the cheapest landed offer is selected first. */
export function closeSearch(
  market: Market,
  need: Need,
  shuffle: (offers: RankedOffer[]) => RankedOffer[],
): TradingOutcome {
  const longest = need.createdMs + LONGEST_SEARCH_MS
  if (need.answered.length === 0 && need.searchUntilMs < longest) {
    return outcome([{ kind: 'need', need: { ...need, searchUntilMs: longest } }])
  }
  const ranked = rank(market, need, shuffle)
  const reason = need.answered.length === 0 ? 'nobody answered the search' : 'no offer has enough at your price'
  const next = tryNext(market, { ...need, ranked, tried: 0 }, reason)
  return { ...next, answer: acknowledged }
}

/** Offers by landed cost, of those who answered; when nobody did, of everybody known. Equals in random order. */
export function rank(market: Market, need: Need, shuffle: (offers: RankedOffer[]) => RankedOffer[]): RankedOffer[] {
  const heard = new Set<PeerId>(need.answered)
  const candidates = market.store
    .catalogs()
    .filter(catalog => catalog.seller !== market.self && catalog.validUntilMs > market.now())
    .filter(catalog => heard.size === 0 || heard.has(catalog.seller))
  const offers = candidates.flatMap(catalog => offersFor(market, need, catalog))
  return shuffle(offers).sort((a, b) => a.landedMicro - b.landedMicro)
}

function offersFor(market: Market, need: Need, { seller, offers }: Catalog): RankedOffer[] {
  const gridFeeMicro = market.gridFeeMicro(seller)
  return offers
    .filter(offer => slotKey(offer.slot) === slotKey(need.slot) && offer.availableWh >= need.energyWh)
    .map(({ offerId, priceMicro, availableWh }) => ({
      seller,
      offerId,
      priceMicro,
      gridFeeMicro,
      availableWh,
      landedMicro: priceMicro + gridFeeMicro,
    }))
    .filter(offer => offer.landedMicro <= need.maxPriceMicro)
}
