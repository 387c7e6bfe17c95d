import type { LoadSeries } from './series.ts'

/** The days on which forecasts are compared with what came; each is said from the days before it. */
export interface Trial {
  readonly first: number
  readonly last: number
  /** Days between two fits of what is shipped. */
  readonly refitDays: number
  /** Days before the first from which the next slot is learnt. */
  readonly headStart: number
}

const LONG_DAYS = 112
const LEAST_DAYS = 35

/** All whole days after the first eight weeks; of a short series, after four. Undefined: less than a week is left. */
export function trialOf({ kwh, perDay }: LoadSeries): Trial | undefined {
  const days = Math.floor(kwh.length / perDay)
  if (days < LEAST_DAYS) return undefined
  const last = days - 1
  return days < LONG_DAYS
    ? { first: 28, last, refitDays: 7, headStart: 7 }
    : { first: 56, last, refitDays: 28, headStart: 14 }
}

export function daysOf({ first, last }: Trial): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

/** What the meter saw on them. */
export function cameIn({ kwh, perDay }: LoadSeries, { first, last }: Trial): Float64Array {
  return kwh.subarray(first * perDay, (last + 1) * perDay)
}
