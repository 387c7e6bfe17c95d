import type { MessageId, PeerId, TaskId } from '../../../kernel/ids.ts'
import { type Draft, outcome } from '../../../kernel/outcome.ts'
import type { Envelope } from '../../../protocol/envelope.ts'
import { MAX_LIFETIME_MS } from '../../../protocol/limits.ts'
import { catalogMessage, MAX_SLOTS_OFFERED, readCatalog } from '../beckn/catalog-body.ts'
import { becknContext, typeOf } from '../beckn/context.ts'
import type { BecknRefusal } from '../beckn/error.ts'
import { hasBegun, type Incoming, type Market, refuse, type TradingOutcome } from '../market.ts'
import { slotKey } from '../slot.ts'
import type { Catalog, Offer, TradingFact } from '../trade.ts'

/** A catalog claims no version from a clock further ahead than this. */
const MAX_AHEAD_MS = 60_000
/** Sellers and offers kept in the index. */
const MAX_CATALOGS = 5_000
const MAX_OFFERS_KEPT = 100_000

/** Seller: its catalog, to everybody in the zone, or to one peer. */
export function publishDraft(market: Market, catalog: Catalog, to?: PeerId): Draft {
  const transactionId = market.newId() as TaskId
  const id = market.newId() as MessageId
  const ttlMs = Math.min(MAX_LIFETIME_MS, Math.max(1000, catalog.validUntilMs - market.now()))
  const { self: seller, networkId } = market
  const context = becknContext({
    action: 'catalog/publish',
    networkId,
    seller,
    sender: seller,
    receiver: to,
    transactionId,
    messageId: id,
    nowMs: market.now(),
    ttlMs,
  })
  const payload = { context, message: catalogMessage(catalog, market.name) }
  const draft = { id, type: typeOf('catalog/publish'), taskId: transactionId, payload, ttlMs }
  return to === undefined ? { ...draft, carrier: 'catalog' } : { ...draft, to, carrier: 'stream' }
}

/** Everybody: the latest catalog of a seller replaces the one before. */
export function publish(market: Market, { envelope, body }: Incoming): TradingOutcome {
  if (!market.rates.announcements.take(envelope.sender_id))
    return refuse({
      code: 'AUT_RATE_LIMITED',
      message: 'too many catalogs in a short time; the newest counts, send it later',
    })
  return keepCatalog(market, readCatalog(body.message, envelope.sender_id), envelope)
}

/** Keeps a whole catalog, with its seller's signed word so that others can have it from here. */
export function keepCatalog(market: Market, catalog: Catalog | string, envelope: Envelope): TradingOutcome {
  const refusal = unusable(market, catalog)
  if (refusal !== undefined || typeof catalog === 'string') return refuse(refusal ?? unreadableCatalog(catalog))
  if (!isNews(market, catalog)) return outcome()
  const { seller, version, validUntilMs } = catalog
  const signed: TradingFact[] = envelope.to === undefined ? [{ kind: 'catalog.signed', seller, version, envelope }] : []
  const kept: Catalog = { ...catalog, validUntilMs: atMost(market, validUntilMs) }
  return outcome<TradingFact>([{ kind: 'catalog', catalog: kept }, ...signed])
}

/** Who sells for longer says it again within that time; who is gone does not stand in the index for ever. */
function atMost(market: Market, validUntilMs: number): number {
  return Math.min(validUntilMs, market.now() + MAX_LIFETIME_MS)
}

/**
 * Keeps what a seller answered to a search: what is left, of the slots that were asked for, and nothing else. Beside it
 * stands what was known of that version for slots to come, as much as a catalog may hold.
 */
export function keepAnswer(market: Market, catalog: Catalog | string): TradingOutcome {
  const refusal = unusable(market, catalog)
  if (refusal !== undefined || typeof catalog === 'string') return refuse(refusal ?? unreadableCatalog(catalog))
  if (!isNews(market, catalog)) return outcome()
  const known = market.store.catalog(catalog.seller)
  const before = known?.version === catalog.version ? known.offers : []
  const others = before.filter(offer => !has(catalog.offers, offer) && !hasBegun(market, offer.slot))
  const offers = [...catalog.offers, ...others].slice(0, MAX_SLOTS_OFFERED)
  const validUntilMs = atMost(market, catalog.validUntilMs)
  return outcome<TradingFact>([{ kind: 'catalog', catalog: { ...catalog, validUntilMs, offers } }])
}

const has = (offers: readonly Offer[], { offerId, slot }: Offer): boolean =>
  offers.some(offer => offer.offerId === offerId && slotKey(offer.slot) === slotKey(slot))

function unreadableCatalog(said: unknown): BecknRefusal {
  return { code: 'SCH_INVALID', message: typeof said === 'string' ? said : 'no catalog' }
}

function unusable(market: Market, catalog: Catalog | string): BecknRefusal | undefined {
  if (typeof catalog === 'string') return unreadableCatalog(catalog)
  return catalog.version > market.now() + MAX_AHEAD_MS
    ? { code: 'SCH_INVALID', message: 'a version from the future' }
    : undefined
}

/** Whether it belongs into the index. The same version again may say that less is left. */
function isNews(market: Market, catalog: Catalog): boolean {
  if (catalog.offers.length > 0 && catalog.currency !== market.currency) return false
  const known = market.store.catalog(catalog.seller)
  if (catalog.validUntilMs <= market.now() || (known !== undefined && known.version > catalog.version)) return false
  // Strangers choose their ids: a flood of new sellers fills the index and no more.
  const { sellers, offers } = market.index.size()
  const grownBy = catalog.offers.length - (known?.offers.length ?? 0)
  return (known !== undefined || sellers < MAX_CATALOGS) && (grownBy <= 0 || offers + grownBy <= MAX_OFFERS_KEPT)
}
