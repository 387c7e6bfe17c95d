import { type LoadSeries, type Stretch, weekdayOf } from './series.ts'

/** What a slot is forecast from, numbers a row. */
export const FEATURES = 19
/** Days that a row reaches back. */
export const REACH = 7

const SATURDAY = 5
const SUNDAY = 6

/** Sums over the week before a day, brought up to date day by day. */
interface Week {
  readonly bySlot: Float64Array
  total: number
}

/** Rows for every slot of these days, each from days before its own; a day before the series counts as 0. */
export function featuresOf(series: LoadSeries, { from, to }: Stretch): Float64Array {
  const { perDay } = series
  const rows = new Float64Array((to - from) * perDay * FEATURES)
  const past = pastOf(series, { from, to })
  const pastDay = (day: number): Float64Array => past.subarray(day * perDay, (day + 1) * perDay)
  const waves = wavesOf(perDay)
  const week: Week = { bySlot: new Float64Array(perDay), total: 0 }
  for (let day = 0; day < REACH; day++) roll(week, pastDay(day))
  for (let day = 0; day < to - from; day++) {
    const before = past.subarray(day * perDay, (day + REACH) * perDay)
    const target = { rows: rows.subarray(day * perDay * FEATURES), perDay, weekday: weekdayOf(series, from + day) }
    fillDay(target, { before, week, waves })
    roll(week, pastDay(day + REACH), pastDay(day))
  }
  return rows
}

/** From as far as a row reaches to the day before the last: of the last itself nothing is looked at. */
function pastOf({ kwh, perDay }: LoadSeries, { from, to }: Stretch): Float64Array {
  const first = (from - REACH) * perDay
  const past = new Float64Array((to - from + REACH - 1) * perDay)
  past.set(kwh.subarray(Math.max(0, first), Math.max(0, to - 1) * perDay), Math.max(0, -first))
  return past
}

function roll(week: Week, come: Float64Array, gone?: Float64Array): void {
  for (let slot = 0; slot < come.length; slot++) {
    const change = (come[slot] as number) - (gone?.[slot] ?? 0)
    week.bySlot[slot] = (week.bySlot[slot] as number) + change
    week.total += change
  }
}

interface Target {
  readonly rows: Float64Array
  readonly perDay: number
  readonly weekday: number
}

interface Known {
  /** The week before, yesterday last. */
  readonly before: Float64Array
  readonly week: Week
  readonly waves: Float64Array
}

function fillDay({ rows, perDay, weekday }: Target, { before, week, waves }: Known): void {
  const yesterday = before.subarray((REACH - 1) * perDay)
  const dayMean = meanOf(yesterday)
  const weekMean = week.total / (REACH * perDay)
  const evening = meanOf(yesterday.subarray(perDay - Math.max(1, Math.round(perDay / 8))))
  for (let slot = 0; slot < perDay; slot++) {
    const at = slot * FEATURES
    const daysAgo = (days: number): number => before[(REACH - days) * perDay + slot] as number
    rows[at] = 1
    rows[at + 1] = daysAgo(1)
    rows[at + 2] = daysAgo(2)
    rows[at + 3] = daysAgo(3)
    rows[at + 4] = daysAgo(7)
    rows[at + 5] = (week.bySlot[slot] as number) / REACH
    rows[at + 6] = before[(REACH - 1) * perDay + slot - 1] as number
    rows[at + 7] = yesterday[slot + 1] ?? 0
    rows[at + 8] = dayMean
    rows[at + 9] = weekMean
    rows[at + 10] = evening
    rows[at + 11] = weekday === SATURDAY ? 1 : 0
    rows[at + 12] = weekday === SUNDAY ? 1 : 0
    rows.set(waves.subarray(slot * WAVES, (slot + 1) * WAVES), at + 13)
  }
}

const WAVES = 6

/** Of each slot: sine and cosine once, twice, three times a day. */
function wavesOf(perDay: number): Float64Array {
  return Float64Array.from({ length: perDay * WAVES }, (_, i) => {
    const angle = (2 * Math.PI * (Math.floor((i % WAVES) / 2) + 1) * Math.floor(i / WAVES)) / perDay
    return i % 2 === 0 ? Math.sin(angle) : Math.cos(angle)
  })
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
