import type { PeerId } from '../../../kernel/ids.ts'
import { landedMicro } from '../../../kernel/money.ts'
import { shuffled } from '../../../kernel/random.ts'
import type { Listing } from '../catalog-index.ts'
import { strangerRefusal } from '../limits.ts'
import type { Catalog, Need, RankedOffer, Tariff } from '../trade.ts'
import type { Trader } from '../trader.ts'

/** Offers this peer could buy from for that need, whoever has answered. */
export function candidates(trader: Trader, need: Pick<Need, 'slot'>): Listing[] {
  return trader.store.index
    .query({ slot: need.slot, minWh: 1 })
    .filter(({ catalog }) => catalog.seller !== trader.self && catalog.validUntilMs > trader.now())
    .filter(({ catalog }) => strangerRefusal(trader, catalog.seller) === undefined)
}

/** Offers of those who did not answer that are tried at most: each may cost a step's time-out. */
const MAX_SILENT = 16

/**
 * Offers by landed cost, of those who answered; when nobody did, of everybody known. After those who answered come a few
 * of those who did not, for an answer may be lost, and a last resort is better than none: the utilities first, which are
 * less likely gone than whoever is cheapest.
 */
export function rank(trader: Trader, need: Need): RankedOffer[] {
  const heard = new Set<PeerId>(need.answered)
  const [answered, silent] = split(cheapest(trader, need), ({ seller }) => heard.has(seller))
  const [utilities, others] = split(silent, ({ role }) => role === 'utility')
  const tail = [...utilities, ...others].slice(0, MAX_SILENT)
  return [...answered, ...(heard.size === 0 ? tail.toSorted(byCost) : tail)]
}

/** The offers known, by landed cost. Equals in random order, so that a street does not empty one house first. */
export function cheapest(trader: Trader, need: Need): RankedOffer[] {
  const costOf = costs(trader)
  const offers = candidates(trader, need)
    .map(listing => ranked(trader, listing, costOf(listing)))
    .filter(offer => offer.landedMicro <= need.maxPriceMicro)
  return shuffled(offers, trader.random).sort(byCost)
}

function split<T>(all: readonly T[], belongs: (one: T) => boolean): [T[], T[]] {
  return [all.filter(belongs), all.filter(one => !belongs(one))]
}

/** A utility comes after a neighbour that costs the same. */
const byCost = (a: RankedOffer, b: RankedOffer): number => a.landedMicro - b.landedMicro || last(a) - last(b)
const last = (offer: RankedOffer): number => (offer.role === 'utility' ? 1 : 0)

function ranked(trader: Trader, { catalog, offer: { offerId, availableWh } }: Listing, cost: Cost): RankedOffer {
  return { seller: catalog.seller, role: roleOf(trader, catalog), offerId, availableWh, ...cost }
}

/** What a kWh of an offer costs here, in millionths, line by line and landed. */
export type Cost = Pick<RankedOffer, 'priceMicro' | 'gridFeeMicro' | 'utilityShareMicro' | 'landedMicro'>

/** What offers cost here, by the tariffs known now. */
export function costs(trader: Trader): (listing: Listing) => Cost {
  const shareMicro = utilityShareMicro(trader)
  return ({ catalog, offer }) => {
    const takes = roleOf(trader, catalog) === 'utility' ? 0 : shareMicro
    const cost = {
      priceMicro: offer.priceMicro,
      gridFeeMicro: trader.gridFeeMicro(catalog.seller),
      ...(takes === 0 ? {} : { utilityShareMicro: takes }),
    }
    return { ...cost, landedMicro: landedMicro(cost) }
  }
}

/** Who calls itself a utility and is not believed sells like any neighbour. */
function roleOf(trader: Trader, { seller, role }: Catalog): Catalog['role'] {
  return role === 'utility' && trader.isBelieved(seller) ? 'utility' : 'household'
}

/** What the utility takes of a kWh between neighbours: by the tariff that is the cheapest to buy at. None known: nothing. */
function utilityShareMicro(trader: Trader): number {
  const [cheapest] = tariffs(trader).toSorted((a, b) => a.retailMicro - b.retailMicro)
  return cheapest?.utilityShareMicro ?? 0
}

function tariffs(trader: Trader): Tariff[] {
  return trader.store.index
    .catalogs()
    .flatMap(catalog => (catalog.tariff !== undefined && roleOf(trader, catalog) === 'utility' ? [catalog.tariff] : []))
}

/**
 * What a kWh of the utility costs, by the tariffs and offers of the utilities believed here: the cheapest (where missing
 * energy would be bought) and the dearest; undefined when none is known.
 */
export function retailMicro(trader: Trader, need: Pick<Need, 'slot'>): { low: number; high: number } | undefined {
  const offers = trader.store.index
    .query({ slot: need.slot })
    .flatMap(({ catalog, offer }) => (roleOf(trader, catalog) === 'utility' ? [offer.priceMicro] : []))
  const prices = [...tariffs(trader).map(tariff => tariff.retailMicro), ...offers]
  return prices.length === 0 ? undefined : { low: Math.min(...prices), high: Math.max(...prices) }
}
