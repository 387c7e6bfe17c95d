import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  energyText,
  kwhOf,
  meanWatts,
  readKwh,
  roundKwhText,
  wattHoursOf,
  wattHoursOver,
} from '../../src/kernel/energy.ts'
import {
  averageMicro,
  costMicro,
  landedMicro,
  microOf,
  moneyText,
  priceText,
  readUnits,
  totalCostMicro,
  unitsOf,
  unroundedCostMicro,
} from '../../src/kernel/money.ts'

describe('decimals', () => {
  test('whole millionths and watt hours survive the way over them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000_000_000 }), whole => {
        expect(readUnits(JSON.parse(JSON.stringify(unitsOf(whole))))).toBe(whole)
        expect(readKwh(JSON.parse(JSON.stringify(kwhOf(whole))))).toBe(whole)
      }),
    )
  })

  test('finer ones, negative ones and what is no number are none', () => {
    for (const wrong of ['1', Number.NaN, -1, Number.POSITIVE_INFINITY, 0.000_1, 1e300, undefined, null])
      expect(readKwh(wrong)).toBeUndefined()
    expect([readUnits(0.000_000_1), readUnits(0.000_001)]).toEqual([undefined, 1])
  })

  test('what was typed or measured goes to the nearest whole', () => {
    expect([wattHoursOf(0.5), wattHoursOf(1.2345), microOf(0.25), microOf(12.5)]).toEqual([
      500, 1235, 250_000, 12_500_000,
    ])
  })
})

describe('power', () => {
  test('is energy over time, and back', () => {
    expect(meanWatts(250, 900_000)).toBe(1_000)
    expect(wattHoursOver(1_000, 900_000)).toBe(250)
    expect(wattHoursOver(100, 1_800)).toBe(0.05)
  })
})

describe('a cost', () => {
  test('is rounded half up to a whole millionth, without the errors of floating point', () => {
    expect(costMicro(1_000, 123_457)).toBe(123_457)
    expect(costMicro(1, 500)).toBe(1)
    expect(costMicro(1, 499)).toBe(0)
    expect(costMicro(90_000_000, 9_000_001)).toBe(810_000_090_000)
  })

  test('of several amounts is rounded once, at the end', () => {
    const third = { energyWh: 1, priceMicro: 400 }
    expect(totalCostMicro([third, third, third])).toBe(1)
    expect(totalCostMicro([])).toBe(0)
    expect(unroundedCostMicro(0.5, 400)).toBe(0.2)
  })

  test('of a kWh is averaged by energy, and nothing has no average', () => {
    expect(
      averageMicro([
        { energyWh: 1_000, priceMicro: 100_000 },
        { energyWh: 3_000, priceMicro: 200_000 },
      ]),
    ).toBe(175_000)
    expect(averageMicro([])).toBeUndefined()
    expect(averageMicro([{ energyWh: 0, priceMicro: 1 }])).toBeUndefined()
  })

  test('landed has fee and share in it', () => {
    expect(landedMicro({ priceMicro: 100, gridFeeMicro: 20 })).toBe(120)
    expect(landedMicro({ priceMicro: 100, gridFeeMicro: 20, utilityShareMicro: 3 })).toBe(123)
  })
})

test('texts are exact where a reason is given, and line up where a column is read', () => {
  expect([energyText(1_200), energyText(1), roundKwhText(1_200), roundKwhText(1)]).toEqual([
    '1.2 kWh',
    '0.001 kWh',
    '1.20 kWh',
    '0.00 kWh',
  ])
  expect(priceText(105_000, 'USD')).toBe('0.105 USD/kWh')
  expect([moneyText(-12_345, 'EUR'), moneyText(1_000_000)]).toEqual(['-0.0123 EUR', '1.0000'])
})
