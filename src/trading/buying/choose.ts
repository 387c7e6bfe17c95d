import type { PeerId } from '../../kernel/ids.ts'
import { shuffled } from '../../kernel/random.ts'
import type { Listing } from '../catalog-index.ts'
import { strangerRefusal } from '../limits.ts'
import type { Market } from '../market.ts'
import type { Need, RankedOffer } from '../trade.ts'

/** Offers this peer could buy from for that need, whoever has answered. */
export function candidates(market: Market, need: Pick<Need, 'slot'>): Listing[] {
  return market.index
    .query({ slot: need.slot, minWh: 1 })
    .filter(({ catalog }) => catalog.seller !== market.self && catalog.validUntilMs > market.now())
    .filter(({ catalog }) => strangerRefusal(market, catalog.seller) === undefined)
}

/**
 * Offers by landed cost, of those who answered; when nobody did, of everybody known. Equals in random order, so that a
 * street does not empty one house first; a utility comes after a neighbour that costs the same.
 */
export function rank(market: Market, need: Need): RankedOffer[] {
  const heard = new Set<PeerId>(need.answered)
  const offers = candidates(market, need)
    .filter(({ catalog }) => heard.size === 0 || heard.has(catalog.seller))
    .map(listing => ranked(market, listing))
    .filter(offer => offer.landedMicro <= need.maxPriceMicro)
  return shuffled(offers, market.random).sort((a, b) => a.landedMicro - b.landedMicro || last(a) - last(b))
}

const last = (offer: RankedOffer): number => (offer.role === 'utility' ? 1 : 0)

function ranked(market: Market, { catalog: { seller, role }, offer }: Listing): RankedOffer {
  const { offerId, priceMicro, availableWh } = offer
  const gridFeeMicro = market.gridFeeMicro(seller)
  return { seller, role, offerId, priceMicro, gridFeeMicro, availableWh, landedMicro: priceMicro + gridFeeMicro }
}

/**
 * What a kWh of the utility costs, by the tariffs and offers known of utilities: the cheapest (where missing energy
 * would be bought) and the dearest; undefined when no utility is known.
 */
export function retailMicro(market: Market, need: Pick<Need, 'slot'>): { low: number; high: number } | undefined {
  const tariffs = market.index
    .catalogs()
    .flatMap(({ role, tariff }) => (role === 'utility' && tariff ? [tariff.retailMicro] : []))
  const offers = market.index
    .query({ slot: need.slot })
    .flatMap(({ catalog, offer }) => (catalog.role === 'utility' ? [offer.priceMicro] : []))
  const prices = [...tariffs, ...offers]
  return prices.length === 0 ? undefined : { low: Math.min(...prices), high: Math.max(...prices) }
}
