import type { Battery } from './battery.ts'
import type { Segment, StoredValue } from './stored-value.ts'

/** Energy that is wanted as long as a kWh costs no more. */
interface Wanted {
  readonly limit: number
  readonly kwh: number
}

/** What a house would buy and sell in a slot, at what prices: steps of the auction's order. */
export interface Bid {
  readonly buy: readonly (readonly [limit: number, kwh: number])[]
  readonly sell: readonly (readonly [limit: number, kwh: number])[]
}

export interface BidAsk {
  /** Without the battery; below 0: left over. */
  readonly netKwh: number
  readonly storedKwh: number
  /** Nobody sells below the first, or buys above the second. */
  readonly between: readonly [low: number, high: number]
}

/**
 * The slopes of the value of stored energy, turned into steps: what the house wants at a price rises as the price falls.
 * Dearest first it gives up giving out what is stored, then it takes in more. What is wanted beyond nothing is bought,
 * what is wanted less than nothing is sold.
 */
export function bidOf(battery: Battery, after: StoredValue, { netKwh, storedKwh, between }: BidAsk): Bid {
  const stored = Math.min(battery.capacityKwh, Math.max(0, storedKwh))
  const given = giving(battery, after, stored)
  const steps = [...given, ...taking(battery, after, stored)].toSorted((a, b) => b.limit - a.limit)
  const atLeast = netKwh - given.reduce((sum, { kwh }) => sum + kwh, 0)
  return split(atLeast, steps, between)
}

/** Each piece below what is stored: as long as a kWh costs less than it is worth in the store it is not given out. */
function giving({ powerKwh, efficiency, wear }: Battery, { segments }: StoredValue, stored: number): Wanted[] {
  let left = powerKwh
  return piecesBelow(segments, stored).flatMap(({ slope, width }) => {
    const kwh = Math.min(width * efficiency, left)
    left -= kwh
    return kwh > 0 ? [{ limit: -slope / efficiency + wear, kwh }] : []
  })
}

/** Each piece above it: it is taken in as long as a kWh costs less than it is worth once stored. */
function taking({ powerKwh, efficiency }: Battery, { segments }: StoredValue, stored: number): Wanted[] {
  let left = powerKwh
  return piecesAbove(segments, stored).flatMap(({ slope, width }) => {
    const kwh = Math.min(width / efficiency, left)
    left -= kwh
    return kwh > 0 ? [{ limit: -slope * efficiency, kwh }] : []
  })
}

/** From what is stored downwards. */
function piecesBelow(segments: readonly Segment[], stored: number): Segment[] {
  let at = 0
  return segments
    .map(({ slope, width }) => {
      const piece = { slope, width: Math.min(width, Math.max(0, stored - at)) }
      at += width
      return piece
    })
    .reverse()
}

function piecesAbove(segments: readonly Segment[], stored: number): Segment[] {
  let at = 0
  return segments.map(({ slope, width }) => {
    const piece = { slope, width: Math.min(width, Math.max(0, at + width - stored)) }
    at += width
    return piece
  })
}

function split(atLeast: number, steps: readonly Wanted[], [low, high]: BidAsk['between']): Bid {
  const buy: [number, number][] = []
  const sell: [number, number][] = []
  let wanted = atLeast
  // What the meter takes whatever it costs is worth as much as the dearest seller asks.
  if (wanted > 0) buy.push([high, wanted])
  for (const { limit, kwh } of steps) {
    const sold = Math.min(kwh, Math.max(0, -wanted))
    const price = Math.min(high, Math.max(low, limit))
    if (sold > 0 && limit <= high) sell.unshift([price, sold])
    if (kwh > sold && limit >= low) buy.push([price, kwh - sold])
    wanted += kwh
  }
  // What is left over even if all is taken in goes to whoever takes it.
  if (wanted < 0) sell.unshift([low, -wanted])
  return { buy: joined(buy), sell: joined(sell) }
}

/** Steps at the same price are one. */
function joined(steps: readonly (readonly [number, number])[]): [number, number][] {
  const each = new Map<number, number>()
  for (const [limit, kwh] of steps) each.set(limit, (each.get(limit) ?? 0) + kwh)
  return [...each]
}
