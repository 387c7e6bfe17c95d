import type { NoForecast } from './refusal.ts'
import { type Fit, fitRows, predicted } from './ridge.ts'
import type { LoadSeries, Stretch } from './series.ts'

/** What was metered, and what was said of each slot a day ahead; NaN or not there: nothing was. */
export interface Track {
  readonly series: LoadSeries
  readonly said: Float64Array
}

const SIZE = 10
const PENALTY = 0.1

/** As the slot before. */
export function persistence({ series: { kwh } }: Track, slot: number): number {
  return kwh[slot - 1] as number
}

/** As said a day ahead, and half of the last error. */
export function halfTheLastError(track: Track, slot: number): number {
  return Math.max(0, (track.said[slot] as number) + errorAt(track, slot - 1) / 2)
}

/** Learns from these slots, counted from the first of the series, how the next follows from the last ones. */
export function fitNextSlot(track: Track, { from, to }: Stretch): Fit {
  const x = new Float64Array((to - from) * SIZE)
  for (let slot = from; slot < to; slot++) x.set(rowOf(track, slot), (slot - from) * SIZE)
  return fitRows({ x, y: track.series.kwh.subarray(from, to), size: SIZE }, PENALTY)
}

/** A slot from all before it, as often too much as too little. */
export function nextSlot(track: Track, slot: number, { robust }: Fit): number | NoForecast {
  const { series, said } = track
  if (!Number.isFinite(said[slot])) return { reason: 'nothing was said of it a day ahead' }
  const needed = [slot - series.perDay, slot - 3, slot - 2, slot - 1]
  if (needed.some(before => !Number.isFinite(series.kwh[before])))
    return { reason: 'the slots before it are not metered' }
  return nextSlotBy(track, slot, robust)
}

/** What coefficients of a fit say of a slot. */
export function nextSlotBy(track: Track, slot: number, coefficients: Float64Array): number {
  return predicted(rowOf(track, slot), 0, coefficients)
}

function rowOf(track: Track, slot: number): Float64Array {
  const { kwh, perDay } = track.series
  const angle = (2 * Math.PI * (slot % perDay)) / perDay
  const metered = (before: number): number => kwh[slot - before] ?? 0
  return Float64Array.of(
    1,
    track.said[slot] as number,
    metered(1),
    metered(2),
    metered(3),
    errorAt(track, slot - 1),
    errorAt(track, slot - 2),
    metered(perDay),
    Math.sin(angle),
    Math.cos(angle),
  )
}

/** Where nothing was said, none. */
function errorAt({ series: { kwh }, said }: Track, slot: number): number {
  const error = (kwh[slot] ?? Number.NaN) - (said[slot] ?? Number.NaN)
  return Number.isNaN(error) ? 0 : error
}
