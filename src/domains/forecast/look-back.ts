import { everySlot, isWeekend, type LoadSeries } from './series.ts'

/** A day's slots from those of days before it. */
export type LookBack = (series: LoadSeries, day: number) => number[]

const WEEK = 7
const FORTNIGHT = 14
const SIMILAR_WITHIN = 28

/** As yesterday. */
export const naive24h: LookBack = (series, day) => everySlot(series, slot => mean(valuesOf(series, [day - 1], slot)))

/** As a week ago. */
export const naive168h: LookBack = (series, day) => {
  const weekAgo = day < WEEK ? day - 1 : day - WEEK
  return everySlot(series, slot => mean(valuesOf(series, [weekAgo], slot)))
}

export const mean7d: LookBack = (series, day) => {
  const days = daysBefore(day, WEEK)
  return everySlot(series, slot => mean(valuesOf(series, days, slot)))
}

/** The mean of days of its kind, weekend or not; where there is none, yesterday. */
export const similarDay: LookBack = (series, day) => {
  const kind = isWeekend(series, day)
  const alike = daysBefore(day, SIMILAR_WITHIN).filter(other => isWeekend(series, other) === kind)
  const days = alike.length === 0 ? [day - 1] : alike
  return everySlot(series, slot => mean(valuesOf(series, days, slot)))
}

export const median14d: LookBack = (series, day) => {
  const days = daysBefore(day, FORTNIGHT)
  return everySlot(series, slot => median(valuesOf(series, days, slot)))
}

/** The latest first; fewer where the series begins. */
function daysBefore(day: number, count: number): number[] {
  return Array.from({ length: Math.min(day, count) }, (_, i) => day - 1 - i)
}

function valuesOf({ kwh, perDay }: LoadSeries, days: readonly number[], slot: number): number[] {
  return days.map(day => kwh[day * perDay + slot] as number)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return mean(sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1))
}
