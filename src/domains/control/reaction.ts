import { type Battery, corners, slotCost, storedByFlow, type Tariff } from './battery.ts'
import { costFrom, type StoredValue } from './stored-value.ts'

/** A slot as the meter sees it, and what is stored as it begins. */
export interface SlotNow {
  readonly netKwh: number
  readonly storedKwh: number
  readonly tariff: Tariff
}

/**
 * The store at the slot's end that costs least, now and later. Both are straight in pieces, so one of the places where a
 * piece ends is best; of equals the lowest: what is saved now is sure.
 */
export function bestEnd(battery: Battery, after: StoredValue, { netKwh, storedKwh, tariff }: SlotNow): number {
  const stored = Math.min(battery.capacityKwh, Math.max(0, storedKwh))
  const costOf = (end: number): number => slotCost(battery, netKwh, end - stored, tariff) + costFrom(after, end)
  let [best, least] = [stored, costOf(stored)]
  for (const end of ends(battery, after, { netKwh, storedKwh: stored, tariff })) {
    const cost = costOf(end)
    if (cost < least - EQUAL || (cost < least + EQUAL && end < best)) [best, least] = [end, cost]
  }
  return best
}

/** Sums of many decimals differ by less. */
const EQUAL = 1e-9

/** Where a piece of either ends, as far as the battery reaches. */
function ends(battery: Battery, after: StoredValue, { netKwh, storedKwh: stored, tariff }: SlotNow): number[] {
  const { capacityKwh, powerKwh } = battery
  const most = Math.min(capacityKwh, stored + storedByFlow(battery, powerKwh))
  const least = Math.max(0, stored + storedByFlow(battery, -powerKwh))
  const kinks = [most, least, ...corners(tariff).map(grid => stored + storedByFlow(battery, grid - netKwh))]
  let at = 0
  for (const { width } of after.segments) {
    at += width
    kinks.push(at)
  }
  return kinks.filter(end => end >= least && end <= most)
}
