import { type Bounds, type Lot, UNIT_WH, type Zone } from './lots.ts'
import { byBytes } from './order.ts'

/**
 * A contract as the auction makes it, millionths a kWh: the price of the seller's zone, the grid fee (none inside a
 * zone), the utility's share. The buyer pays the three together.
 */
export type Line = readonly [
  buyer: string,
  seller: string,
  energyWh: number,
  priceMicro: number,
  gridFeeMicro: number,
  shareMicro: number,
]

/** What a peer trades, and where. */
interface Party {
  readonly peer: string
  readonly tie: string
  readonly zone: string
  units: number
}

/** Who buys of whom: inside each zone first, by ties; what is left of a zone with what is left of others. */
export function pair(zones: readonly Zone[], prices: ReadonlyMap<string, number>, bounds: Bounds): Line[] {
  const lines: Line[] = []
  const left: { buyers: Party[]; sellers: Party[] } = { buyers: [], sellers: [] }
  const note = (buyer: Party, seller: Party, units: number): void => {
    const feeMicro = buyer.zone === seller.zone ? 0 : (bounds.feeMicro ?? 0)
    const priceMicro = prices.get(seller.zone) ?? 0
    lines.push([buyer.peer, seller.peer, units * UNIT_WH, priceMicro, feeMicro, bounds.shareMicro])
  }
  for (const { name, buys, sells } of zones) {
    const [buyers, sellers] = [parties(name, buys), parties(name, sells)]
    walk(buyers, sellers, note)
    left.buyers.push(...buyers.filter(({ units }) => units > 0))
    left.sellers.push(...sellers.filter(({ units }) => units > 0))
  }
  walk(left.buyers, left.sellers, note)
  return lines.sort((a, b) => byBytes(a[0], b[0]) || byBytes(a[1], b[1]))
}

function parties(zone: string, lots: readonly Lot[]): Party[] {
  const byPeer = new Map<string, Party>()
  for (const { peer, tie, filled } of lots) {
    const party = byPeer.get(peer) ?? { peer, tie, zone, units: 0 }
    party.units += filled
    byPeer.set(peer, party)
  }
  return [...byPeer.values()].filter(({ units }) => units > 0).sort((a, b) => byBytes(a.tie, b.tie))
}

/** Side by side: each step is as much as both of the two in front have left. */
function walk(
  buyers: readonly Party[],
  sellers: readonly Party[],
  note: (buyer: Party, seller: Party, units: number) => void,
): void {
  let [b, s] = [0, 0]
  for (let buyer = buyers[0], seller = sellers[0]; buyer !== undefined && seller !== undefined; ) {
    const units = Math.min(buyer.units, seller.units)
    note(buyer, seller, units)
    buyer.units -= units
    seller.units -= units
    if (buyer.units === 0) buyer = buyers[++b]
    if (seller.units === 0) seller = sellers[++s]
  }
}
