import { adapted, type Band, bandOf, P10_P90 } from './bands.ts'
import { dayAhead, FIRST_LEARNT, fitDayAhead, ridgeDay } from './day-ahead.ts'
import { FEATURES, featuresOf } from './features.ts'
import { kernelMedian, likeSlots } from './kernel.ts'
import { type LookBack, mean7d, median14d, naive24h, naive168h, similarDay } from './look-back.ts'
import { nextSlotWapes } from './next-slot-trial.ts'
import { type NoForecast, refusalOf } from './refusal.ts'
import { addRows, emptySums, type Fit, solve } from './ridge.ts'
import { type BandScore, bandScoreOf, naiveError, type Score, scoreOf } from './scores.ts'
import { type LoadSeries, slotsOf } from './series.ts'
import { cameIn, daysOf, type Trial } from './trial.ts'

export interface Evaluation {
  readonly dayAhead: Readonly<Record<string, Score>>
  readonly bands: { readonly plain: BandScore; readonly adaptive: BandScore }
  /** WAPE. */
  readonly nextSlot: Readonly<Record<string, number>>
}

/** The one that is shipped. */
const SHIPPED = 'mean of kernel median and robust ridge'

const LOOK_BACKS: Readonly<Record<string, LookBack>> = {
  'naive-24h': naive24h,
  'naive-168h': naive168h,
  'mean-7d': mean7d,
  'similar-day': similarDay,
  'median-14d': median14d,
  'kernel median': kernelMedian,
}

const WEEK = 7
const PENALTY = 1

/** Every method on one home, day after day as it would have been said then. */
export function evaluate(series: LoadSeries, trial: Trial): Evaluation | NoForecast {
  const refusal = refusalOf(series, { from: 0, to: trial.last + 1 })
  if (refusal !== undefined) return refusal
  const shipped = shippedDays(series, trial)
  if ('reason' in shipped) return shipped
  const { said, robust, adaptive } = shipped
  const days = daysOf(trial)
  const methods = {
    ...Object.fromEntries(
      Object.entries(LOOK_BACKS).map(([name, method]) => [name, days.flatMap(day => method(series, day))]),
    ),
    ridge: ridgeDays(series, trial),
    'robust ridge': robust,
    [SHIPPED]: said,
  }
  const came = cameIn(series, trial)
  const scale = naiveError(series, trial.first)
  const plain = joined(days.map(day => bandOf(likeSlots(series, day), P10_P90)))
  return {
    dayAhead: Object.fromEntries(Object.entries(methods).map(([name, each]) => [name, scoreOf(each, came, scale)])),
    bands: { plain: bandScoreOf(plain, came), adaptive: bandScoreOf(adaptive, came) },
    nextSlot: nextSlotWapes(series, trial, said),
  }
}

/** What a home would have been told: refitted now and then, the band adapted after each day. */
function shippedDays(
  series: LoadSeries,
  trial: Trial,
): { readonly said: number[]; readonly robust: number[]; readonly adaptive: Band } | NoForecast {
  const said: number[] = []
  const robust: number[] = []
  const bands: Band[] = []
  let fit: Fit | undefined
  let levels = P10_P90
  for (const day of daysOf(trial)) {
    if ((day - trial.first) % trial.refitDays === 0) fit = fitDayAhead(series, day)
    const ahead = dayAhead(series, day, { fit, levels })
    if ('reason' in ahead) return ahead
    said.push(...ahead.median)
    robust.push(...(fit === undefined ? ahead.median : ridgeDay(series, day, fit.robust)))
    bands.push(ahead.band)
    levels = adapted(levels, ahead.band, slotsOf(series, day))
  }
  return { said, robust, adaptive: joined(bands) }
}

/** Fitted every week on all days before, whose sums only grow. */
function ridgeDays(series: LoadSeries, trial: Trial): number[] {
  const { kwh, perDay } = series
  const learnt = { from: FIRST_LEARNT, to: trial.last }
  const y = kwh.subarray(learnt.from * perDay, learnt.to * perDay)
  const rows = { x: featuresOf(series, learnt), y, size: FEATURES }
  const sums = emptySums(FEATURES)
  let added = 0
  let coefficients: Float64Array = new Float64Array(FEATURES)
  return daysOf(trial).flatMap(day => {
    if ((day - trial.first) % WEEK === 0) {
      const to = (day - FIRST_LEARNT) * perDay
      addRows(sums, rows, { from: added, to })
      added = to
      coefficients = solve(sums, PENALTY)
    }
    return ridgeDay(series, day, coefficients)
  })
}

function joined(bands: readonly Band[]): Band {
  return { low: bands.flatMap(({ low }) => low), high: bands.flatMap(({ high }) => high) }
}
