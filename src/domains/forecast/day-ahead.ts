import { type Band, bandOf, type Levels, P10_P90 } from './bands.ts'
import { FEATURES, featuresOf, REACH } from './features.ts'
import { kernelMean, likeSlots, quantile } from './kernel.ts'
import { type NoForecast, refusalOf } from './refusal.ts'
import { type Fit, fitRows, predicted } from './ridge.ts'
import { everySlot, type LoadSeries, type Stretch } from './series.ts'

/** A day's slots in kWh, said from the days before it. */
export interface DayAhead {
  /** Of a single slot: as often too much as too little, and so least wrong. Its sums are too small. */
  readonly median: readonly number[]
  /** For plans, bills and balances of energy: right on average. */
  readonly mean: readonly number[]
  readonly band: Band
}

export interface DayAheadOptions {
  /** Made for that day or some weeks before: it ages slowly. */
  readonly fit?: Fit | undefined
  /** As they have adapted to this home. */
  readonly levels?: Levels
}

/** The first day with a whole row: it reaches back a week, and to the slot before that. */
export const FIRST_LEARNT = REACH + 1
const PENALTY = 1
/** A year of hours, thirteen weeks of quarters: what is longer ago teaches little and takes time. */
const MOST_ROWS = 8_760
/** With fewer days to learn from, a ridge is worse than the kernel alone. */
const LEAST_LEARNT_DAYS = 10

/** What these days teach; undefined: too little. */
export function fitDayAhead(series: LoadSeries, day: number): Fit | undefined {
  const { kwh, perDay } = series
  const { from, to } = learntDays(series, day)
  if (to - from < LEAST_LEARNT_DAYS) return undefined
  return fitRows(
    { x: featuresOf(series, { from, to }), y: kwh.subarray(from * perDay, to * perDay), size: FEATURES },
    PENALTY,
  )
}

function learntDays({ perDay }: LoadSeries, day: number): Stretch {
  return { from: Math.max(FIRST_LEARNT, day - Math.floor(MOST_ROWS / perDay)), to: day }
}

/** What coefficients of a fit say of a day. */
export function ridgeDay(series: LoadSeries, day: number, coefficients: Float64Array): number[] {
  const rows = featuresOf(series, { from: day, to: day + 1 })
  return everySlot(series, slot => predicted(rows, slot, coefficients))
}

/** Median: the mean of kernel median and robust ridge. Mean: that of kernel mean and plain ridge. */
export function dayAhead(series: LoadSeries, day: number, options: DayAheadOptions = {}): DayAhead | NoForecast {
  const { from } = learntDays(series, day)
  const refusal = refusalOf(series, { from: from - FIRST_LEARNT, to: day })
  if (refusal !== undefined) return refusal
  const { fit = fitDayAhead(series, day), levels = P10_P90 } = options
  const samples = likeSlots(series, day)
  const medians = samples.map(sample => quantile(sample, 0.5))
  const means = samples.map(kernelMean)
  return {
    median: fit === undefined ? medians : middle(medians, ridgeDay(series, day, fit.robust)),
    mean: fit === undefined ? means : middle(means, ridgeDay(series, day, fit.plain)),
    band: bandOf(samples, levels),
  }
}

function middle(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => (value + (b[i] as number)) / 2)
}
