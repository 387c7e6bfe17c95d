import type { Order, SlotTariff } from './order.ts'

/** What is traded is counted in units of this; the rest of a step is not traded. */
export const UNIT_WH = 10

/** The tariff as the auction sees it: the bounds of every price. */
export interface Bounds {
  readonly lowMicro: number
  readonly highMicro: number
  readonly shareMicro: number
  /** Between two zones; undefined: zones do not trade with each other. */
  readonly feeMicro: number | undefined
}

/** Units of one peer and one side at one value, and how many of them are filled. */
export interface Lot {
  readonly peer: string
  readonly tie: string
  /** What a kWh is worth to its peer before fees, within the bounds. */
  readonly valueMicro: number
  readonly units: number
  filled: number
}

/** A zone with its lots: buys from the dearest, sells from the cheapest on. */
export interface Zone {
  readonly name: string
  readonly buys: Lot[]
  readonly sells: Lot[]
}

const UNBOUNDED: Bounds = { lowMicro: 0, highMicro: 1_000_000_000, shareMicro: 0, feeMicro: undefined }

export function boundsOf(tariff: SlotTariff | undefined): Bounds {
  if (tariff === undefined) return UNBOUNDED
  const { feedInMicro: lowMicro, retailMicro: highMicro, shareMicro, gridFeeMicro: feeMicro } = tariff
  return { lowMicro, highMicro, shareMicro, feeMicro }
}

/** The zones of these orders, in the order of their names. Without a fee between them they are one. */
export function zonesOf(orders: readonly Order[], bounds: Bounds, tie: (peer: string) => string): Zone[] {
  const zones = new Map<string, Zone>()
  for (const { peer, zone, buy, sell } of orders) {
    const name = bounds.feeMicro === 0 ? '' : zone
    const { buys, sells }: Zone = zones.get(name) ?? { name, buys: [], sells: [] }
    zones.set(name, { name, buys, sells })
    const owner = { peer, tie: tie(peer) }
    buys.push(...lots(owner, buy, limit => Math.min(limit, bounds.highMicro) - bounds.shareMicro))
    sells.push(...lots(owner, sell, limit => Math.max(limit, bounds.lowMicro)))
  }
  for (const { buys, sells } of zones.values()) {
    buys.sort((a, b) => b.valueMicro - a.valueMicro)
    sells.sort((a, b) => a.valueMicro - b.valueMicro)
  }
  return [...zones.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Steps of the same value are one lot; what is less than a unit is none. */
function lots(owner: Pick<Lot, 'peer' | 'tie'>, steps: Order['buy'], worth: (limitMicro: number) => number): Lot[] {
  const units = new Map<number, number>()
  for (const [limitMicro, energyWh] of steps) {
    const valueMicro = worth(limitMicro)
    units.set(valueMicro, (units.get(valueMicro) ?? 0) + Math.floor(energyWh / UNIT_WH))
  }
  return [...units]
    .filter(([, count]) => count > 0)
    .map(([valueMicro, count]) => ({ ...owner, valueMicro, units: count, filled: 0 }))
}
