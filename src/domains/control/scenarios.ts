import type { Battery, Tariff } from './battery.ts'
import { drawing, mergedBySlope, type Segment, type StoredValue, valueAtEnd } from './stored-value.ts'

/** A store is looked at in so many equal parts. */
const CELLS = 16

/** What a slot may turn out to be. */
export interface Scenario {
  readonly netKwh: number
  readonly tariff: Tariff
}

/**
 * What is stored is worth before these slots, on average over what each may be, all as likely: no forecast, but the last
 * days as they were. `worthAtEnd`: of a stored kWh after the last of them.
 */
export function expectedValue(
  battery: Battery,
  ahead: readonly (readonly Scenario[])[],
  worthAtEnd: number,
): StoredValue {
  return ahead.reduceRight((after, scenarios) => meanBefore(after, battery, scenarios), valueAtEnd(battery, worthAtEnd))
}

/** The mean of the values one slot earlier, straight inside each cell. */
function meanBefore(after: StoredValue, battery: Battery, scenarios: readonly Scenario[]): StoredValue {
  const edges = new Float64Array(CELLS + 1)
  for (const { netKwh, tariff } of scenarios) addBefore(edges, after, { battery, netKwh, tariff })
  const width = battery.capacityKwh / CELLS
  const segments = Array.from({ length: CELLS }, (_, cell) => ({
    slope: ((edges[cell + 1] ?? 0) - (edges[cell] ?? 0)) / scenarios.length / width,
    width,
  }))
  return { atEmpty: (edges[0] ?? 0) / scenarios.length, segments }
}

interface Slot extends Scenario {
  readonly battery: Battery
}

/** Adds the value one slot earlier, at the edge of every cell. */
function addBefore(edges: Float64Array, after: StoredValue, { battery, netKwh, tariff }: Slot): void {
  const drawn = drawing(battery, netKwh, tariff)
  addAtEdges(edges, battery.capacityKwh / CELLS, {
    at: -battery.powerKwh * battery.efficiency,
    cost: drawn.atMostCharge + after.atEmpty,
    pieces: mergedBySlope(drawn.segments, after.segments),
  })
}

/** A convex function from some place on. */
interface Curve {
  readonly at: number
  readonly cost: number
  readonly pieces: readonly Segment[]
}

function addAtEdges(edges: Float64Array, width: number, curve: Curve): void {
  let [at, cost, edge] = [curve.at, curve.cost, 0]
  for (const { slope, width: length } of curve.pieces) {
    const end = at + length
    for (; edge <= CELLS && edge * width <= end; edge++)
      edges[edge] = (edges[edge] ?? 0) + cost + slope * (edge * width - at)
    cost += slope * length
    at = end
  }
  // Sums of lengths may end a hair before the last edge.
  for (; edge <= CELLS; edge++) edges[edge] = (edges[edge] ?? 0) + cost
}
