import { describe, expect, test } from 'vitest'
import { dayAhead, fitDayAhead } from '../../src/domains/forecast/day-ahead.ts'
import { featuresOf } from '../../src/domains/forecast/features.ts'
import { kernelMedian } from '../../src/domains/forecast/kernel.ts'
import { mean7d, median14d, naive24h, naive168h, similarDay } from '../../src/domains/forecast/look-back.ts'
import {
  fitNextSlot,
  halfTheLastError,
  nextSlot,
  persistence,
  type Track,
} from '../../src/domains/forecast/next-slot.ts'
import { evaluateForecast } from '../../src/domains/forecast/offline.ts'
import type { LoadSeries } from '../../src/domains/forecast/series.ts'

const DAYS = 60

/** A house with a base load, mornings and evenings, busier weekends, and some hours nobody could foresee. */
function house(days = DAYS, seed = 1): LoadSeries {
  let state = seed
  const chance = (): number => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
  const kwh = Float64Array.from({ length: days * 24 }, (_, i) => {
    const [hour, weekday] = [i % 24, Math.floor(i / 24) % 7]
    const usual = 0.2 + (hour > 6 && hour < 9 ? 0.8 : 0) + (hour > 17 && hour < 22 ? 1.2 : 0) + (weekday > 4 ? 0.3 : 0)
    return usual * (0.7 + 0.6 * chance()) + (chance() < 0.05 ? 2 : 0)
  })
  return { kwh, perDay: 24, firstWeekday: 0 }
}

function changed(series: LoadSeries, from: number, change: (kwh: number) => number): LoadSeries {
  return { ...series, kwh: series.kwh.map((kwh, i) => (i < from ? kwh : change(kwh))) }
}

function said(...asked: Parameters<typeof dayAhead>) {
  const ahead = dayAhead(...asked)
  if ('reason' in ahead) throw new Error(ahead.reason)
  return ahead
}

const constant = (kwh: number, days = DAYS): LoadSeries => ({
  kwh: new Float64Array(days * 24).fill(kwh),
  perDay: 24,
  firstWeekday: 3,
})

describe('a day ahead', () => {
  test.each([2, 9, 30, DAYS])('of a constant load is exactly that, after %d days', day => {
    const { median, mean, band } = said(constant(0.7), day)
    for (const line of [median, mean]) {
      expect(line).toHaveLength(24)
      for (const kwh of line) expect(kwh).toBeCloseTo(0.7, 6)
    }
    expect(band).toEqual({ low: Array(24).fill(0.7), high: Array(24).fill(0.7) })
    for (const method of [naive24h, naive168h, mean7d, similarDay, median14d]) {
      for (const kwh of method(constant(0.7), day)) expect(kwh).toBeCloseTo(0.7, 12)
    }
  })

  test.each([5, 25, 50])('never knows the day itself, nor what follows: day %d', day => {
    const series = house()
    const other = changed(series, day * 24, kwh => 9 - kwh)
    expect(dayAhead(other, day)).toEqual(dayAhead(series, day))
    expect(dayAhead({ ...series, kwh: series.kwh.slice(0, day * 24) }, day)).toEqual(dayAhead(series, day))
    const stretch = { from: 0, to: day + 1 }
    expect(featuresOf(other, stretch)).toEqual(featuresOf(series, stretch))
    for (const method of [naive24h, naive168h, mean7d, similarDay, median14d, kernelMedian]) {
      expect(method(other, day)).toEqual(method(series, day))
    }
  })

  test('has a median that is too small in sum, a mean that is right, and most of the day in its band', () => {
    const series = house(120)
    let [came, median, mean, within] = [0, 0, 0, 0]
    for (let day = 40; day < 120; day++) {
      const ahead = said(series, day)
      for (let slot = 0; slot < 24; slot++) {
        const kwh = series.kwh[day * 24 + slot] as number
        came += kwh
        median += ahead.median[slot] as number
        mean += ahead.mean[slot] as number
        if ((ahead.band.low[slot] as number) <= kwh && kwh <= (ahead.band.high[slot] as number)) within++
      }
    }
    expect(median / came).toBeLessThan(0.95)
    expect(mean / came).toBeGreaterThan(0.97)
    expect(mean / came).toBeLessThan(1.03)
    expect(within / (80 * 24)).toBeGreaterThan(0.75)
    expect(within / (80 * 24)).toBeLessThan(0.85)
  })

  test('may use a fit of some weeks ago, and has none in the first weeks', () => {
    const series = house()
    expect(fitDayAhead(series, 17)).toBeUndefined()
    const fit = fitDayAhead(series, 40)
    expect(fit).toBeDefined()
    expect(said(series, 40, { fit })).toEqual(said(series, 40))
    expect(said(series, 50, { fit })).not.toEqual(said(series, 50))
  })
})

describe('a day ahead is refused with a reason', () => {
  const dead = (series: LoadSeries, days: readonly number[], hours = 3): LoadSeries => ({
    ...series,
    kwh: series.kwh.map((kwh, i) => (days.includes(Math.floor(i / 24)) && i % 24 < hours ? 0 : kwh)),
  })
  const tenDays = Array.from({ length: 10 }, (_, i) => 4 * i)
  const refused: [what: string, series: LoadSeries, day: number, reason: string][] = [
    ['one day', house(), 1, '1 days are metered, a forecast needs 2'],
    ['no days', house(0), 0, '0 days are metered, a forecast needs 2'],
    ['NaN', changed(house(), 59 * 24 + 3, () => Number.NaN), 60, 'slot 3 of day 59 is NaN, which is no load'],
    ['less than nothing', changed(house(), 100, () => -1), 60, 'slot 4 of day 4 is -1, which is no load'],
    ['infinity', changed(house(), 100, () => 1 / 0), 60, 'slot 4 of day 4 is Infinity, which is no load'],
    [
      'a day that still runs',
      { ...house(), kwh: house().kwh.subarray(0, 100) },
      5,
      'day 4 is not over: it has 4 slots of 24',
    ],
    [
      'only zeros',
      constant(0),
      60,
      'on 10 of the 10 days up to day 9 the meter said 0 for 3 hours or longer: it is broken',
    ],
    [
      'a broken meter',
      dead(house(), tenDays),
      60,
      'on 10 of the 37 days up to day 36 the meter said 0 for 3 hours or longer: it is broken',
    ],
    [
      'half of a few days',
      dead(house(), [1]),
      2,
      'on 1 of the 2 days up to day 1 the meter said 0 for 3 hours or longer: it is broken',
    ],
  ]
  test.each(refused)('%s', (_, series, day, reason) => expect(dayAhead(series, day)).toEqual({ reason }))

  test.each([
    ['an outage of some days', dead(house(), tenDays.slice(1), 24)],
    ['zeros for two hours a day', dead(house(), [...Array(DAYS).keys()], 2)],
    ['ten bad days, but not within six weeks', dead(house(), [0, 1, 2, 3, 4, 50, 51, 52, 53, 54])],
  ])('but not for %s', (_, series) => expect(dayAhead(series, 60)).toHaveProperty('median'))
})

describe('the next slot', () => {
  const first = 30
  /** What was said a day ahead is always a third too little. */
  const track = (series: LoadSeries): Track => ({ series, said: series.kwh.map(kwh => kwh / 1.5) })
  const slot = 55 * 24 + 7

  test('by the last one, and by half the last error', () => {
    const kwh = Float64Array.of(1, 4, 2)
    const short = { series: { kwh, perDay: 3, firstWeekday: 0 }, said: Float64Array.of(Number.NaN, 3, 1) }
    expect(persistence(short, 2)).toBe(4)
    expect(halfTheLastError(short, 2)).toBe(1.5)
    expect(halfTheLastError(short, 1)).toBe(3)
    expect(halfTheLastError({ ...short, said: Float64Array.of(0, 9, 1) }, 2)).toBe(0)
  })

  test('learns how wrong the day ahead is', () => {
    const series = house()
    const fit = fitNextSlot(track(series), { from: first * 24, to: 55 * 24 })
    const kwh = series.kwh[slot] as number
    expect(nextSlot(track(series), slot, fit)).toBeCloseTo(kwh, 1)
  })

  test('never knows the slot itself, nor what follows', () => {
    const series = house()
    const other = changed(series, slot, kwh => 9 - kwh)
    const { said: ahead } = track(series)
    const fit = fitNextSlot(track(series), { from: first * 24, to: 55 * 24 })
    const got = nextSlot({ series, said: ahead }, slot, fit)
    expect(nextSlot({ series: other, said: ahead }, slot, fit)).toBe(got)
    expect(fitNextSlot({ series: other, said: ahead }, { from: first * 24, to: 55 * 24 })).toEqual(fit)
    expect(nextSlot({ series: { ...series, kwh: series.kwh.subarray(0, slot) }, said: ahead }, slot, fit)).toBe(got)
  })

  test('is refused where the day ahead or the slots before are missing', () => {
    const series = house()
    const fit = fitNextSlot(track(series), { from: first * 24, to: 55 * 24 })
    const unsaid = track(series).said.fill(Number.NaN, slot, slot + 1)
    expect(nextSlot({ series, said: unsaid }, slot, fit)).toEqual({ reason: 'nothing was said of it a day ahead' })
    const kwh = series.kwh.slice().fill(Number.NaN, slot - 2, slot - 1)
    const gap = { series: { ...series, kwh }, said: track(series).said }
    expect(nextSlot(gap, slot, fit)).toEqual({ reason: 'the slots before it are not metered' })
  })
})

describe('a file of homes', () => {
  const csv = (columns: readonly LoadSeries[]): string => {
    const rows = [...(columns[0]?.kwh.keys() ?? [])].map(i => {
      const stamp = new Date(Date.UTC(2026, 0, 5) + i * 3_600_000).toISOString().slice(0, 16)
      return [stamp, ...columns.map(({ kwh }) => kwh[i])].join()
    })
    return [`start,${columns.map((_, i) => `h${i}`).join()}`, ...rows].join('\n')
  }

  test('is judged home by home, and on average over those that can be forecast', () => {
    const told: string[] = []
    const text = csv([house(40), constant(0, 40), house(40, 77)])
    const report = evaluateForecast(text, { onHome: home => told.push(home) })
    if ('reason' in report) throw new Error(report.reason)
    expect(told).toEqual(['h0', 'h1', 'h2'])
    expect(report.homes.get('h1')).toHaveProperty('reason')
    const [a, b] = ['h0', 'h2'].map(home => report.homes.get(home))
    if (a === undefined || b === undefined || 'reason' in a || 'reason' in b) throw new Error('they must be judged')
    const shipped = 'mean of kernel median and robust ridge'
    expect(report.mean?.dayAhead[shipped]?.wape).toBeCloseTo(
      ((a.dayAhead[shipped]?.wape ?? 0) + (b.dayAhead[shipped]?.wape ?? 0)) / 2,
      12,
    )
    expect(report.mean?.bands.adaptive.coverage).toBeCloseTo(
      (a.bands.adaptive.coverage + b.bands.adaptive.coverage) / 2,
      12,
    )
    expect(a.dayAhead[shipped]?.wape).toBeLessThan(a.dayAhead['naive-24h']?.wape ?? 0)
    expect(a.nextSlot['persistence']).toBeGreaterThan(a.nextSlot['robust ridge'] ?? 1)
  })

  test('is refused where it is none, and a home where it is too short', () => {
    expect(evaluateForecast('nothing')).toHaveProperty('reason')
    const report = evaluateForecast(csv([house(20)]))
    expect(report).toEqual({
      homes: new Map([['h0', { reason: 'it is too short to learn from and be judged by' }]]),
      mean: undefined,
    })
  })
})
