import { type Battery, corners, gridCost, priceAt, type Tariff } from './battery.ts'

/** A stretch of a convex function along which it is straight. */
export interface Segment {
  readonly slope: number
  readonly width: number
}

/**
 * What is still to be paid, by what is stored: convex, straight in pieces. The slopes rise from the left; the first piece
 * begins at an empty store. What one more stored kWh is worth is the slope with the other sign.
 */
export interface StoredValue {
  readonly atEmpty: number
  readonly segments: readonly Segment[]
}

/** After the last slot what is stored is worth so much a kWh. */
export function valueAtEnd({ capacityKwh }: Battery, worth: number): StoredValue {
  return { atEmpty: 0, segments: [{ slope: -worth, width: capacityKwh }] }
}

/** What is to be paid from a store of that much on. */
export function costFrom({ atEmpty, segments }: StoredValue, storedKwh: number): number {
  let cost = atEmpty
  let left = storedKwh
  for (const { slope, width } of segments) {
    if (left <= 0) break
    cost += slope * Math.min(width, left)
    left -= width
  }
  return cost
}

/**
 * The value one slot earlier. Each amount that may be drawn in the slot has its cost; to take the cheapest way from any
 * store is an infimal convolution, and that of two convex functions is their pieces, merged by slope.
 */
export function slotBefore(after: StoredValue, battery: Battery, netKwh: number, tariff: Tariff): StoredValue {
  const drawn = drawing(battery, netKwh, tariff)
  const from = -battery.powerKwh * battery.efficiency
  const merged = mergedBySlope(drawn.segments, after.segments)
  return cut({ at: from, value: drawn.atMostCharge + after.atEmpty, segments: merged }, battery.capacityKwh)
}

/** What the slot costs by how much is drawn out of the store: from as much as it takes in to as much as it gives out. */
export function drawing(battery: Battery, netKwh: number, tariff: Tariff) {
  const [most, least] = [netKwh + battery.powerKwh, netKwh - battery.powerKwh]
  const bends = corners(tariff)
  const segments: Segment[] = []
  for (let from = most; from > least; ) {
    const to = nextBend(from, least, netKwh, bends)
    segments.push(drawn(battery, { from, to, isTaking: from > netKwh, price: priceAt(tariff, (from + to) / 2) }))
    from = to
  }
  return { atMostCharge: gridCost(tariff, most), segments }
}

/** Where the next piece ends, downwards: the price changes, or the battery begins to give out. */
function nextBend(from: number, least: number, netKwh: number, bends: readonly number[]): number {
  let to = netKwh < from && netKwh > least ? netKwh : least
  for (const bend of bends) if (bend < from && bend > to) to = bend
  return to
}

/** A stretch of flows through the connection at one price. */
interface Flows {
  readonly from: number
  readonly to: number
  readonly isTaking: boolean
  readonly price: number
}

function drawn({ efficiency, wear }: Battery, { from, to, isTaking, price }: Flows): Segment {
  return isTaking
    ? { slope: -price / efficiency, width: (from - to) * efficiency }
    : { slope: -efficiency * (price - wear), width: (from - to) / efficiency }
}

/** The pieces of both, by slope: those of the cheapest way to go both together. */
export function mergedBySlope(one: readonly Segment[], other: readonly Segment[]): Segment[] {
  const merged: Segment[] = []
  let [i, j] = [0, 0]
  for (let a = one[0], b = other[0]; a !== undefined || b !== undefined; ) {
    if (b === undefined || (a !== undefined && a.slope <= b.slope)) {
      if (a !== undefined) merged.push(a)
      a = one[++i]
    } else {
      merged.push(b)
      b = other[++j]
    }
  }
  return merged
}

/** Only what a store can hold. */
function cut(
  { at, value, segments }: { readonly at: number; readonly value: number; readonly segments: readonly Segment[] },
  capacityKwh: number,
): StoredValue {
  const kept: Segment[] = []
  let [position, atEmpty] = [at, value]
  for (const { slope, width } of segments) {
    const end = position + width
    if (position < 0) atEmpty += slope * (Math.min(end, 0) - position)
    const within = Math.min(end, capacityKwh) - Math.max(position, 0)
    if (within > 0) kept.push({ slope, width: within })
    position = end
    if (position >= capacityKwh) break
  }
  return { atEmpty, segments: kept }
}
