import type { Bounds, Lot, Zone } from './lots.ts'

/** Between these nobody who is left out would rather be in, and nobody who is in would rather be out. */
interface Interval {
  readonly lower: number
  readonly upper: number
}

/** A zone's interval, and the units it gives to others: less than none, it takes. */
interface ZoneInterval extends Interval {
  readonly zone: Zone
  readonly flow: number
}

/** The price of every zone in which something is filled, millionths a kWh: the middle of its interval. */
export function pricesOf(zones: readonly Zone[], worth: ReadonlyMap<string, number>): Map<string, number> {
  const filled = zones.filter(({ buys, sells }) => [...buys, ...sells].some(lot => lot.filled > 0))
  return new Map(filled.map(({ name }) => [name, worth.get(name) ?? 0]))
}

/** What a kWh is worth in each zone: its price where something is filled, else the middle of what is asked and offered. */
export function worthOf(zones: readonly Zone[], bounds: Bounds): Map<string, number> {
  const all = zones.map((zone): ZoneInterval => ({ zone, flow: flowOf(zone), ...ownInterval(zone, bounds) }))
  const { feeMicro = 0 } = bounds
  const hub = feeMicro > 0 ? hubOf(all, feeMicro) : undefined
  return new Map(all.map(one => [one.zone.name, priceOf(one, { all, hub, feeMicro })]))
}

function flowOf({ buys, sells }: Zone): number {
  return filledOf(sells) - filledOf(buys)
}

function filledOf(lots: readonly Lot[]): number {
  return lots.reduce((sum, { filled }) => sum + filled, 0)
}

/** By what is filled and what is not of the zone itself, within the tariff. */
function ownInterval({ buys, sells }: Zone, { lowMicro, highMicro, shareMicro }: Bounds): Interval {
  const part = ({ filled }: Lot): boolean => filled > 0
  const notWhole = ({ filled, units }: Lot): boolean => filled < units
  const values = (lots: readonly Lot[]): number[] => lots.map(({ valueMicro }) => valueMicro)
  return {
    lower: most([lowMicro, ...values(sells.filter(part)), ...values(buys.filter(notWhole))]),
    upper: least([highMicro - shareMicro, ...values(buys.filter(part)), ...values(sells.filter(notWhole))]),
  }
}

/** Where zones give and take, one interval for the price at which they give; undefined: each is by itself. */
function hubOf(all: readonly ZoneInterval[], feeMicro: number): Interval | undefined {
  if (all.every(({ flow }) => flow === 0)) return undefined
  const feeOf = ({ flow }: ZoneInterval): number => (flow < 0 ? feeMicro : 0)
  return {
    lower: most(all.map(one => one.lower - (one.flow === 0 ? feeMicro : feeOf(one)))),
    upper: least(all.map(one => one.upper - feeOf(one))),
  }
}

interface Neighbours {
  readonly all: readonly ZoneInterval[]
  readonly hub: Interval | undefined
  readonly feeMicro: number
}

function priceOf(one: ZoneInterval, { all, hub, feeMicro }: Neighbours): number {
  if (hub !== undefined && one.flow !== 0) return middle(hub) + (one.flow < 0 ? feeMicro : 0)
  if (feeMicro === 0) return middle(one)
  const others = all.filter(other => other !== one)
  return middle({
    lower: most([one.lower, ...others.map(({ lower }) => lower - feeMicro), ...(hub === undefined ? [] : [hub.lower])]),
    upper: least([
      one.upper,
      ...others.map(({ upper }) => upper + feeMicro),
      ...(hub === undefined ? [] : [hub.upper + feeMicro]),
    ]),
  })
}

function middle({ lower, upper }: Interval): number {
  return Math.floor((lower + upper) / 2)
}

/** As many as a book has: more than a call takes arguments. */
function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
}
