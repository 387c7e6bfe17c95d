import { outcome } from '../../../kernel/outcome.ts'
import { MAX_LIFETIME_MS } from '../../../protocol/limits.ts'
import { catalogMessage, MAX_SLOTS_OFFERED, offeredTwice } from '../beckn/catalog-body.ts'
import type { BecknRefusal } from '../beckn/error.ts'
import { readIntent } from '../beckn/intent.ts'
import { matches } from '../catalog-index.ts'
import { strangerRefusal } from '../limits.ts'
import { leftWh } from '../stock.ts'
import type { Catalog, Offer, TradingFact } from '../trade.ts'
import {
  flowDraft,
  hasBegun,
  type Incoming,
  refuse,
  type Trader,
  type TradingOutcome,
  transactionOf,
} from '../trader.ts'
import { publishDraft } from './publish.ts'

/** Offers a peer has at a time; what others accept in a catalog. */
const MAX_OFFERS = 16
/** Offers in an answer: all there can be for one slot. Who asks for no slot gets a sample; the catalog has the rest. */
const MAX_ANSWERED = MAX_OFFERS
/** A catalog that soon ends is not said again: who has missed it asks. */
const MIN_ANNOUNCE_MS = 60_000
/** How long a withdrawal is remembered at least. */
const WITHDRAWN_MS = 60 * 60_000

/**
 * A catalog replaces the one before whole, so what is still on offer goes along. What does not fit beside it is refused:
 * nothing goes off the market without a word.
 */
export function publishCatalog(trader: Trader, catalog: Catalog): TradingOutcome {
  const twice = offeredTwice(catalog.offers)
  if (twice !== undefined)
    return refuse({
      code: 'SCH_INVALID',
      message: `offer ${twice.offerId} names a slot twice; others would refuse that`,
    })
  const own = trader.store.catalog(trader.self)
  const renewed = new Set(catalog.offers.map(offer => offer.offerId))
  const still = (own?.offers ?? []).filter(offer => !renewed.has(offer.offerId) && !hasBegun(trader, offer.slot))
  const offers = [...still, ...catalog.offers]
  const refusal = roomRefusal(offers, still)
  if (refusal !== undefined) return refuse(refusal)
  const tariff = catalog.tariff ?? own?.tariff
  return announced(trader, {
    ...catalog,
    ...(tariff === undefined ? {} : { tariff }),
    // Two in one millisecond, or a clock set back: the later one still wins.
    version: nextVersion(catalog.version, own),
    validUntilMs: Math.max(catalog.validUntilMs, still.length === 0 ? 0 : (own?.validUntilMs ?? 0)),
    offers,
  })
}

function roomRefusal(offers: readonly Offer[], still: readonly Offer[]): BecknRefusal | undefined {
  const count = (some: readonly Offer[]): number => new Set(some.map(offer => offer.offerId)).size
  if (count(offers) <= MAX_OFFERS && offers.length <= MAX_SLOTS_OFFERED) return undefined
  const most = `a catalog has at most ${MAX_OFFERS} offers and ${MAX_SLOTS_OFFERED} slots`
  const message = `${most}; with these it would have ${count(offers)} and ${offers.length}`
  const hint = `${count(still)} are on offer already: offer fewer slots, wait until one has begun, or withdraw`
  return { code: 'SCH_INVALID', message: still.length === 0 ? message : `${message} (${hint})` }
}

/** Takes everything off the market: a catalog without offers, newer than the one before. What is sold stays sold. */
export function withdraw(trader: Trader): TradingOutcome {
  const own = trader.store.catalog(trader.self)
  if (own === undefined || own.offers.length === 0) return outcome()
  const now = trader.now()
  const validUntilMs = Math.max(own.validUntilMs, now + WITHDRAWN_MS)
  return announced(trader, { ...own, version: nextVersion(now, own), validUntilMs, offers: [] })
}

function nextVersion(wanted: number, own: Catalog | undefined): number {
  return Math.max(wanted, (own?.version ?? 0) + 1)
}

function announced(trader: Trader, catalog: Catalog): TradingOutcome {
  const kept: Catalog = { ...catalog, announcedMs: trader.now() }
  return outcome<TradingFact>([{ kind: 'trading.catalog', catalog: kept }], [publishDraft(trader, kept)])
}

/** When this peer's catalog is to be said again: at half of what is left of its validity; undefined: not again. */
export function announceAtMs(trader: Trader): number | undefined {
  const own = trader.store.catalog(trader.self)
  if (own?.announcedMs === undefined || own.offers.length === 0) return undefined
  const waitMs = Math.min(own.validUntilMs - own.announcedMs, MAX_LIFETIME_MS) / 2
  return waitMs < MIN_ANNOUNCE_MS ? undefined : own.announcedMs + waitMs
}

/** The same version in a fresh message, for those who were not there; nothing when nothing is left to sell. */
export function announceAgain(trader: Trader): TradingOutcome {
  const own = trader.store.catalog(trader.self)
  if (own === undefined) return outcome()
  if (leftOffers(trader, own).length > 0) return announced(trader, own)
  const { announcedMs: _, ...silent } = own
  return outcome<TradingFact>([{ kind: 'trading.catalog', catalog: silent }])
}

/** Seller: answers a search with what is left and fits, to the one who asked; to one that asks all the time, nothing. */
export function discover(trader: Trader, { envelope, body }: Incoming): TradingOutcome {
  const own = trader.store.catalog(trader.self)
  const buyer = envelope.sender_id
  if (own === undefined || own.validUntilMs <= trader.now() || buyer === trader.self) return outcome()
  if (strangerRefusal(trader, buyer) !== undefined || !trader.rates.searches.take(buyer)) return outcome()
  const wanted = readIntent(body.message)
  const fitting = own.offers.filter(offer => matches({ catalog: own, offer }, wanted))
  const offers = leftOffers(trader, { ...own, offers: fitting })
    .filter(offer => matches({ catalog: own, offer }, wanted))
    .slice(0, MAX_ANSWERED)
  if (offers.length === 0) return outcome()
  const trade = { transactionId: transactionOf(envelope), role: 'seller', counterparty: buyer } as const
  const message = catalogMessage({ ...own, offers }, trader.name)
  return outcome([], [flowDraft(trader, trade, 'on_discover', { message, inReplyTo: body })])
}

function leftOffers(trader: Trader, own: Catalog): Offer[] {
  return own.offers
    .filter(offer => !hasBegun(trader, offer.slot))
    .map(offer => ({ ...offer, availableWh: leftWh(trader, offer) }))
    .filter(offer => offer.availableWh > 0)
}
