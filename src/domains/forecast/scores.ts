import type { Band } from './bands.ts'
import type { LoadSeries } from './series.ts'

/** How far a forecast of single slots was from what came. */
export interface Score {
  /** Errors without their signs, as a share of all energy. */
  readonly wape: number
  /** The mean of them, as a multiple of what came to be wrong by yesterday's value in the days before. */
  readonly mase: number
  /** Errors with their signs, as a share of all energy: below 0, it said too little. */
  readonly bias: number
}

export interface BandScore {
  /** The share of slots within. */
  readonly coverage: number
  /** In multiples of the mean load, as is the pinball loss of both ends. */
  readonly width: number
  readonly pinball: number
}

/** @param scale see `naiveError` */
export function scoreOf(said: ArrayLike<number>, came: Float64Array, scale: number): Score {
  let [off, apart] = [0, 0]
  for (let i = 0; i < came.length; i++) {
    const error = (said[i] as number) - (came[i] as number)
    off += error
    apart += Math.abs(error)
  }
  const energy = sum(came)
  return { wape: apart / energy, mase: apart / came.length / scale, bias: off / energy }
}

/** How wrong yesterday's value was on the days before one, on average: the scale of MASE. */
export function naiveError({ kwh, perDay }: LoadSeries, day: number): number {
  const slots = kwh.subarray(perDay, day * perDay)
  return slots.reduce((total, value, i) => total + Math.abs(value - (kwh[i] as number)), 0) / slots.length
}

/** Ends of a band are losses at P10 and P90, whatever levels they were made of. */
export function bandScoreOf({ low, high }: Band, came: Float64Array): BandScore {
  let [within, width, loss] = [0, 0, 0]
  for (let i = 0; i < came.length; i++) {
    const [value, least, most] = [came[i] as number, low[i] as number, high[i] as number]
    if (least <= value && value <= most) within++
    width += most - least
    loss += (pinball(value - least, 0.1) + pinball(value - most, 0.9)) / 2
  }
  const energy = sum(came)
  return { coverage: within / came.length, width: width / energy, pinball: loss / energy }
}

/** What is above a quantile costs its share, what is below the rest. */
function pinball(error: number, level: number): number {
  return error >= 0 ? level * error : (level - 1) * error
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0)
}
