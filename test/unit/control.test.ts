import { describe, expect, test } from 'vitest'
import { type Battery, greedyEnd, gridKwh, slotCost, type Tariff } from '../../src/domains/control/battery.ts'
import { bidOf } from '../../src/domains/control/bid.ts'
import { planCar } from '../../src/domains/control/car.ts'
import { type House, planHeat, thermostat } from '../../src/domains/control/heat.ts'
import { planMachine } from '../../src/domains/control/machine.ts'
import { bestEnd } from '../../src/domains/control/reaction.ts'
import { expectedValue } from '../../src/domains/control/scenarios.ts'
import { costFrom, type StoredValue, slotBefore, valueAtEnd } from '../../src/domains/control/stored-value.ts'
import { type Random, seededRandom } from '../../src/kernel/random.ts'

const BATTERY: Battery = { capacityKwh: 4, powerKwh: 2, efficiency: 0.9, wear: 0 }

interface Slot {
  readonly netKwh: number
  readonly tariff: Tariff
}

function anySlots(random: Random, peak: boolean): Slot[] {
  return Array.from({ length: 5 }, () => {
    const sell = Math.round(random() * 10) / 100
    const buy = sell + Math.round(random() * 30) / 100
    const tariff = peak ? { buy, sell, peak: { aboveKwh: 1, extra: 0.5 } } : { buy, sell }
    return { netKwh: Math.round((random() * 4 - 2) * 10) / 10, tariff }
  })
}

function valuesBack(battery: Battery, slots: readonly Slot[], worth: number): StoredValue[] {
  const values = [valueAtEnd(battery, worth)]
  for (const { netKwh, tariff } of slots.toReversed()) {
    const [after = valueAtEnd(battery, worth)] = values
    values.unshift(slotBefore(after, battery, netKwh, tariff))
  }
  return values
}

/** The cheapest over a fine grid of stores: slow, and with nothing of the way of slopes. */
function bruteForce(battery: Battery, slots: readonly Slot[], stored: number, worth: number): number {
  const cells = 160
  const kwh = (i: number): number => (i * battery.capacityKwh) / cells
  let costs = Array.from({ length: cells + 1 }, (_, i) => -worth * kwh(i))
  for (const { netKwh, tariff } of slots.toReversed()) {
    costs = costs.map((_, from) =>
      costs.reduce((least, later, to) => {
        const change = kwh(to) - kwh(from)
        const flow = Math.abs(gridKwh(battery, 0, change))
        return flow > battery.powerKwh + 1e-9
          ? least
          : Math.min(least, later + slotCost(battery, netKwh, change, tariff))
      }, Number.POSITIVE_INFINITY),
    )
  }
  return costs[Math.round((stored * cells) / battery.capacityKwh)] ?? Number.NaN
}

describe('the value of stored energy', () => {
  test.each([
    { peak: false, wear: 0 },
    { peak: false, wear: 0.04 },
    { peak: true, wear: 0.02 },
  ])('is that of the cheapest way, with a charge on the peak: $peak, wear $wear', ({ peak, wear }) => {
    const battery = { ...BATTERY, wear }
    for (let seed = 0; seed < 12; seed++) {
      const slots = anySlots(seededRandom(seed), peak)
      const [before] = valuesBack(battery, slots, 0.05)
      const exact = costFrom(before ?? valueAtEnd(battery, 0), 1)
      const grid = bruteForce(battery, slots, 1, 0.05)
      expect(exact).toBeLessThanOrEqual(grid + 1e-9)
      expect(exact).toBeGreaterThan(grid - 0.03)
    }
  })

  test('is what living by it costs, and greedy never less', () => {
    for (let seed = 0; seed < 40; seed++) {
      const slots = anySlots(seededRandom(seed), false)
      const values = valuesBack(BATTERY, slots, 0)
      let [stored, cost, greedyStored, greedy] = [1, 0, 1, 0]
      for (const [i, { netKwh, tariff }] of slots.entries()) {
        const end = bestEnd(BATTERY, values[i + 1] ?? valueAtEnd(BATTERY, 0), { netKwh, storedKwh: stored, tariff })
        cost += slotCost(BATTERY, netKwh, end - stored, tariff)
        stored = end
        const greedily = greedyEnd(BATTERY, netKwh, greedyStored)
        greedy += slotCost(BATTERY, netKwh, greedily - greedyStored, tariff)
        greedyStored = greedily
      }
      expect(cost).toBeCloseTo(costFrom(values[0] ?? valueAtEnd(BATTERY, 0), 1), 9)
      expect(greedy).toBeGreaterThanOrEqual(cost - 1e-9)
    }
  })

  test('over scenarios that are all alike is that of the one', () => {
    const slots = anySlots(seededRandom(3), false)
    const mean = expectedValue(
      BATTERY,
      slots.map(({ netKwh, tariff }) => [
        { netKwh, tariff },
        { netKwh, tariff },
      ]),
      0.05,
    )
    const [exact] = valuesBack(BATTERY, slots, 0.05)
    for (const stored of [0, 1, 2.5, 4])
      expect(costFrom(mean, stored)).toBeCloseTo(costFrom(exact ?? valueAtEnd(BATTERY, 0), stored), 1)
  })

  test('a store outside of its bounds is taken at the nearest', () => {
    const after = valueAtEnd(BATTERY, 0)
    const now = { netKwh: -1, tariff: { buy: 0.3, sell: 0 } }
    expect(bestEnd(BATTERY, after, { ...now, storedKwh: 99 })).toBeLessThanOrEqual(BATTERY.capacityKwh)
    expect(bestEnd(BATTERY, after, { ...now, storedKwh: -5 })).toBeGreaterThanOrEqual(0)
  })
})

describe('a bid', () => {
  const between = [0.08, 0.3] as const
  const after: StoredValue = {
    atEmpty: 0,
    segments: [
      { slope: -0.2, width: 2 },
      { slope: -0.1, width: 2 },
    ],
  }

  test('buys what the house takes, and takes in more where that is worth its price once stored', () => {
    const { buy, sell } = bidOf(BATTERY, after, { netKwh: 1, storedKwh: 0, between })
    expect(buy).toEqual([
      [0.3, 1],
      [expect.closeTo(0.18), 2],
    ])
    expect(sell).toEqual([])
  })

  test('sells what is stored above what it is worth there', () => {
    const { buy, sell } = bidOf(BATTERY, after, { netKwh: 0, storedKwh: 2, between })
    expect(sell).toEqual([[expect.closeTo(0.2 / 0.9), expect.closeTo(1.8)]])
    // What is worth 0.1 stored is bought below 0.09.
    expect(buy).toEqual([[expect.closeTo(0.09), 2]])
  })

  test('gives what is left over even at the least, and no more than the battery’s power', () => {
    const { sell } = bidOf(BATTERY, valueAtEnd(BATTERY, 0), { netKwh: -3, storedKwh: 4, between })
    expect(sell.reduce((sum, [, kwh]) => sum + kwh, 0)).toBeCloseTo(5)
    expect(sell[0]?.[0]).toBe(0.08)
  })
})

describe('loads that may wait', () => {
  const slot = (gridMicro: number, surplusWh = 0) => ({ surplusWh, surplusMicro: 0, gridMicro })

  test('a car takes what is left over first, then the cheapest slots, and never less than its least current', () => {
    const plan = planCar({
      slots: [slot(300_000), slot(100_000), slot(200_000, 600)],
      from: 0,
      to: 3,
      needWh: 1_500,
      maxWh: 1_000,
      minWh: 500,
      stepWh: 100,
    })
    expect(plan).toEqual({ deliveredWh: 1_500, costMicroWh: 90_000_000n, chargeWh: [0, 900, 600] })
  })

  test('a car that cannot have all has as much as it can', () => {
    const some = planCar({ slots: [slot(1), slot(1)], from: 0, to: 1, needWh: 900, maxWh: 400, minWh: 300, stepWh: 10 })
    expect(some).toEqual({ deliveredWh: 400, costMicroWh: 400n, chargeWh: [400] })
    expect(
      planCar({ slots: [slot(1)], from: 0, to: 1, needWh: 200, maxWh: 400, minWh: 300, stepWh: 10 }).deliveredWh,
    ).toBe(0)
  })

  test('a machine starts at the cheapest, the earliest of equals, or not at all', () => {
    const slots = [slot(5), slot(1), slot(1), slot(1), slot(9)]
    expect(planMachine({ slots, from: 0, to: 5, profileWh: [10, 10] })).toEqual({ start: 1, costMicroWh: 20n })
    expect(planMachine({ slots, from: 3, to: 4, profileWh: [10, 10] })).toBeUndefined()
  })

  test('a heat pump heats before the dear hours, for less than a thermostat, and in the band', () => {
    const house: House = {
      outside: Array(48).fill(0),
      prices: Array.from({ length: 48 }, (_, i) => (i >= 20 && i < 30 ? 0.5 : 0.1)),
      start: 21,
      band: [20, 22],
      lossKwhPerK: 0.05,
      capacityKwhPerK: 5,
      cop: 3,
      powerKwh: 0.75,
      levels: 4,
      discomfort: 1,
      endWorth: 0.3,
    }
    const [plan, plain] = [planHeat(house), thermostat(house)]
    expect(plan.cost).toBeLessThan(plain.cost * 0.9)
    expect(plan.discomfortKSlots).toBeLessThan(0.1)
    expect(plan.levels.every(level => level >= 0 && level <= 4)).toBe(true)
  })
})
