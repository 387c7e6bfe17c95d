import { describe, expect, test } from 'vitest'
import { readHomes } from '../../src/domains/forecast/homes.ts'
import { type LocalTime, type Reading, seriesOf } from '../../src/domains/forecast/readings.ts'
import { refusalOf } from '../../src/domains/forecast/refusal.ts'
import { isWeekend, type LoadSeries, sinceGap, slotsOf, weekdayOf } from '../../src/domains/forecast/series.ts'

const HOUR_MS = 3_600_000
const ZURICH: LocalTime = { slotMs: HOUR_MS, timeZone: 'Europe/Zurich' }

/** Readings of these hours of UTC, each of the hour that the clock shows in Zurich. */
function byTheClock(fromMs: number, hours: number): Reading[] {
  const clock = new Intl.DateTimeFormat('en', { timeZone: 'Europe/Zurich', hour: 'numeric', hourCycle: 'h23' })
  return Array.from({ length: hours }, (_, i) => {
    const startMs = fromMs + i * HOUR_MS
    return { startMs, kwh: Number(clock.format(startMs)) }
  })
}

function made(got: ReturnType<typeof seriesOf>): LoadSeries {
  if ('reason' in got) throw new Error(got.reason)
  return got
}

const CLOCK = Array.from({ length: 24 }, (_, hour) => hour)

describe('a series of slots', () => {
  test('keeps its places on a day of 23 hours, whose lost hour is the mean of those beside it', () => {
    // Saturday 28 March 2026, 00:00 in Zurich, to the end of Monday: 24 + 23 + 24 hours.
    const series = made(seriesOf(byTheClock(Date.UTC(2026, 2, 27, 23), 71), ZURICH))
    expect(series.kwh).toHaveLength(72)
    expect(weekdayOf(series, 0)).toBe(5)
    for (const day of [0, 1, 2]) expect([...slotsOf(series, day)]).toEqual(CLOCK)
  })

  test('keeps its places on a day of 25 hours, whose two of one name count as their mean', () => {
    // Saturday 24 October 2026 to Monday: 24 + 25 + 24 hours. The second 02:00 is the 51st.
    const readings = byTheClock(Date.UTC(2026, 9, 23, 22), 73)
    const twice = readings.map((reading, i) => ({ ...reading, kwh: i === 24 + 3 ? 5 : reading.kwh }))
    const series = made(seriesOf(twice, ZURICH))
    expect(series.kwh).toHaveLength(72)
    for (const day of [0, 2]) expect([...slotsOf(series, day)]).toEqual(CLOCK)
    expect([...slotsOf(series, 1)]).toEqual(CLOCK.map(hour => (hour === 2 ? 3.5 : hour)))
  })

  test('begins with the first whole day, west of Greenwich too, in whatever order readings come', () => {
    const fromMs = Date.UTC(2026, 0, 4, 20)
    const readings = Array.from({ length: 40 }, (_, i) => ({ startMs: fromMs + i * HOUR_MS, kwh: i })).reverse()
    const series = made(seriesOf(readings, { slotMs: HOUR_MS, timeZone: 'America/Los_Angeles' }))
    // 12:00 of a Sunday there: twelve hours later it is Monday.
    expect([...series.kwh]).toEqual(Array.from({ length: 28 }, (_, i) => 12 + i))
    expect([weekdayOf(series, 0), isWeekend(series, 4), isWeekend(series, 5)]).toEqual([0, false, true])
  })

  test('has a gap where more than an hour of a day is missing', () => {
    const readings = byTheClock(Date.UTC(2026, 0, 4, 23), 96).filter((_, i) => ![30, 60, 61].includes(i))
    const series = made(seriesOf(readings, ZURICH))
    expect([...slotsOf(series, 1)]).toEqual(CLOCK)
    expect([...slotsOf(series, 2).slice(11, 15)]).toEqual([11, Number.NaN, Number.NaN, 14])
    expect(refusalOf(series, { from: 0, to: 4 })).toEqual({ reason: 'slot 12 of day 2 is NaN, which is no load' })
    const since = sinceGap(series, 4)
    expect(since.day).toBe(1)
    expect([...since.series.kwh]).toEqual(CLOCK)
    expect(weekdayOf(since.series, 0)).toBe(weekdayOf(series, 3))
    expect(sinceGap(series, 2)).toEqual({ series, day: 2 })
  })

  test('is refused where slots do not make days', () => {
    expect(seriesOf([], { slotMs: 7 * HOUR_MS, timeZone: 'UTC' })).toEqual({
      reason: 'slots of 25200000 ms do not make a day',
    })
    expect(seriesOf([{ startMs: HOUR_MS / 2, kwh: 1 }], ZURICH)).toEqual({
      reason: 'its slots do not begin with the day',
    })
  })
})

describe('a file of homes', () => {
  const rows = (first: number, stamp: (ms: number) => string): string =>
    Array.from({ length: 48 }, (_, i) => `${stamp(first + i * HOUR_MS)},${i},${i === 5 ? '' : 2 * i}`).join('\n')
  const iso = (ms: number): string => new Date(ms).toISOString()

  test.each([
    ['local time', Date.UTC(2026, 0, 6), (ms: number) => iso(ms).slice(0, 16)],
    ['UTC, an hour behind', Date.UTC(2026, 0, 5, 23), (ms: number) => `${iso(ms).slice(0, 16)}Z`],
  ])('begins a day with its first row: %s', (_, first, stamp) => {
    const homes = readHomes(`start,a,b\n${rows(first, stamp)}\n`)
    if ('reason' in homes) throw new Error(homes.reason)
    expect([...homes.keys()]).toEqual(['a', 'b'])
    const [a, b] = [...homes.values()] as [LoadSeries, LoadSeries]
    expect([a.perDay, weekdayOf(a, 0)]).toEqual([24, 1])
    expect([...b.kwh]).toEqual([...a.kwh].map(kwh => 2 * kwh))
  })

  test('is refused without times', () => {
    expect(readHomes('start,a\nnever,1')).toEqual({ reason: 'row 2 begins with "never", which is no time' })
    expect(readHomes('start,a\n2026-01-06T00:00,1')).toEqual({ reason: 'it has no two rows in order of time' })
  })
})
