import { describe, expect, test } from 'vitest'
import { type AloneOutcome, runAlone } from '../../src/harness/season/alone.ts'
import { readHomes, readPrices, type Season } from '../../src/harness/season/homes.ts'
import { type PolicyName, policies } from '../../src/harness/season/policy.ts'
import { runStreet } from '../../src/harness/season/street.ts'
import { controlYardstick } from '../../src/harness/season/yardstick.ts'

const BATTERY = { capacityKwh: 6.4, powerKwh: 5, efficiency: Math.sqrt(0.9), wear: 0 }
const DAY = 24
const FROM = 14 * DAY
const DAYS = 16
const HOURS = Array.from({ length: FROM + 20 * DAY }, (_, hour) => hour)
const isNoon = (hour: number): boolean => hour % DAY >= 10 && hour % DAY < 15
const isEvening = (hour: number): boolean => hour % DAY >= 17 && hour % DAY < 21

/** Two homes with much sun, two with none, each day alike; evenings are dear. */
const SEASON: Season = {
  homes: ['sunny', 'bright', 'shady', 'dark'].map((name, i) => ({
    name,
    netKwh: HOURS.map(hour => 0.4 + (isEvening(hour) ? 1 : 0) - (i < 2 && isNoon(hour) ? 3 : 0)),
  })),
  buy: HOURS.map(hour => (isEvening(hour) ? 0.5 : 0.25)),
  sell: HOURS.map(() => 0.08),
  from: FROM,
  to: FROM + DAYS * DAY,
}

const alone = (name: PolicyName): AloneOutcome =>
  runAlone(SEASON, { battery: BATTERY, demandCharge: false, policy: policies[name] })

describe('a season of homes', () => {
  test('without batteries costs what the meter says', () => {
    const { perHome, leftKwh, tradedKwh } = alone('none')
    // Of each day: 20 hours at 0.25, 4 at 0.5.
    expect(perHome['dark']).toBeCloseTo(DAYS * (20 * 0.4 * 0.25 + 4 * 1.4 * 0.5))
    expect(perHome['sunny']).toBeCloseTo(DAYS * (15 * 0.4 * 0.25 + 4 * 1.4 * 0.5 - 5 * 2.6 * 0.08))
    expect(leftKwh).toBeCloseTo(4 * 0.6)
    // At noon two lack 0.4 each, and the other two have more than that left.
    expect(tradedKwh).toBeCloseTo(DAYS * 5 * 0.8)
  })

  test('is the cheaper the more a battery knows, and nothing beats who knows all', () => {
    const [none, greedy, scenarios, perfect] = (['none', 'greedy', 'scenarios', 'perfect'] as const).map(
      name => alone(name).total,
    ) as [number, number, number, number]
    expect(greedy).toBeLessThan(none)
    expect(scenarios).toBeLessThanOrEqual(greedy + 1e-6)
    expect(perfect).toBeLessThanOrEqual(scenarios + 1e-6)
    // Where each day is like the last, scenarios know nearly all.
    expect((none - scenarios) / (none - perfect)).toBeGreaterThan(0.95)
  })

  test('in the auction is cheaper for each of them, and the prices stay within the tariff', () => {
    const street = runStreet(SEASON, BATTERY)
    const { total, perHome } = alone('scenarios')
    expect(street.total).toBeLessThan(total)
    for (const [name, cost] of Object.entries(street.perHome))
      expect(cost).toBeLessThanOrEqual((perHome[name] ?? 0) + 0.02)
    expect(street.tradedKwh).toBeGreaterThan(5)
    for (let hour = FROM; hour < SEASON.to; hour++) {
      expect(street.prices[hour]).toBeGreaterThanOrEqual((SEASON.sell[hour] ?? 0) - 1e-9)
      expect(street.prices[hour]).toBeLessThanOrEqual((SEASON.buy[hour] ?? 0) + 1e-9)
    }
  })

  test('with a charge on the highest hour is lived with lower peaks', () => {
    const run = (name: PolicyName) => runAlone(SEASON, { battery: BATTERY, demandCharge: true, policy: policies[name] })
    expect(run('scenarios minding the peak').total).toBeLessThan(run('none').total)
  })
})

describe('the tables of homes', () => {
  const files: Readonly<Record<string, string>> = {
    'households_us_load_hourly_kwh.csv': 'hour,h01\n0,2\n1,3\n',
    'households_us_pv_hourly_kwh.csv': 'hour,h01\n0,0.5\n1,0\n',
    'tariff_carbon_hourly_us.csv': 'hour,import_price_usd_per_kwh\n0,0.2\n1,0.3\n',
  }
  const read = (name: string): string => files[name] ?? ''

  test('are read by column', () => {
    expect(readHomes(['h01'], read)).toEqual([{ name: 'h01', netKwh: [1.5, 3] }])
    expect(readPrices(read)).toEqual([0.2, 0.3])
  })

  test('without a home or a price are refused by name', () => {
    expect(() => readHomes(['h99'], read)).toThrow('no home h99')
    expect(() => readPrices(() => 'hour\n0\n')).toThrow('no column import_price_usd_per_kwh')
  })

  test('the yardstick of control knows its files', () => {
    for (const other of [undefined, null, 7, {}, { tou: {} }, []]) expect(controlYardstick.fits(other)).toBe(false)
    expect(controlYardstick.fits({ any: { policies: {}, battery: {}, from: 0, to: 1 } })).toBe(true)
  })
})
