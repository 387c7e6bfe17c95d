import type { SocPoint } from '../report-data.ts'
import { thinned } from '../slots.ts'
import { MOMENTS } from './plot.ts'

export interface Battery {
  readonly name: string
  /** Oldest first, at least one. */
  readonly points: readonly SocPoint[]
}

/** Every time anybody said something, thinned. */
export function timesOf(batteries: readonly Battery[]): number[] {
  const times = [...new Set(batteries.flatMap(({ points }) => points.map(({ atMs }) => atMs)))].toSorted(
    (a, b) => a - b,
  )
  return thinned(times, MOMENTS)
}

/** What a battery last said; undefined before its first word. */
export function lastBefore(points: readonly SocPoint[], atMs: number): SocPoint | undefined {
  return points.findLast(point => point.atMs <= atMs)
}

/** The middle of what all batteries last said, moment by moment. */
export function median(batteries: readonly Battery[], levelOf: (point: SocPoint) => number): [number, number][] {
  return timesOf(batteries).map(atMs => {
    const values = batteries
      .map(({ points }) => lastBefore(points, atMs))
      .filter(point => point !== undefined)
      .map(levelOf)
      .toSorted((a, b) => a - b)
    const half = values.length / 2
    const [low = 0, high = low] = [values[Math.ceil(half) - 1], values[Math.floor(half)]]
    return [atMs, (low + high) / 2]
  })
}
