import { writeFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Battery, batteryOf, givesWh, settleSlot, takesWh } from '../../src/domains/energy/battery.ts'
import { createHousehold, type HouseholdState } from '../../src/domains/energy/household.ts'
import { constantProfile, openProfile, type Profile } from '../../src/domains/energy/profile.ts'
import { energyStore } from '../../src/domains/energy/store.ts'
import { type Outlook, type Strategy, thresholds } from '../../src/domains/energy/strategy.ts'
import { openPeer } from '../support/open-domain.ts'
import { scratch } from '../support/storm.ts'

const battery: Battery = { capacityWh: 10_000, reserveWh: 1_000, powerWh: 10_000, efficiencyPercent: 100 }
const preferences = { sellAbovePercent: 60, buyBelowPercent: 40 }
const prices = { retailMicro: 250_000, feedInMicro: 80_000, sellMicro: 150_000, bestOfferMicro: undefined }
const still = { loadWh: 0, solarWh: 0, boughtWh: 0, soldWh: 0 }

describe('a slot of the battery', () => {
  test('what is over charges it, then goes to the grid; what lacks comes the other way', () => {
    expect(settleSlot(5_000, { ...still, solarWh: 2_000, loadWh: 500 }, battery)).toEqual({
      socWh: 6_500,
      importedWh: 0,
      exportedWh: 0,
      lossWh: 0,
    })
    expect(settleSlot(9_500, { ...still, solarWh: 2_000 }, battery)).toEqual({
      socWh: 10_000,
      importedWh: 0,
      exportedWh: 1_500,
      lossWh: 0,
    })
    expect(settleSlot(1_500, { ...still, loadWh: 2_000 }, battery)).toEqual({
      socWh: 1_000,
      importedWh: 1_500,
      exportedWh: 0,
      lossWh: 0,
    })
  })

  test('below its reserve it is not charged from the grid to reach it', () => {
    expect(settleSlot(400, still, battery)).toMatchObject({ socWh: 400, importedWh: 0, exportedWh: 0 })
    expect(settleSlot(400, { ...still, loadWh: 100 }, battery)).toMatchObject({ socWh: 400, importedWh: 100 })
  })

  test('it gives and takes no more than its power; the grid does the rest', () => {
    const slow = { ...battery, powerWh: 500 }
    expect(settleSlot(5_000, { ...still, loadWh: 800 }, slow)).toMatchObject({ socWh: 4_500, importedWh: 300 })
    expect(settleSlot(5_000, { ...still, solarWh: 800 }, slow)).toMatchObject({ socWh: 5_500, exportedWh: 300 })
  })

  test('charging loses what a full turn does not return, and giving loses nothing', () => {
    const lossy = { ...battery, efficiencyPercent: 90 }
    expect(settleSlot(5_000, { ...still, solarWh: 1_000 }, lossy)).toMatchObject({ socWh: 5_900, lossWh: 100 })
    expect(settleSlot(5_000, { ...still, loadWh: 1_000 }, lossy)).toMatchObject({ socWh: 4_000, lossWh: 0 })
    // What fills the last 900 Wh takes 1,000; the rest goes to the grid.
    expect(settleSlot(9_100, { ...still, solarWh: 1_500 }, lossy)).toEqual({
      socWh: 10_000,
      importedWh: 0,
      exportedWh: 500,
      lossWh: 100,
    })
  })

  test('its power is its C-rate for the length of a slot', () => {
    const made = { capacityWh: 6_400, minSocPercent: 10, cRate: 0.5, efficiencyPercent: 90 }
    expect(batteryOf(made, 900_000)).toEqual({
      capacityWh: 6_400,
      reserveWh: 640,
      powerWh: 800,
      efficiencyPercent: 90,
    })
  })

  test('no watt-hour is lost or made: what came in is what went out, what is stored and what was lost', () => {
    const wh = fc.nat(20_000)
    const flows = fc.record({ loadWh: wh, solarWh: wh, boughtWh: wh, soldWh: wh })
    const batteries = fc.record({
      capacityWh: fc.nat(20_000),
      reserveWh: fc.nat(5_000),
      powerWh: fc.nat(5_000),
      efficiencyPercent: fc.double({ min: 1, max: 100, noNaN: true }),
    })
    fc.assert(
      fc.property(batteries, fc.nat(100), flows, (made, percent, slot) => {
        const socWh = Math.round((made.capacityWh * percent) / 100)
        const after = settleSlot(socWh, slot, made)
        const came = slot.solarWh + slot.boughtWh + after.importedWh
        expect(slot.loadWh + slot.soldWh + after.exportedWh + (after.socWh - socWh) + after.lossWh).toBe(came)
        expect(after.socWh).toBeLessThanOrEqual(made.capacityWh)
        expect(after.socWh).toBeGreaterThanOrEqual(Math.min(made.reserveWh, socWh))
        expect(Math.min(after.importedWh, after.exportedWh)).toBe(0)
        expect(after.lossWh).toBeGreaterThanOrEqual(0)
        const charged = after.socWh - socWh + after.lossWh
        expect(Math.abs(charged)).toBeLessThanOrEqual(made.powerWh)
        // Never more is stored than the efficiency allows.
        if (charged > 0)
          expect((after.socWh - socWh) * 100).toBeLessThanOrEqual(charged * made.efficiencyPercent + 1e-6)
        expect(Object.values(after).every(Number.isSafeInteger)).toBe(true)
      }),
    )
  })
})

const outlook = (some: Partial<Outlook>): Outlook => ({
  slot: 1,
  socWh: 5_000,
  battery,
  loadWh: 0,
  solarWh: 0,
  ahead: [],
  prices,
  ...some,
})

describe('the thresholds', () => {
  test('sell what is above the line and what the next slot leaves over', () => {
    expect(thresholds(outlook({ socWh: 7_000, loadWh: 200, solarWh: 500 }), preferences)).toEqual({
      action: 'sell',
      energyWh: 1_300,
      reason: 'battery at 70 %, above 60 %: 1300 Wh to spare',
    })
  })

  test('buy what the next slot lacks when the battery is low', () => {
    expect(thresholds(outlook({ socWh: 3_000, loadWh: 900, solarWh: 100 }), preferences)).toEqual({
      action: 'buy',
      energyWh: 800,
      reason: 'battery at 30 %, below 40 %: 800 Wh needed',
    })
  })

  test.each([
    ['between the lines', 5_000, 900, 0],
    ['on the line', 6_000, 0, 900],
    ['full, but the next slot eats it', 7_000, 2_000, 0],
    ['empty, but the sun will shine', 3_000, 100, 100],
  ])('wait with a battery %s, and say so', (_, socWh, loadWh, solarWh) => {
    const decision = thresholds(outlook({ socWh, loadWh, solarWh }), preferences)
    expect(decision.action).toBe('wait')
    expect(decision.reason).toMatch(/^battery at \d+ %: /)
  })

  test('without a battery buy what is needed and sell what the sun leaves', () => {
    const none = { capacityWh: 0, reserveWh: 0, powerWh: 0, efficiencyPercent: 100 }
    const at = (loadWh: number, solarWh: number) =>
      thresholds(outlook({ socWh: 0, battery: none, loadWh, solarWh }), preferences)
    expect(at(300, 0)).toMatchObject({ action: 'buy', energyWh: 300 })
    expect(at(100, 400)).toMatchObject({ action: 'sell', energyWh: 300 })
    expect(at(100, 100)).toMatchObject({ action: 'wait' })
  })
})

interface Setting {
  readonly initialSocWh?: number
  readonly traded?: Record<number, { boughtWh: number; soldWh: number }>
  readonly battery?: Battery
  readonly profile?: Profile
  readonly strategy?: Strategy
  readonly state?: HouseholdState
}

function house(setting: Setting = {}) {
  const { storage } = openPeer()
  const { read, apply } = storage.open({ name: 'energy', store: energyStore })
  if (setting.state !== undefined) apply({ kind: 'energy.household', household: setting.state })
  const household = createHousehold({
    battery,
    initialSocWh: 5_000,
    preferences,
    profile: constantProfile(100, 0),
    ...setting,
    now: () => 42,
    store: { household: read.household, tradedWh: slot => setting.traded?.[slot] ?? { boughtWh: 0, soldWh: 0 } },
  })
  return {
    turn(slot: number) {
      const { outcome, decision } = household.turn(slot, prices)
      for (const fact of outcome.facts) apply(fact)
      return decision
    },
    stock: household,
    state: () => read.household() ?? expect.fail('no state yet'),
    get slots() {
      return read.slots(10_000)
    },
    get decisions() {
      return read.decisions(10_000)
    },
  }
}

describe('a household', () => {
  test('settles each slot once, however often it is asked, and catches up after it was away', () => {
    const home = house()
    home.turn(10)
    home.turn(10)
    expect(home.state()).toMatchObject({ socWh: 5_000, nextSlot: 10 })
    home.turn(13)
    expect(home.state()).toMatchObject({ socWh: 4_700, nextSlot: 13, totals: { loadWh: 300 } })
    expect(home.slots.map(({ slot, socWh }) => [slot, socWh])).toEqual([
      [10, 4_900],
      [11, 4_800],
      [12, 4_700],
    ])
  })

  test('does not offer again for the next slot what is sold in the running one', () => {
    expect(house({ initialSocWh: 8_000 }).turn(5)).toMatchObject({ action: 'sell', energyWh: 1_800 })
    const sold = house({ initialSocWh: 8_000, traded: { 5: { boughtWh: 0, soldWh: 1_500 } } })
    expect(sold.turn(5)).toMatchObject({ action: 'sell', energyWh: 300 })
  })

  test('away for very long does not count every slot it missed', () => {
    const home = house()
    home.turn(0)
    home.turn(1_000_000)
    expect(home.state().nextSlot).toBe(1_000_000)
    expect(home.state().totals.loadWh).toBe(100_000)
  })

  test('counts what it bought and sold, and keeps what each slot was', () => {
    const home = house({ traded: { 7: { boughtWh: 400, soldWh: 0 }, 8: { boughtWh: 0, soldWh: 250 } } })
    home.turn(7)
    home.turn(9)
    expect(home.state().totals).toMatchObject({ boughtWh: 400, soldWh: 250, loadWh: 200, importedWh: 0 })
    expect(home.slots[0]).toEqual({
      slot: 7,
      loadWh: 100,
      solarWh: 0,
      boughtWh: 400,
      soldWh: 0,
      socWh: 5_300,
      importedWh: 0,
      exportedWh: 0,
      lossWh: 0,
    })
  })

  test('neither makes nor loses energy over many slots, whatever is traded', () => {
    const wh = fc.nat(4_000)
    const slots = fc.array(fc.record({ loadWh: wh, solarWh: wh, boughtWh: wh, soldWh: wh }), {
      minLength: 1,
      maxLength: 60,
    })
    const made = { ...battery, powerWh: 700, efficiencyPercent: 88 }
    fc.assert(
      fc.property(slots, days => {
        const profile: Profile = slot => days[slot] ?? { loadWh: 0, solarWh: 0 }
        const home = house({ battery: made, profile, traded: Object.fromEntries(days.entries()) })
        home.turn(0)
        home.turn(days.length)
        const { totals, socWh } = home.state()
        const went = totals.loadWh + totals.soldWh + totals.exportedWh + (socWh - 5_000) + totals.lossWh
        expect(went).toBe(totals.solarWh + totals.boughtWh + totals.importedWh)
        expect(home.slots).toHaveLength(days.length)
      }),
    )
  })

  test('goes on from a state that was kept before it counted trades', () => {
    const old = { loadWh: 500, solarWh: 0, importedWh: 0, exportedWh: 0 } as HouseholdState['totals']
    const home = house({ state: { socWh: 4_000, nextSlot: 3, totals: old, reason: '' } })
    home.turn(4)
    expect(home.state().totals).toEqual({
      loadWh: 600,
      solarWh: 0,
      boughtWh: 0,
      soldWh: 0,
      importedWh: 0,
      exportedWh: 0,
      lossWh: 0,
    })
  })

  test('keeps what it decided about a slot, and why', () => {
    const home = house({ initialSocWh: 3_000 })
    home.turn(10)
    expect(home.decisions).toEqual([
      { slot: 11, action: 'buy', energyWh: 100, reason: 'battery at 29 %, below 40 %: 100 Wh needed', atMs: 42 },
    ])
    expect(home.state().reason).toBe(home.decisions[0]?.reason)
  })

  test('shows its strategy the slots ahead and the prices', () => {
    let seen: Outlook | undefined
    const profile: Profile = slot => ({ loadWh: slot, solarWh: 2 * slot })
    const strategy: Strategy = at => {
      seen = at
      return { action: 'wait', reason: 'looking' }
    }
    house({ profile, strategy }).turn(10)
    expect(seen).toMatchObject({ slot: 11, loadWh: 11, solarWh: 22, prices })
    expect(seen?.ahead.slice(0, 2)).toEqual([
      { loadWh: 12, solarWh: 24 },
      { loadWh: 13, solarWh: 26 },
    ])
    expect(seen?.ahead).toHaveLength(96)
  })

  test('sells no more than battery and sun can deliver in the slot', () => {
    const slow = { ...battery, powerWh: 600 }
    const home = house({ initialSocWh: 9_000, battery: slow, profile: constantProfile(100, 250) })
    const decision = home.turn(1)
    expect(decision).toMatchObject({ action: 'sell', energyWh: 600 + 250 - 100 })
    expect(decision.reason).toContain('no more than 750 Wh can be delivered')
  })

  test('buys no more than it can use and store in the slot', () => {
    const greedy: Strategy = () => ({ action: 'buy', energyWh: 50_000, reason: 'all of it' })
    const slow = { ...battery, powerWh: 600 }
    expect(house({ battery: slow, strategy: greedy }).turn(1)).toMatchObject({ action: 'buy', energyWh: 700 })
  })

  test('waits when nothing of what its strategy wants is possible', () => {
    const full = house({
      initialSocWh: 10_000,
      profile: constantProfile(0, 0),
      strategy: () => ({ action: 'buy', energyWh: 500, reason: 'cheap' }),
    })
    expect(full.turn(1)).toEqual({
      action: 'wait',
      reason: 'cheap; no more than 0 Wh can be taken in that slot',
    })
  })

  test('a sale within the limit is delivered without the grid', () => {
    const wh = fc.nat(3_000)
    const all: Strategy = () => ({ action: 'sell', energyWh: 1_000_000, reason: 'everything' })
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 10_000 }), wh, wh, wh, (initialSocWh, loadWh, solarWh, powerWh) => {
        const made = { ...battery, powerWh }
        const profile = constantProfile(loadWh, solarWh)
        const decision = house({ initialSocWh, battery: made, profile, strategy: all }).turn(1)
        const after = settleSlot(initialSocWh, { ...still, loadWh, solarWh }, made)
        const soldWh = decision.action === 'sell' ? decision.energyWh : 0
        const sold = settleSlot(after.socWh, { ...still, loadWh, solarWh, soldWh }, made)
        const without = settleSlot(after.socWh, { ...still, loadWh, solarWh }, made)
        expect(sold.importedWh).toBe(without.importedWh)
        // And not less than what was possible.
        expect(soldWh).toBe(Math.max(0, givesWh(after.socWh, made) + solarWh - loadWh))
      }),
    )
  })

  test('has room for what leaves every promise as deliverable as it was, and for no watt-hour more', () => {
    const wh = fc.nat(2_000)
    const day = fc.record({ loadWh: wh, solarWh: wh, promisedWh: wh })
    const made = { ...battery, powerWh: 1_500, efficiencyPercent: 85 }
    fc.assert(
      fc.property(fc.array(day, { minLength: 1, maxLength: 12 }), fc.nat(11), (days, at) => {
        const profile: Profile = number => days[number] ?? { loadWh: 0, solarWh: 0 }
        const promised = new Map(days.map(({ promisedWh }, number) => [number, promisedWh]))
        const { stock } = house({ battery: made, profile })
        const slot = at % days.length
        const lackingWith = (energyWh: number): number[] => {
          const lacking = stock.lackingWh(new Map(promised).set(slot, (promised.get(slot) ?? 0) + energyWh))
          return days.map((_, number) => lacking.get(number) ?? 0)
        }
        const before = lackingWith(0)
        const roomWh = stock.roomWh(promised, slot, 5_000)
        expect(lackingWith(roomWh)).toEqual(before)
        if (roomWh < 5_000) expect(lackingWith(roomWh + 1)).not.toEqual(before)
      }),
    )
  })

  test('a purchase within the limit is used or stored, not passed on to the grid', () => {
    const all: Strategy = () => ({ action: 'buy', energyWh: 1_000_000, reason: 'everything' })
    const made = { ...battery, powerWh: 800, efficiencyPercent: 85 }
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 10_000 }), fc.nat(3_000), (initialSocWh, loadWh) => {
        const decision = house({
          initialSocWh,
          battery: made,
          profile: constantProfile(loadWh, 0),
          strategy: all,
        }).turn(1)
        const { socWh } = settleSlot(initialSocWh, { ...still, loadWh }, made)
        const boughtWh = decision.action === 'buy' ? decision.energyWh : 0
        expect(settleSlot(socWh, { ...still, loadWh, boughtWh }, made).exportedWh).toBe(0)
        expect(boughtWh).toBe(loadWh + takesWh(socWh, made))
      }),
    )
  })
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
