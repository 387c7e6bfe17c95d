import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adapted, P10_P90 } from '../../src/domains/forecast/bands.ts'
import { FEATURES, featuresOf } from '../../src/domains/forecast/features.ts'
import { kernelMean, likeSlots, quantile } from '../../src/domains/forecast/kernel.ts'
import { mean7d, median14d, naive24h, naive168h, similarDay } from '../../src/domains/forecast/look-back.ts'
import { addRows, emptySums, fitRows, predicted, type Rows, solve } from '../../src/domains/forecast/ridge.ts'
import { bandScoreOf, naiveError, scoreOf } from '../../src/domains/forecast/scores.ts'
import { isWeekend, type LoadSeries, weekdayOf } from '../../src/domains/forecast/series.ts'

/** A day has two slots: its number, and its square. */
const SQUARES: LoadSeries = {
  kwh: Float64Array.from({ length: 60 }, (_, i) => Math.floor(i / 2) ** (1 + (i % 2))),
  perDay: 2,
  firstWeekday: 0,
}

const anySeries = fc
  .record({
    kwh: fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 4 * 55, maxLength: 4 * 55 }),
    firstWeekday: fc.integer({ min: 0, max: 6 }),
  })
  .map(({ kwh, firstWeekday }) => ({ kwh: Float64Array.from(kwh, value => value / 100), perDay: 4, firstWeekday }))
const anyDay = fc.integer({ min: 2, max: 54 })

describe('looking back', () => {
  test('at a day, a week, weeks', () => {
    expect(naive24h(SQUARES, 20)).toEqual([19, 361])
    expect(naive168h(SQUARES, 20)).toEqual([13, 169])
    expect(mean7d(SQUARES, 20)).toEqual([16, 260])
    // Days 6 to 19: the middle of 12 and 13, and of their squares.
    expect(median14d(SQUARES, 20)).toEqual([12.5, 156.5])
    // Day 20 is a Sunday: 5, 6, 12, 13, 19.
    expect(similarDay(SQUARES, 20)).toEqual([11, (25 + 36 + 144 + 169 + 361) / 5])
    // Of the 28 days before day 29, 21 are like it.
    expect(similarDay(SQUARES, 29)[0]).toBeCloseTo((28 * 14.5 - (5 + 6 + 12 + 13 + 19 + 20 + 26 + 27)) / 20, 12)
  })

  test('at what there is, where the series is short', () => {
    expect(naive168h(SQUARES, 3)).toEqual([2, 4])
    expect(mean7d(SQUARES, 3)).toEqual([1, 5 / 3])
    expect(median14d(SQUARES, 3)).toEqual([1, 1])
    // The first Saturday has no weekend before it.
    expect(similarDay(SQUARES, 5)).toEqual(naive24h(SQUARES, 5))
  })
})

describe('like slots', () => {
  test('are those within six weeks and beside, each with its weight', () => {
    fc.assert(
      fc.property(anySeries, anyDay, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (series, day, share) => {
        for (const [slot, sample] of likeSlots(series, day).entries()) {
          const all = likeByDefinition(series, day, slot)
          const total = all.reduce((sum, [, weight]) => sum + weight, 0)
          expect(sample.total).toBeCloseTo(total, 9)
          expect(kernelMean(sample)).toBeCloseTo(all.reduce((sum, [kwh, weight]) => sum + kwh * weight, 0) / total, 9)
          // As much as the share lies at or below the quantile, and less than that below it.
          const found = quantile(sample, share)
          const weigh = (within: (kwh: number) => boolean): number =>
            all.reduce((sum, [kwh, weight]) => sum + (within(kwh) ? weight : 0), 0)
          expect(weigh(kwh => kwh <= found)).toBeGreaterThanOrEqual(share * total - 1e-9)
          expect(weigh(kwh => kwh < found)).toBeLessThanOrEqual(share * total + 1e-9)
        }
      }),
      { numRuns: 20 },
    )
  })

  function likeByDefinition(series: LoadSeries, day: number, slot: number): [kwh: number, weight: number][] {
    const { kwh, perDay } = series
    const backs = Array.from({ length: Math.min(42, day) }, (_, i) => i + 1)
    return backs
      .flatMap(back => [-1, 0, 1].map(beside => ({ back, beside, place: (day - back) * perDay + slot + beside })))
      .filter(({ place }) => place >= 0 && place < day * perDay)
      .map(({ back, beside, place }) => [kwh[place] as number, weightOf(series, day, back) * (beside === 0 ? 1 : 0.4)])
  }

  function weightOf(series: LoadSeries, day: number, back: number): number {
    const kind = isWeekend(series, day) === isWeekend(series, day - back) ? 2 : 1
    const weekday = weekdayOf(series, day) === weekdayOf(series, day - back) ? 1.3 : 1
    return 0.95 ** back * kind * weekday
  }
})

describe('features', () => {
  test('are the nineteen of the definition, however many days are made at a time', () => {
    fc.assert(
      fc.property(anySeries, fc.integer({ min: 0, max: 50 }), fc.integer({ min: 1, max: 5 }), (series, from, days) => {
        const rows = featuresOf(series, { from, to: from + days })
        expect(rows).toHaveLength(days * 4 * FEATURES)
        for (let at = 0; at < days * 4; at++) {
          const expected = byDefinition(series, from + Math.floor(at / 4), at % 4)
          const row = [...rows.subarray(at * FEATURES, (at + 1) * FEATURES)]
          for (const [i, value] of row.entries())
            expect(value, `feature ${i}`).toBeCloseTo(expected[i] ?? Number.NaN, 9)
        }
      }),
      { numRuns: 40 },
    )
  })

  function byDefinition(series: LoadSeries, day: number, slot: number): number[] {
    const { kwh, perDay } = series
    const y = (back: number, of: number): number => {
      const place = (day - back) * perDay + of
      return place < 0 || place >= day * perDay ? 0 : (kwh[place] as number)
    }
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
    const slots = Array.from({ length: perDay }, (_, i) => i)
    const week = [1, 2, 3, 4, 5, 6, 7]
    const angle = (2 * Math.PI * slot) / perDay
    return [
      1,
      y(1, slot),
      y(2, slot),
      y(3, slot),
      y(7, slot),
      mean(week.map(back => y(back, slot))),
      y(1, slot - 1),
      slot === perDay - 1 ? 0 : y(1, slot + 1),
      mean(slots.map(of => y(1, of))),
      mean(week.flatMap(back => slots.map(of => y(back, of)))),
      y(1, perDay - 1),
      weekdayOf(series, day) === 5 ? 1 : 0,
      weekdayOf(series, day) === 6 ? 1 : 0,
      ...[1, 2, 3].flatMap(times => [Math.sin(times * angle), Math.cos(times * angle)]),
    ]
  }
})

describe('a ridge', () => {
  /** y = 2 + 3t, at t = 0..9. */
  const LINE: Rows = {
    x: Float64Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 1 : Math.floor(i / 2))),
    y: Float64Array.from({ length: 10 }, (_, t) => 2 + 3 * t),
    size: 2,
  }

  test('finds a line, and less of it the dearer its slope', () => {
    const { plain } = fitRows(LINE, 1e-9)
    expect(plain[0]).toBeCloseTo(2, 6)
    expect(plain[1]).toBeCloseTo(3, 6)
    // Σ(t − mean)² = 82.5: as much again halves the slope. The constant is not charged.
    const { plain: half } = fitRows(LINE, 82.5)
    expect(half[1]).toBeCloseTo(1.5, 6)
    expect(half[0]).toBeCloseTo(2 + 3 * 4.5 - 1.5 * 4.5, 6)
  })

  test('is the same from rows added bit by bit', () => {
    const sums = emptySums(2)
    for (const [from, to] of [
      [0, 3],
      [3, 4],
      [4, 10],
    ] as const) {
      addRows(sums, LINE, { from, to })
    }
    expect(solve(sums, 0.5)).toEqual(fitRows(LINE, 0.5).plain)
  })

  test('that is robust hardly sees one row that is far off', () => {
    const y = LINE.y.slice()
    y[9] = 1_000
    const { plain, robust } = fitRows({ ...LINE, y }, 1e-9)
    expect(predicted(LINE.x, 5, plain)).toBeGreaterThan(100)
    expect(predicted(LINE.x, 5, robust)).toBeLessThan(25)
  })

  test('never says less than nothing', () => {
    expect(predicted(Float64Array.of(1, -5), 0, Float64Array.of(1, 1))).toBe(0)
  })
})

describe('a band', () => {
  const band = { low: [1, 1, 1, 1], high: [3, 3, 3, 3] }

  test('reaches further on the side on which it missed', () => {
    const { low, high } = adapted(P10_P90, band, [0, 0, 2, 2])
    expect(low).toBeCloseTo(0.1 + 0.05 * (0.1 - 0.5), 12)
    expect(high).toBeCloseTo(0.9 - 0.05 * 0.1, 12)
  })

  test('stays within bounds', () => {
    const wide = { low: 0.01, high: 0.99 }
    expect(adapted(wide, band, [0, 0, 9, 9])).toEqual({ low: 0.005, high: 0.995 })
    expect(adapted({ low: 0.3, high: 0.7 }, band, [2, 2, 2, 2])).toEqual({ low: 0.3, high: 0.7 })
  })

  test('is scored by what lies in it, its width, and what it costs to miss', () => {
    const score = bandScoreOf(band, Float64Array.of(1, 2, 3, 6))
    expect(score.coverage).toBe(0.75)
    expect(score.width).toBeCloseTo(8 / 12, 12)
    const [low, high] = [0.1 * (0 + 1 + 2 + 5), 0.1 * (2 + 1 + 0) + 0.9 * 3]
    expect(score.pinball).toBeCloseTo((low + high) / 2 / 12, 12)
  })
})

describe('a score', () => {
  test('by hand', () => {
    const { wape, mase, bias } = scoreOf([2, 1, 3, 3], Float64Array.of(1, 2, 3, 4), 0.5)
    expect(wape).toBeCloseTo(0.3, 12)
    expect(bias).toBeCloseTo(-0.1, 12)
    expect(mase).toBeCloseTo(1.5, 12)
  })

  test("has the scale of yesterday's errors, before the first day that is judged", () => {
    // Days 1, 2, 3: by 1 each, and by 1, 3, 5.
    expect(naiveError(SQUARES, 4)).toBe(2)
  })
})
