import { type Book, idsOf, rootOf, standingOrders, standingTariff, tieOf } from './book.ts'
import { clear } from './clearing.ts'
import { type Bounds, boundsOf, type Lot, UNIT_WH, type Zone, zonesOf } from './lots.ts'
import { hashOf } from './order.ts'
import { type Line, pair } from './pairing.ts'
import { pricesOf, worthOf } from './prices.ts'

/** What every peer that holds the same book computes, to the byte. */
export interface Result {
  /** Of the book, by which two peers know that they have the same. */
  readonly root: string
  /** Of each zone in which something is traded, in the order of their names. */
  readonly prices: readonly (readonly [zone: string, priceMicro: number])[]
  readonly contracts: readonly Line[]
}

/** What an auction brought, for people: the result itself says it by contract. */
export interface Outturn {
  readonly result: Result
  readonly tradedWh: number
  /** What buyers would have paid at most, less what sellers asked at least, less fees; millionths a kWh times Wh. */
  readonly gainsMicroWh: bigint
  /** What a kWh is worth in each zone, traded or not. */
  readonly worth: ReadonlyMap<string, number>
  /** What nobody took or gave at such a price. */
  readonly leftWh: { readonly buy: number; readonly sell: number }
}

/** A uniform-price call auction: as much as pays is traded, at one price a zone, whoever computes it. */
export function auction(book: Book): Outturn {
  const root = rootOf(book.slot, idsOf(book))
  const bounds = boundsOf(standingTariff(book))
  const zones = zonesOf(standingOrders(book), bounds, peer => tieOf(root, peer))
  clear(zones, bounds)
  const worth = worthOf(zones, bounds)
  const prices = pricesOf(zones, worth)
  const contracts = pair(zones, prices, bounds)
  return {
    result: { root, prices: [...prices], contracts },
    tradedWh: contracts.reduce((sum, [, , energyWh]) => sum + energyWh, 0),
    worth,
    gainsMicroWh: gainsOf(zones, contracts, bounds),
    leftWh: { buy: leftWh(zones.flatMap(({ buys }) => buys)), sell: leftWh(zones.flatMap(({ sells }) => sells)) },
  }
}

export function resultHash({ root, prices, contracts }: Result): string {
  return hashOf('wattmesh/result/1', { root, prices, contracts })
}

function gainsOf(zones: readonly Zone[], contracts: readonly Line[], { feeMicro = 0 }: Bounds): bigint {
  const worth = (lots: readonly Lot[]): bigint =>
    lots.reduce((sum, { filled, valueMicro }) => sum + BigInt(filled) * BigInt(valueMicro), 0n) * BigInt(UNIT_WH)
  const betweenWh = contracts.reduce((sum, [, , energyWh, , fee]) => sum + (fee > 0 ? energyWh : 0), 0)
  const bought = zones.reduce((sum, { buys }) => sum + worth(buys), 0n)
  const sold = zones.reduce((sum, { sells }) => sum + worth(sells), 0n)
  return bought - sold - BigInt(feeMicro) * BigInt(betweenWh)
}

function leftWh(lots: readonly Lot[]): number {
  return lots.reduce((sum, { units, filled }) => sum + units - filled, 0) * UNIT_WH
}
