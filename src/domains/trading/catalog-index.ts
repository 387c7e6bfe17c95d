import type { PeerId } from '../../kernel/ids.ts'
import { isSameSlot, type Slot, slotKey } from '../../kernel/slot.ts'
import type { Catalog, Offer } from './trade.ts'

/** What an offer must be; what is left out does not matter. */
export interface OfferFilter {
  readonly slot?: Slot
  /** A kWh, before the grid fee. */
  readonly maxPriceMicro?: number
  readonly sourceTypes?: readonly Catalog['sourceType'][]
  readonly minWh?: number
}

/** An offer, and whose it is. */
export interface Listing {
  readonly catalog: Catalog
  readonly offer: Offer
}

export function matches({ catalog, offer }: Listing, filter: OfferFilter): boolean {
  const { slot, maxPriceMicro, sourceTypes, minWh } = filter
  return (
    (slot === undefined || isSameSlot(slot, offer.slot)) &&
    (maxPriceMicro === undefined || offer.priceMicro <= maxPriceMicro) &&
    (minWh === undefined || offer.availableWh >= minWh) &&
    (sourceTypes === undefined || sourceTypes.includes(catalog.sourceType))
  )
}

/** The catalogs of a zone in memory, found by slot without looking at all of them. */
export interface CatalogIndex {
  /** Replaces whatever was known of its seller. */
  put(catalog: Catalog): void
  remove(seller: PeerId): void
  /** Offers that match, in no particular order. With a slot it looks at the offers of that slot only. */
  query(filter: OfferFilter): Listing[]
  catalog(seller: PeerId): Catalog | undefined
  catalogs(): Catalog[]
  /** When the first of them is over. */
  firstEndMs(): number | undefined
  /** How many sellers, and how many offers of theirs. */
  size(): { readonly sellers: number; readonly offers: number }
}

export function createCatalogIndex(known: readonly Catalog[] = []): CatalogIndex {
  const bySeller = new Map<PeerId, Catalog>()
  const bySlot = new Map<string, Map<PeerId, Listing[]>>()
  let offerCount = 0
  /** undefined: to be looked for again. */
  let firstEnd: { readonly atMs: number | undefined } | undefined

  function put(catalog: Catalog): void {
    remove(catalog.seller)
    bySeller.set(catalog.seller, catalog)
    firstEnd = undefined
    offerCount += catalog.offers.length
    for (const offer of catalog.offers) {
      const key = slotKey(offer.slot)
      const sellers = bySlot.get(key) ?? new Map<PeerId, Listing[]>()
      const listings = sellers.get(catalog.seller)
      if (listings === undefined) sellers.set(catalog.seller, [{ catalog, offer }])
      else listings.push({ catalog, offer })
      bySlot.set(key, sellers)
    }
  }

  function remove(seller: PeerId): void {
    const before = bySeller.get(seller)
    if (before === undefined) return
    bySeller.delete(seller)
    firstEnd = undefined
    offerCount -= before.offers.length
    for (const { slot } of before.offers) {
      const key = slotKey(slot)
      const sellers = bySlot.get(key)
      sellers?.delete(seller)
      if (sellers?.size === 0) bySlot.delete(key)
    }
  }

  function* listingsIn({ slot }: OfferFilter): Generator<Listing> {
    const slots = slot === undefined ? bySlot.values() : [bySlot.get(slotKey(slot)) ?? new Map<PeerId, Listing[]>()]
    for (const sellers of slots) for (const listings of sellers.values()) yield* listings
  }

  for (const catalog of known) put(catalog)
  return {
    put,
    remove,
    query(filter) {
      const found: Listing[] = []
      for (const listing of listingsIn(filter)) if (matches(listing, filter)) found.push(listing)
      return found
    },
    catalog: seller => bySeller.get(seller),
    catalogs: () => [...bySeller.values()],
    firstEndMs() {
      firstEnd ??= { atMs: firstEndOf(bySeller.values()) }
      return firstEnd.atMs
    },
    size: () => ({ sellers: bySeller.size, offers: offerCount }),
  }
}

function firstEndOf(catalogs: Iterable<Catalog>): number | undefined {
  let first: number | undefined
  for (const { validUntilMs } of catalogs) first = Math.min(validUntilMs, first ?? validUntilMs)
  return first
}
