import { writeFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { settleSlot } from '../../src/energy/battery.ts'
import { createHousehold, type EnergyFact, type HouseholdState } from '../../src/energy/household.ts'
import { constantProfile, openProfile } from '../../src/energy/profile.ts'
import { thresholds } from '../../src/energy/strategy.ts'
import { scratch } from '../support/storm.ts'

const battery = { capacityWh: 10_000, reserveWh: 1_000 }
const preferences = { sellAbovePercent: 60, buyBelowPercent: 40 }
const still = { loadWh: 0, solarWh: 0, boughtWh: 0, soldWh: 0 }

test('what is over charges the battery, then goes to the grid; what lacks comes the other way', () => {
  expect(settleSlot(5_000, { ...still, solarWh: 2_000, loadWh: 500 }, battery)).toEqual({
    ...{ socWh: 6_500, importedWh: 0, exportedWh: 0 },
  })
  expect(settleSlot(9_500, { ...still, solarWh: 2_000 }, battery)).toEqual({
    socWh: 10_000,
    importedWh: 0,
    exportedWh: 1_500,
  })
  expect(settleSlot(1_500, { ...still, loadWh: 2_000 }, battery)).toEqual({
    socWh: 1_000,
    importedWh: 1_500,
    exportedWh: 0,
  })
})

test('a battery below its reserve is not charged from the grid to reach it', () => {
  expect(settleSlot(400, still, battery)).toEqual({ socWh: 400, importedWh: 0, exportedWh: 0 })
  expect(settleSlot(400, { ...still, loadWh: 100 }, battery)).toEqual({ socWh: 400, importedWh: 100, exportedWh: 0 })
})

test('no watt-hour is lost or made: what came in is what went out and what is stored', () => {
  const wh = fc.nat(20_000)
  const flows = fc.record({ loadWh: wh, solarWh: wh, boughtWh: wh, soldWh: wh })
  fc.assert(
    fc.property(fc.nat(10_000), flows, (socWh, slot) => {
      const after = settleSlot(socWh, slot, battery)
      const came = socWh + slot.solarWh + slot.boughtWh + after.importedWh
      expect(came).toBe(slot.loadWh + slot.soldWh + after.exportedWh + after.socWh)
      expect(after.socWh).toBeLessThanOrEqual(battery.capacityWh)
      expect(after.socWh).toBeGreaterThanOrEqual(Math.min(battery.reserveWh, socWh))
      expect(Math.min(after.importedWh, after.exportedWh)).toBe(0)
    }),
  )
})

test('a full battery sells what is above the line and what the next slot leaves over', () => {
  expect(thresholds({ socWh: 7_000, battery, loadWh: 200, solarWh: 500 }, preferences)).toEqual({
    ...{ action: 'sell', energyWh: 1_300, reason: 'battery at 70 %, above 60 %: 1300 Wh to spare' },
  })
})

test('an empty battery buys what the next slot lacks', () => {
  expect(thresholds({ socWh: 3_000, battery, loadWh: 900, solarWh: 100 }, preferences)).toEqual({
    ...{ action: 'buy', energyWh: 800, reason: 'battery at 30 %, below 40 %: 800 Wh needed' },
  })
})

test.each([
  ['between the lines', 5_000, 900, 0],
  ['on the line', 6_000, 0, 900],
  ['full, but the next slot eats it', 7_000, 2_000, 0],
  ['empty, but the sun will shine', 3_000, 100, 100],
])('a battery %s waits, and says so', (_, socWh, loadWh, solarWh) => {
  const decision = thresholds({ socWh, battery, loadWh, solarWh }, preferences)
  expect(decision.action).toBe('wait')
  expect(decision.reason).toMatch(/^battery at \d+ %: /)
})

test('a household without a battery buys what it needs', () => {
  const none = { capacityWh: 0, reserveWh: 0 }
  expect(thresholds({ socWh: 0, battery: none, loadWh: 300, solarWh: 0 }, preferences)).toMatchObject({ action: 'buy' })
})

function house(initialSocWh: number, traded: Record<number, { boughtWh: number; soldWh: number }> = {}) {
  let state: HouseholdState | undefined
  const household = createHousehold({
    ...{ battery, initialSocWh, preferences, profile: constantProfile(100, 0) },
    store: { household: () => state, tradedWh: slot => traded[slot] ?? { boughtWh: 0, soldWh: 0 } },
  })
  return {
    turn(slot: number) {
      const { outcome, decision } = household.turn(slot)
      for (const fact of outcome.facts as EnergyFact[]) state = fact.household
      return decision
    },
    state: () => state ?? expect.fail('no state yet'),
  }
}

test('a household settles each slot once, however often it is asked, and catches up after it was away', () => {
  const home = house(5_000)
  home.turn(10)
  home.turn(10)
  expect(home.state()).toMatchObject({ socWh: 5_000, nextSlot: 10 })
  home.turn(13)
  expect(home.state()).toMatchObject({ socWh: 4_700, nextSlot: 13, totals: { loadWh: 300 } })
})

test('what is sold in the running slot is not offered again for the next', () => {
  const rich = house(8_000)
  expect(rich.turn(5)).toMatchObject({ action: 'sell', energyWh: 1_800 })
  const sold = house(8_000, { 5: { boughtWh: 0, soldWh: 1_500 } })
  expect(sold.turn(5)).toMatchObject({ action: 'sell', energyWh: 300 })
})

test('a household away for very long does not count every slot it missed', () => {
  const home = house(5_000)
  home.turn(0)
  home.turn(1_000_000)
  expect(home.state().nextSlot).toBe(1_000_000)
  expect(home.state().totals.loadWh).toBe(100_000)
})

test('a profile is read by its column names and begins anew when it ends', () => {
  using folder = scratch()
  const file = folder.path('day.csv')
  writeFileSync(file, 'time,solar_wh, load_wh\r\n0,10.4,100\r\n1,20,200\r\n')
  const profile = openProfile(file)
  expect([0, 1, 2, 3].map(profile)).toEqual([
    { loadWh: 100, solarWh: 10 },
    { loadWh: 200, solarWh: 20 },
    { loadWh: 100, solarWh: 10 },
    { loadWh: 200, solarWh: 20 },
  ])
})

test.each([
  ['a column is missing', 'load_wh\n1\n', 'solar_wh'],
  ['it has no rows', 'load_wh,solar_wh\n', 'rows must follow'],
  ['a cell is no number', 'load_wh,solar_wh\n1,2\n3,x\n', 'row 3: "x"'],
  ['a cell is missing', 'load_wh,solar_wh\n1\n', 'row 2: ""'],
  ['a cell is negative', 'load_wh,solar_wh\n-1,2\n', 'row 2: "-1"'],
])('a profile is refused when %s, and the place is named', (_, content, place) => {
  using folder = scratch()
  writeFileSync(folder.path('bad.csv'), content)
  expect(() => openProfile(folder.path('bad.csv'))).toThrow(
    expect.objectContaining({ code: 'ENERGY_PROFILE', message: expect.stringContaining(place) }),
  )
})

test('a profile that is not there is named', () => {
  expect(() => openProfile('/nowhere/day.csv')).toThrow(
    expect.objectContaining({ code: 'ENERGY_PROFILE', message: expect.stringContaining('/nowhere/day.csv') }),
  )
})
