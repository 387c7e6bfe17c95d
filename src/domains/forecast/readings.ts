import type { NoForecast } from './refusal.ts'
import type { LoadSeries } from './series.ts'

/** What a meter saw in a slot. */
export interface Reading {
  readonly startMs: number
  readonly kwh: number
}

/** How long slots are, and by whose clock days begin. */
export interface LocalTime {
  readonly slotMs: number
  /** IANA, as `Europe/Zurich`. */
  readonly timeZone: string
}

/** Where slots stand in a series: day after day, by what the clock on the wall says. */
export interface Places extends Omit<LoadSeries, 'kwh'> {
  /** Of each slot asked for; below 0, before the first whole day. */
  readonly at: Int32Array
  readonly length: number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const DAYS_A_WEEK = 7
/** 1 January 1970 was a Thursday. */
const EPOCH_WEEKDAY = 3

/** Readings of one meter in any order, as days of its own place. */
export function seriesOf(readings: readonly Reading[], local: LocalTime): LoadSeries | NoForecast {
  const places = placesOf(
    readings.map(({ startMs }) => startMs),
    local,
  )
  if ('reason' in places) return places
  return seriesAt(
    places,
    readings.map(({ kwh }) => kwh),
  )
}

/** Slots keep their place on days of 23 or 25 hours: on one an hour stays empty, on the other two share a place. */
export function placesOf(startsMs: readonly number[], { slotMs, timeZone }: LocalTime): Places | NoForecast {
  const perDay = DAY_MS / slotMs
  if (!Number.isInteger(perDay)) return { reason: `slots of ${slotMs} ms do not make a day` }
  const offset = offsetsOf(timeZone)
  const slots = startsMs.map(startMs => (startMs + offset(startMs)) / slotMs)
  if (!slots.every(Number.isInteger)) return { reason: 'its slots do not begin with the day' }
  const firstDay = Math.ceil(slots.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY) / perDay)
  const at = Int32Array.from(slots, slot => slot - firstDay * perDay)
  const length = at.reduce((a, b) => Math.max(a, b), -1) + 1
  const firstWeekday = length === 0 ? 0 : (firstDay + EPOCH_WEEKDAY) % DAYS_A_WEEK
  return { at, length, perDay, firstWeekday }
}

/** Two that share a place count as their mean; undefined: nothing was read. */
export function seriesAt({ at, length, ...days }: Places, values: readonly (number | undefined)[]): LoadSeries {
  const kwh = new Float64Array(length)
  const read = new Uint8Array(length)
  for (const [i, value] of values.entries()) {
    const place = at[i] as number
    if (value === undefined || place < 0) continue
    const times = read[place] as number
    kwh[place] = ((kwh[place] as number) * times + value) / (times + 1)
    read[place] = times + 1
  }
  const series: LoadSeries = { ...days, kwh }
  markGaps(
    series,
    read.map(times => Math.min(times, 1)),
  )
  return series
}

/** A day may lack an hour, as it does when clocks go forward: that is the mean of what is beside. More is a gap. */
function markGaps({ kwh, perDay }: LoadSeries, isRead: Uint8Array): void {
  const spared = Math.max(1, perDay / 24)
  for (let from = 0; from < kwh.length; from += perDay) {
    const to = Math.min(from + perDay, kwh.length)
    const unread = to - from - isRead.subarray(from, to).reduce((count, one) => count + one, 0)
    if (unread === 0) continue
    for (let slot = from; slot < to; slot++) {
      if (isRead[slot] === 0) kwh[slot] = unread > spared ? Number.NaN : beside(kwh, isRead, slot)
    }
  }
}

function beside(kwh: Float64Array, isRead: Uint8Array, slot: number): number {
  const before = kwh[isRead.lastIndexOf(1, slot)]
  const after = kwh[isRead.indexOf(1, slot)]
  return ((before ?? after ?? Number.NaN) + (after ?? before ?? Number.NaN)) / 2
}

/** How far local time is ahead, ms. Clocks change at full hours of UTC, or at a half where the zone stands on one. */
function offsetsOf(timeZone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
  const known = new Map<number, number>()
  return ms => {
    const half = Math.floor((2 * ms) / HOUR_MS)
    const offset = known.get(half) ?? parseOffset(format.formatToParts(ms).at(-1)?.value ?? '')
    known.set(half, offset)
    return offset
  }
}

/** `GMT`, `GMT+05:45`. */
function parseOffset(name: string): number {
  const [, sign, hours, minutes] = /([+-])(\d+):(\d+)/.exec(name) ?? []
  return (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * HOUR_MS + (Number(minutes ?? 0) * HOUR_MS) / 60)
}
