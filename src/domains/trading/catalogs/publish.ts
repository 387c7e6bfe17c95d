import type { MessageId, PeerId, TransactionId } from '../../../kernel/ids.ts'
import { type Draft, outcome } from '../../../kernel/outcome.ts'
import { isSameSlot } from '../../../kernel/slot.ts'
import type { Envelope } from '../../../protocol/envelope.ts'
import { MAX_LIFETIME_MS } from '../../../protocol/limits.ts'
import { catalogMessage, MAX_SLOTS_OFFERED, readCatalog } from '../beckn/catalog-body.ts'
import { becknContext, typeOf } from '../beckn/context.ts'
import type { BecknRefusal } from '../beckn/error.ts'
import type { Catalog, Offer, TradingFact } from '../trade.ts'
import { hasBegun, type Incoming, type OwnOutcome, refuse, type Trader, type TradingOutcome } from '../trader.ts'

/** A catalog claims no version from a clock further ahead than this. */
const MAX_AHEAD_MS = 60_000
/** Sellers and offers kept in the index. */
const MAX_CATALOGS = 5_000
const MAX_OFFERS_KEPT = 100_000

/** Seller: its catalog, to everybody in the zone, or to one peer. */
export function publishDraft(trader: Trader, catalog: Catalog, to?: PeerId): Draft {
  const transactionId = trader.newId() as TransactionId
  const id = trader.newId() as MessageId
  const ttlMs = Math.min(MAX_LIFETIME_MS, Math.max(1000, catalog.validUntilMs - trader.now()))
  const { self: seller, networkId } = trader
  const context = becknContext({
    action: 'catalog/publish',
    networkId,
    seller,
    sender: seller,
    receiver: to,
    transactionId,
    messageId: id,
    nowMs: trader.now(),
    ttlMs,
  })
  const payload = { context, message: catalogMessage(catalog, trader.name) }
  const draft = { id, type: typeOf('catalog/publish'), subjectId: transactionId, payload, ttlMs }
  return to === undefined ? { ...draft, carrier: 'catalog' } : { ...draft, to, carrier: 'stream' }
}

/** Everybody: the latest catalog of a seller replaces the one before. */
export function publish(trader: Trader, { envelope, body }: Incoming): TradingOutcome {
  if (!trader.rates.announcements.take(envelope.sender_id))
    return refuse({
      code: 'AUT_RATE_LIMITED',
      message: 'too many catalogs in a short time; the newest counts, send it later',
    })
  return keepCatalog(trader, readCatalog(body.message, envelope.sender_id), envelope)
}

/** Keeps a whole catalog, with its seller's signed word so that others can have it from here. */
export function keepCatalog(trader: Trader, catalog: Catalog | string, envelope: Envelope): OwnOutcome {
  const refusal = unusable(trader, catalog)
  if (refusal !== undefined || typeof catalog === 'string') return refuse(refusal ?? unreadableCatalog(catalog))
  if (!isNews(trader, catalog)) return outcome()
  const { seller, version, validUntilMs } = catalog
  const signed: TradingFact[] =
    envelope.to === undefined ? [{ kind: 'trading.catalog.signed', seller, version, envelope }] : []
  const kept: Catalog = { ...catalog, validUntilMs: atMost(trader, validUntilMs) }
  return outcome<TradingFact>([{ kind: 'trading.catalog', catalog: kept }, ...signed])
}

/** Who sells for longer says it again within that time; who is gone does not stand in the index for ever. */
function atMost(trader: Trader, validUntilMs: number): number {
  return Math.min(validUntilMs, trader.now() + MAX_LIFETIME_MS)
}

/**
 * Keeps what a seller answered to a search: what is left, of the slots that were asked for, and nothing else. Beside it
 * stands what was known of that version for slots to come, as much as a catalog may hold.
 */
export function keepAnswer(trader: Trader, catalog: Catalog | string): OwnOutcome {
  const refusal = unusable(trader, catalog)
  if (refusal !== undefined || typeof catalog === 'string') return refuse(refusal ?? unreadableCatalog(catalog))
  if (!isNews(trader, catalog)) return outcome()
  const known = trader.store.catalog(catalog.seller)
  const before = known?.version === catalog.version ? known.offers : []
  const others = before.filter(offer => !has(catalog.offers, offer) && !hasBegun(trader, offer.slot))
  const offers = [...catalog.offers, ...others].slice(0, MAX_SLOTS_OFFERED)
  const validUntilMs = atMost(trader, catalog.validUntilMs)
  return outcome<TradingFact>([{ kind: 'trading.catalog', catalog: { ...catalog, validUntilMs, offers } }])
}

const has = (offers: readonly Offer[], { offerId, slot }: Offer): boolean =>
  offers.some(offer => offer.offerId === offerId && isSameSlot(offer.slot, slot))

function unreadableCatalog(said: unknown): BecknRefusal {
  return { code: 'SCH_INVALID', message: typeof said === 'string' ? said : 'no catalog' }
}

function unusable(trader: Trader, catalog: Catalog | string): BecknRefusal | undefined {
  if (typeof catalog === 'string') return unreadableCatalog(catalog)
  return catalog.version > trader.now() + MAX_AHEAD_MS
    ? { code: 'SCH_INVALID', message: 'a version from the future' }
    : undefined
}

/** Whether it belongs into the index. The same version again may say that less is left. */
function isNews(trader: Trader, catalog: Catalog): boolean {
  if (catalog.offers.length > 0 && catalog.currency !== trader.currency) return false
  const known = trader.store.catalog(catalog.seller)
  if (catalog.validUntilMs <= trader.now() || (known !== undefined && known.version > catalog.version)) return false
  // Strangers choose their ids: a flood of new sellers fills the index and no more.
  const { sellers, offers } = trader.store.index.size()
  const grownBy = catalog.offers.length - (known?.offers.length ?? 0)
  return (known !== undefined || sellers < MAX_CATALOGS) && (grownBy <= 0 || offers + grownBy <= MAX_OFFERS_KEPT)
}
