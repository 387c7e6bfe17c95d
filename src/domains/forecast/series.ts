/** What a household used, slot after slot of local time, from the first slot of a day on. */
export interface LoadSeries {
  /** kWh a slot; NaN where the meter said nothing. The last day may still be running. */
  readonly kwh: Float64Array
  readonly perDay: number
  /** Of day 0; 0 is Monday. */
  readonly firstWeekday: number
}

/** Days or rows: `from` is in, `to` is not. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

const DAYS_A_WEEK = 7
const SATURDAY = 5

export function weekdayOf({ firstWeekday }: LoadSeries, day: number): number {
  return (firstWeekday + day) % DAYS_A_WEEK
}

export function isWeekend(series: LoadSeries, day: number): boolean {
  return weekdayOf(series, day) >= SATURDAY
}

/** The slots of a day; fewer where the series ends. */
export function slotsOf({ kwh, perDay }: LoadSeries, day: number): Float64Array {
  return kwh.subarray(day * perDay, (day + 1) * perDay)
}

/** For each slot of a day, what `say` makes of it. */
export function everySlot({ perDay }: LoadSeries, say: (slot: number) => number): number[] {
  return Array.from({ length: perDay }, (_, slot) => say(slot))
}

/** The same from the first whole day after the last gap before a day on, and that day in it: history begins anew. */
export function sinceGap(series: LoadSeries, day: number): { readonly series: LoadSeries; readonly day: number } {
  const { kwh, perDay } = series
  const before = kwh.subarray(0, day * perDay)
  const lost = before.length < day * perDay ? day - 1 : Math.floor(before.findLastIndex(Number.isNaN) / perDay)
  const first = lost + 1
  const since = { kwh: kwh.subarray(first * perDay), perDay, firstWeekday: weekdayOf(series, first) }
  return { series: since, day: day - first }
}
