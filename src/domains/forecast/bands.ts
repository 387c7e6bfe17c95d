import { quantile, type Sample } from './kernel.ts'

/** Between these most of what comes: of ten, one below and one above. */
export interface Band {
  readonly low: readonly number[]
  readonly high: readonly number[]
}

/** The quantiles of the past that stand for a band. */
export interface Levels {
  readonly low: number
  readonly high: number
}

export const P10_P90: Levels = { low: 0.1, high: 0.9 }

const STEP = 0.05
const LOW_BOUNDS = [0.005, 0.3] as const
const HIGH_BOUNDS = [0.7, 0.995] as const

export function bandOf(samples: readonly Sample[], { low, high }: Levels): Band {
  return {
    low: samples.map(sample => quantile(sample, low)),
    high: samples.map(sample => quantile(sample, high)),
  }
}

/** After a day: a band that missed too often on a side reaches further there, one that missed too seldom less. */
export function adapted(levels: Levels, band: Band, came: ArrayLike<number>): Levels {
  const slots = Array.from(came)
  const share = (isMiss: (value: number, slot: number) => boolean): number => slots.filter(isMiss).length / slots.length
  const below = share((value, slot) => value < (band.low[slot] as number))
  const above = share((value, slot) => value > (band.high[slot] as number))
  return {
    low: held(levels.low + STEP * (P10_P90.low - below), LOW_BOUNDS),
    high: held(levels.high - STEP * (1 - P10_P90.high - above), HIGH_BOUNDS),
  }
}

function held(level: number, [least, most]: readonly [number, number]): number {
  return Math.min(most, Math.max(least, level))
}
