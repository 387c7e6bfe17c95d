import type { PeerId } from '../../../kernel/ids.ts'
import { shuffled } from '../../../kernel/random.ts'
import type { Listing } from '../catalog-index.ts'
import { strangerRefusal } from '../limits.ts'
import type { Market } from '../market.ts'
import { landedMicro } from '../money.ts'
import type { Catalog, Need, RankedOffer, Tariff } from '../trade.ts'

/** Offers this peer could buy from for that need, whoever has answered. */
export function candidates(market: Market, need: Pick<Need, 'slot'>): Listing[] {
  return market.index
    .query({ slot: need.slot, minWh: 1 })
    .filter(({ catalog }) => catalog.seller !== market.self && catalog.validUntilMs > market.now())
    .filter(({ catalog }) => strangerRefusal(market, catalog.seller) === undefined)
}

/** Offers of those who did not answer that are tried at most: each may cost a step's time-out. */
const MAX_SILENT = 16

/**
 * Offers by landed cost, of those who answered; when nobody did, of everybody known. After those who answered come a few
 * of those who did not, for an answer may be lost, and a last resort is better than none: the utilities first, which are
 * less likely gone than whoever is cheapest.
 */
export function rank(market: Market, need: Need): RankedOffer[] {
  const heard = new Set<PeerId>(need.answered)
  const [answered, silent] = split(cheapest(market, need), ({ seller }) => heard.has(seller))
  const [utilities, others] = split(silent, ({ role }) => role === 'utility')
  const tail = [...utilities, ...others].slice(0, MAX_SILENT)
  return [...answered, ...(heard.size === 0 ? tail.toSorted(byCost) : tail)]
}

/** The offers known, by landed cost. Equals in random order, so that a street does not empty one house first. */
export function cheapest(market: Market, need: Need): RankedOffer[] {
  const costOf = costs(market)
  const offers = candidates(market, need)
    .map(listing => ranked(market, listing, costOf(listing)))
    .filter(offer => offer.landedMicro <= need.maxPriceMicro)
  return shuffled(offers, market.random).sort(byCost)
}

function split<T>(all: readonly T[], belongs: (one: T) => boolean): [T[], T[]] {
  return [all.filter(belongs), all.filter(one => !belongs(one))]
}

/** A utility comes after a neighbour that costs the same. */
const byCost = (a: RankedOffer, b: RankedOffer): number => a.landedMicro - b.landedMicro || last(a) - last(b)
const last = (offer: RankedOffer): number => (offer.role === 'utility' ? 1 : 0)

function ranked(market: Market, { catalog, offer: { offerId, availableWh } }: Listing, cost: Cost): RankedOffer {
  return { seller: catalog.seller, role: roleOf(market, catalog), offerId, availableWh, ...cost }
}

/** What a kWh of an offer costs here, in millionths, line by line and landed. */
export type Cost = Pick<RankedOffer, 'priceMicro' | 'gridFeeMicro' | 'utilityShareMicro' | 'landedMicro'>

/** What offers cost here, by the tariffs known now. */
export function costs(market: Market): (listing: Listing) => Cost {
  const shareMicro = utilityShareMicro(market)
  return ({ catalog, offer }) => {
    const takes = roleOf(market, catalog) === 'utility' ? 0 : shareMicro
    const cost = {
      priceMicro: offer.priceMicro,
      gridFeeMicro: market.gridFeeMicro(catalog.seller),
      ...(takes === 0 ? {} : { utilityShareMicro: takes }),
    }
    return { ...cost, landedMicro: landedMicro(cost) }
  }
}

/** Who calls itself a utility and is not believed sells like any neighbour. */
function roleOf(market: Market, { seller, role }: Catalog): Catalog['role'] {
  return role === 'utility' && market.isBelieved(seller) ? 'utility' : 'household'
}

/** What the utility takes of a kWh between neighbours: by the tariff that is the cheapest to buy at. None known: nothing. */
function utilityShareMicro(market: Market): number {
  const [cheapest] = tariffs(market).toSorted((a, b) => a.retailMicro - b.retailMicro)
  return cheapest?.utilityShareMicro ?? 0
}

function tariffs(market: Market): Tariff[] {
  return market.index
    .catalogs()
    .flatMap(catalog => (catalog.tariff !== undefined && roleOf(market, catalog) === 'utility' ? [catalog.tariff] : []))
}

/**
 * What a kWh of the utility costs, by the tariffs and offers of the utilities believed here: the cheapest (where missing
 * energy would be bought) and the dearest; undefined when none is known.
 */
export function retailMicro(market: Market, need: Pick<Need, 'slot'>): { low: number; high: number } | undefined {
  const offers = market.index
    .query({ slot: need.slot })
    .flatMap(({ catalog, offer }) => (roleOf(market, catalog) === 'utility' ? [offer.priceMicro] : []))
  const prices = [...tariffs(market).map(tariff => tariff.retailMicro), ...offers]
  return prices.length === 0 ? undefined : { low: Math.min(...prices), high: Math.max(...prices) }
}
