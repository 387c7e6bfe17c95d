import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { type Conditions, type EnergyConditions, nothingSensed } from '../../src/domains/manners/conditions.ts'
import { createDraw } from '../../src/domains/manners/draw.ts'
import { type History, noHistory, remember } from '../../src/domains/manners/history.ts'
import { householdEnergy, slotSurplusW } from '../../src/domains/manners/household-energy.ts'
import type { Preferences } from '../../src/domains/manners/preferences.ts'
import {
  type SlotEnergy,
  type SurplusJob,
  type SurplusSlot,
  surplusDay,
} from '../../src/domains/manners/surplus-plan.ts'
import { mayWork, type Willingness } from '../../src/domains/manners/willingness.ts'

const preferences: Preferences = {
  ...loadConfig('/nowhere', {}).options.manners,
  mode: 'surplus',
  taskPowerW: 27,
  worthMicro: 200_000,
}
const machine = { cores: 4, memoryMb: 8_000, maxThreads: 1, threadMemoryMb: 400 }

/** A daemon that looks every five seconds, and computes when it may. */
function household(prices: Partial<EnergyConditions> = {}) {
  let history: History = noHistory
  let atMs = 0
  let verdict: Willingness | undefined

  return {
    /** The meter shows this much, computing taken off, for so long. */
    lasts(seconds: number, aloneW: number | undefined): string {
      for (const endMs = atMs + seconds * 1000; atMs < endMs; atMs += 5_000) {
        const computingW = verdict?.allowed === true ? preferences.taskPowerW : 0
        const surplusW = aloneW === undefined ? undefined : aloneW - computingW
        const energy = { surplusW, computingW, ...prices }
        const now: Conditions = { atMs, minuteOfDay: 0, sensed: nothingSensed, machine, energy }
        history = remember(history, now, preferences)
        verdict = mayWork(preferences, now, history)
      }
      return verdict?.sentence ?? ''
    },
    works: () => verdict?.allowed === true,
  }
}

describe('mode surplus', () => {
  it('waits for 1.3 times the power of a task, and says how much is missing', () => {
    const home = household()
    expect(home.lasts(600, 14)).toBe('paused: surplus 14 W < 36 W needed')
    expect(home.lasts(600, 35)).toBe('paused: surplus 35 W < 36 W needed')
  })

  it('starts when the surplus has lasted three minutes without a break', () => {
    const home = household()
    expect(home.lasts(175, 100)).toMatch(/^paused: surplus 100 W is enough, if it lasts another \d+ s$/)
    home.lasts(5, 20)
    home.lasts(175, 100)
    expect(home.works()).toBe(false)
    home.lasts(10, 100)
    expect(home.works()).toBe(true)
  })

  it('goes on when its own draw brings the meter down to nearly nothing', () => {
    const home = household()
    home.lasts(200, 40)
    home.lasts(3_600, 28)
    expect(home.works()).toBe(true)
  })

  it('bears a cloud of less than a minute, and stops at a longer one', () => {
    const home = household()
    home.lasts(200, 500)
    home.lasts(55, -100)
    expect(home.works()).toBe(true)
    home.lasts(60, 500)
    home.lasts(55, -100)
    expect(home.works()).toBe(true)
    home.lasts(10, -100)
    expect(home.works()).toBe(false)
  })

  it('sells when that pays more, and says what each pays', () => {
    const home = household({ sellMicro: 250_000, feedInMicro: 80_000 })
    expect(home.lasts(300, 500)).toBe('paused: selling pays 0.25, computing 0.20: selling')
    expect(household({ storeMicro: 220_000 }).lasts(300, 500)).toBe(
      'paused: storing pays 0.22, computing 0.20: storing',
    )
    expect(household({ feedInMicro: 80_000 }).lasts(300, 500)).toBe(
      'working: up to 1 thread and 7200 MB, you are away, 500 W to spare, computing pays 0.20, selling 0.08',
    )
  })

  it('says what is left of the surplus beside what is sold', () => {
    const home = household({ soldW: 300 })
    expect(home.lasts(60, 14)).toBe('paused: surplus 14 W beside 300 W sold < 36 W needed')
    expect(home.lasts(60, 500)).toMatch(/^paused: surplus 500 W beside 300 W sold is enough, if it lasts another/)
  })

  it('does nothing on a guess: without a meter there is no surplus', () => {
    const home = household()
    home.lasts(300, 500)
    expect(home.lasts(5, undefined)).toBe('paused: the meter does not tell whether there is a surplus')
  })

  it('takes no more threads than the surplus carries', () => {
    const at = (surplusW: number): Willingness => {
      const energy = { surplusW, computingW: 0 }
      const now = {
        atMs: 0,
        minuteOfDay: 0,
        sensed: nothingSensed,
        energy,
        machine: { ...machine, maxThreads: 4 },
      }
      return mayWork(preferences, now, { ...noHistory, surplus: { carries: true } })
    }
    expect(at(500)).toMatchObject({ limits: { threads: 4 } })
    expect(at(60)).toMatchObject({ limits: { threads: 2 } })
    expect(at(-10)).toMatchObject({ limits: { threads: 1 } })
  })
})

describe('the energy of a household', () => {
  const battery = { socWh: 5_000, capacityWh: 10_000, efficiencyPercent: 90 }
  const now = {
    slotMs: 900_000,
    surplusW: 1_150,
    computingW: 0,
    feedInMicro: 80_000,
    buyMicro: 250_000,
    sales: [] as { energyWh: number; priceMicro: number }[],
  }
  const sold = (energyWh: number, priceMicro: number) => ({ energyWh, priceMicro })

  it('is power from a slot’s watt-hours, with computing taken off as the meter does', () => {
    expect(slotSurplusW({ slotMs: 900_000, loadWh: 100, solarWh: 400 }, 50)).toBe(1_150)
  })

  it('is worth storing while there is room: at what it saves, less what the battery loses', () => {
    const stored = (more: Partial<typeof battery>) =>
      householdEnergy({ ...now, battery: { ...battery, ...more } }).storeMicro
    expect(stored({})).toBe(225_000)
    expect(stored({ socWh: 10_000 })).toBeUndefined()
    expect(stored({ socWh: 0, capacityWh: 0 })).toBeUndefined()
  })

  it('is not worth storing where a real battery has let it flow out', () => {
    expect(householdEnergy(now)).toMatchObject({ surplusW: 1_150, storeMicro: undefined })
  })

  it('is no surplus where it is sold: that flows out for somebody else, as even power over its slot', () => {
    const sales = [sold(100, 120_000), sold(150, 150_000)]
    expect(householdEnergy({ ...now, sales })).toMatchObject({ surplusW: 150, soldW: 1_000, computingW: 0 })
    expect(householdEnergy({ ...now, sales, surplusW: undefined }).surplusW).toBeUndefined()
  })

  it('is worth what the best contract of the slot says to neighbours, and nothing to them without a contract', () => {
    expect(householdEnergy(now)).toMatchObject({ soldW: 0, sellMicro: undefined, feedInMicro: 80_000 })
    const sales = [sold(100, 120_000), sold(10, 150_000), sold(100, 90_000)]
    expect(householdEnergy({ ...now, sales })).toMatchObject({ sellMicro: 150_000 })
  })
})

describe('what computing drew', () => {
  const MINUTE = 60_000

  it('is a mean by time, and nothing before it was first looked at', () => {
    const draw = createDraw()
    draw.note(10 * MINUTE, 0)
    draw.note(11 * MINUTE, 60)
    draw.note(12 * MINUTE, 60)
    draw.note(13 * MINUTE, 20)
    expect(draw.meanW(10 * MINUTE, 14 * MINUTE)).toBe(35)
    expect(draw.meanW(12 * MINUTE, 13 * MINUTE)).toBe(60)
    expect(draw.meanW(13 * MINUTE, 15 * MINUTE)).toBe(20)
    expect(draw.meanW(5 * MINUTE, 10 * MINUTE)).toBe(0)
  })

  it('is forgotten when the clock is set back, and known for a quarter of an hour after many changes', () => {
    const draw = createDraw()
    for (let minute = 0; minute <= 600; minute++) draw.note(minute * MINUTE, minute % 2 === 0 ? 100 : 0)
    expect(draw.meanW(590 * MINUTE, 600 * MINUTE)).toBe(50)
    expect(draw.meanW(0, 500 * MINUTE)).toBe(0)
    draw.note(595 * MINUTE, 30)
    expect(draw.meanW(590 * MINUTE, 600 * MINUTE)).toBe(15)
  })
})

const slotMs = 15 * 60_000
const job: SurplusJob = { slotMs, preferences, machine, workWh: 1_000_000 }
const prices = () => ({ sellMicro: 150_000, feedInMicro: 80_000, buyMicro: 250_000 })
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

describe('a day on surplus', () => {
  const night = { loadWh: 100, solarWh: 0 }
  const noon = { loadWh: 100, solarWh: 400 }

  it('computes on the surplus, sells the rest, and the two are all there is', () => {
    const [, second] = surplusDay([noon, noon], prices, job)
    expect(second).toMatchObject({ surplusW: 1_200, uncoveredWh: 0, forcedWh: 0 })
    expect(second?.computedWh).toBeCloseTo(27 / 4)
    expect((second?.computedWh ?? 0) + (second?.soldWh ?? 0)).toBeCloseTo(300)
    expect(second?.exportOnlyMicro).toBe(45_000)
    expect(second?.earnedMicro).toBe(45_000 + Math.round((27 / 4) * 50))
  })

  it('ends with the surplus, within the minute it takes to be sure of it', () => {
    const [, dusk, later] = surplusDay([noon, night, night], prices, job)
    expect(dusk?.computedWh).toBeCloseTo(27 / 60)
    expect(dusk?.uncoveredWh).toBeCloseTo(27 / 60)
    expect(later).toMatchObject({ computedWh: 0, sentence: 'paused: surplus -400 W < 36 W needed' })
  })

  it('sells everything while that pays more', () => {
    const slots = surplusDay([noon, noon], () => ({ ...prices(), sellMicro: 240_000 }), job)
    for (const slot of slots)
      expect(slot).toMatchObject({ computedWh: 0, soldWh: 300, earnedMicro: slot.exportOnlyMicro })
  })

  it('starts by force what must not wait, counts it apart, and only as much as there is to do', () => {
    const slots = surplusDay([night, night, night], prices, { ...job, workWh: 5, latestStartMs: slotMs })
    expect(slots.map(({ forcedWh }) => Math.round(forcedWh * 100) / 100)).toEqual([0, 5, 0])
    expect(sum(slots.map(({ computedWh }) => computedWh))).toBe(0)
    expect(slots[1]?.earnedMicro).toBe(0)
  })
})

const data = fileURLToPath(new URL('../../../shared/data/energy', import.meta.url))

describe.skipIf(!existsSync(data))('on the real homes of shared/data (skipped where they are absent)', () => {
  const read = (name: string) => columns(readFileSync(join(data, name), 'utf8'))

  it('nothing starts without a surplus, and no home earns less than by export alone', () => {
    const [load, solar] = [read('households_us_load_hourly_kwh.csv'), read('households_us_pv_hourly_kwh.csv')]
    const tariff = read('tariff_carbon_hourly_us.csv').get('import_price_usd_per_kwh') ?? []
    expect(tariff.length).toBe(8_760)
    const homes = [...load].filter(([home]) => /^h\d+$/.test(home))
    const days = homes.map(([home, loads]) => plan(quarters(loads, solar.get(home) ?? []), tariff))
    for (const slots of days) {
      expect(unfounded(slots)).toEqual([])
      const exported = sum(slots.map(slot => slot.exportOnlyMicro))
      expect(sum(slots.map(slot => slot.earnedMicro))).toBeGreaterThanOrEqual(exported)
    }
    const computedWh = sum(days.flat().map(slot => slot.computedWh))
    expect(computedWh).toBeGreaterThan(1_000)
  })

  /** Half a month of summer with a neighbour who pays 0.15 by day, more than computing in the evening. */
  function plan(slots: readonly SlotEnergy[], tariff: readonly number[]) {
    const priceAt = (slot: number) => {
      const hour = Math.floor(slot / 4) % 24
      const buyMicro = Math.round((tariff[Math.floor(slot / 4)] ?? 0) * 1_000_000)
      return { sellMicro: hour >= 16 ? 220_000 : 150_000, feedInMicro: 80_000, buyMicro }
    }
    return surplusDay(slots.slice(0, 15 * 96), priceAt, {
      ...job,
      preferences: { ...preferences, worthMicro: 240_000 },
    })
  }
})

/** Slots without surplus in which more ran than the minute that what ran before them takes to stop. */
function unfounded(slots: readonly SurplusSlot[]): SurplusSlot[] {
  return slots.filter(({ surplusW, computedWh }, index) => {
    const mayRunOnWh = (slots[index - 1]?.computedWh ?? 0) > 0 ? 27 / 60 + 1e-9 : 0
    return surplusW < preferences.taskPowerW && computedWh > mayRunOnWh
  })
}

/** Hourly values split evenly over quarter-hour slots. */
function quarters(load: readonly number[], solar: readonly number[]): SlotEnergy[] {
  const wattHours = (kwh: number | undefined) => Math.round((kwh ?? 0) * 250)
  return load.flatMap((kwh, hour) => Array(4).fill({ loadWh: wattHours(kwh), solarWh: wattHours(solar[hour]) }))
}

function columns(csv: string): Map<string, number[]> {
  const [header = '', ...rows] = csv.trim().split(/\r?\n/)
  const cells = rows.map(row => row.split(','))
  return new Map(header.split(',').map((name, column) => [name, cells.map(row => Number(row[column] ?? ''))]))
}
