import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { amount, bestUse } from '../../src/domains/manners/best-use.ts'
import { type Conditions, nothingSensed, type Sensed } from '../../src/domains/manners/conditions.ts'
import { type History, noHistory, remember } from '../../src/domains/manners/history.ts'
import { minutesUntilOpen, type Preferences, parseHours } from '../../src/domains/manners/preferences.ts'
import { mayWork, type Willingness } from '../../src/domains/manners/willingness.ts'

/** What somebody has who never touched the configuration. */
const { manners, compute } = loadConfig('/nowhere', {}).options
const defaults: Preferences = { ...manners, taskPowerW: compute.watts }
const machine = { cores: 4, memoryMb: 8_000, maxThreads: 4, threadMemoryMb: 400 }
const startMs = Date.UTC(2026, 5, 1, 12)

function conditions(sensed: Partial<Sensed> = {}, over: Partial<Conditions> = {}): Conditions {
  return { atMs: startMs, minuteOfDay: 12 * 60, machine, ...over, sensed: { ...nothingSensed, ...sensed } }
}

/** The verdict after one look. */
function look(
  preferences: Partial<Preferences>,
  sensed: Partial<Sensed> = {},
  over: Partial<Conditions> = {},
): Willingness {
  const all = { ...defaults, ...preferences }
  const now = conditions(sensed, over)
  return mayWork(all, now, remember(noHistory, now, all))
}

describe('the defaults of a machine that computes for others', () => {
  it('works on a machine whose sensors say nothing: a container, a server', () => {
    expect(look({})).toMatchObject({ allowed: true, forced: false, limits: { threads: 4, memoryMb: 7_200 } })
  })

  it('pauses on battery, and not on mains', () => {
    expect(look({}, { onBattery: true })).toEqual({
      allowed: false,
      code: 'MANNERS_ON_BATTERY',
      sentence: 'paused: on battery',
    })
    expect(look({}, { onBattery: false }).allowed).toBe(true)
    expect(look({ onBattery: true }, { onBattery: true }).allowed).toBe(true)
  })

  it('takes half of the cores and memory while somebody is there, and is away after three minutes', () => {
    expect(look({}, { userIdleMs: 179_000 })).toMatchObject({ allowed: true, limits: { threads: 2, memoryMb: 4_000 } })
    expect(look({}, { userIdleMs: 180_000 })).toMatchObject({ allowed: true, limits: { threads: 4, memoryMb: 7_200 } })
  })

  it('pauses above 25 % of other processor use while somebody is there, above 50 % while nobody is', () => {
    const here = (otherCpuPercent: number) => look({}, { userIdleMs: 0, otherCpuPercent })
    const away = (otherCpuPercent: number) => look({}, { userIdleMs: 600_000, otherCpuPercent })
    expect(here(25).allowed).toBe(true)
    expect(here(26)).toMatchObject({ allowed: false, code: 'MANNERS_CPU_BUSY' })
    expect(here(26).sentence).toBe(
      'paused: other programs use 26 % of the processor, the limit is 25 % while you are here',
    )
    expect(away(50).allowed).toBe(true)
    expect(away(51)).toMatchObject({ allowed: false, code: 'MANNERS_CPU_BUSY' })
  })

  it('pauses on a metered network and above its temperature', () => {
    expect(look({}, { metered: true })).toMatchObject({ allowed: false, code: 'MANNERS_METERED' })
    expect(look({ onMetered: true }, { metered: true }).allowed).toBe(true)
    expect(look({}, { temperatureC: 91 })).toMatchObject({
      allowed: false,
      code: 'MANNERS_TOO_HOT',
      sentence: 'paused: the processor has 91 °C, and 85 °C is the limit',
    })
  })

  it('pauses where its share of the memory does not hold one task', () => {
    const small = { machine: { ...machine, memoryMb: 512 } }
    expect(look({}, { userIdleMs: 0 }, small)).toMatchObject({
      allowed: false,
      code: 'MANNERS_NO_MEMORY',
      sentence: 'paused: 256 MB allowed < 400 MB needed',
    })
    expect(look({}, {}, small)).toMatchObject({ allowed: true, limits: { threads: 1 } })
  })

  it('holds to what a person said before anything else, until then', () => {
    const pausedUntilMs = startMs + 80 * 60_000
    expect(look({}, { onBattery: true }, { pausedUntilMs })).toEqual({
      allowed: false,
      code: 'MANNERS_PAUSED',
      untilMs: pausedUntilMs,
      sentence: 'paused: by you, for another 1 h 20 min',
    })
    expect(look({}, {}, { pausedUntilMs: startMs }).allowed).toBe(true)
  })
})

describe('mode idle', () => {
  it('works only while nobody uses the machine, and tells when that may be', () => {
    expect(look({ mode: 'idle' }, { userIdleMs: 60_000 })).toEqual({
      allowed: false,
      code: 'MANNERS_USER_ACTIVE',
      untilMs: startMs + 120_000,
      sentence: 'paused: you are using this machine',
    })
    expect(look({ mode: 'idle' }, { userIdleMs: 200_000 }).allowed).toBe(true)
  })
})

describe('hours', () => {
  it('are windows of local time, also over midnight', () => {
    const night = { hours: ['22:00-06:00'] }
    const at = (minuteOfDay: number) => look(night, {}, { minuteOfDay })
    expect(at(21 * 60 + 59)).toEqual({
      allowed: false,
      code: 'MANNERS_HOURS',
      untilMs: startMs + 60_000,
      sentence: 'paused: outside its hours (22:00-06:00)',
    })
    expect(at(22 * 60).allowed).toBe(true)
    expect(at(0).allowed).toBe(true)
    expect(at(6 * 60)).toMatchObject({ allowed: false, untilMs: startMs + 16 * 3_600_000 })
  })

  it('end on the day or never, and the next of several windows counts', () => {
    expect(minutesUntilOpen(parseHours(['00:00-24:00']), 1439)).toBe(0)
    expect(minutesUntilOpen(parseHours(['8:00-9:00', '20:00-21:30']), 9 * 60)).toBe(11 * 60)
    expect(minutesUntilOpen([], 5)).toBe(0)
  })

  it.each(['', '22-6', '25:00-26:00', '22:60-06:00', '24:00-06:00', '1:00-2:00-3:00', 'at night'])(
    'refuse %j with a hint',
    text => expect(() => parseHours([text])).toThrow(expect.objectContaining({ code: 'MANNERS_BAD_HOURS' })),
  )
})

describe('what a sample alone does not change', () => {
  const at = (history: History, afterMs: number, sensed: Partial<Sensed>): History =>
    remember(history, conditions(sensed, { atMs: (history.atMs ?? startMs) + afterMs }), defaults)

  it('a burst of one sample does not pause; use that stays does, and its end must be clear', () => {
    let history = at(noHistory, 0, { otherCpuPercent: 0 })
    history = at(history, 5_000, { otherCpuPercent: 100 })
    expect(history.busy).toBe(false)
    history = at(history, 20_000, { otherCpuPercent: 100 })
    expect(history.busy).toBe(true)
    history = at(history, 50_000, { otherCpuPercent: 45 })
    expect(history.busy).toBe(true)
    history = at(history, 50_000, { otherCpuPercent: 20 })
    expect(history.busy).toBe(false)
  })

  it('a processor that was too hot has to cool down first', () => {
    let history = at(noHistory, 0, { temperatureC: 86 })
    history = at(history, 5_000, { temperatureC: 80 })
    expect(history.hot).toBe(true)
    history = at(history, 5_000, { temperatureC: 76 })
    expect(history.hot).toBe(false)
  })

  it('after a laptop has slept, what it used before counts no more', () => {
    const busy = at(noHistory, 0, { otherCpuPercent: 100 })
    expect(at(busy, 3_600_000, { otherCpuPercent: 10 }).busy).toBe(false)
  })
})

describe('mode cheap', () => {
  const energy = { surplusW: undefined, computingW: 0 }
  it('works while a kWh costs no more than the threshold, and says what it costs', () => {
    expect(look({ mode: 'cheap' }, {}, { energy: { ...energy, buyMicro: 100_000 } }).allowed).toBe(true)
    expect(look({ mode: 'cheap' }, {}, { energy: { ...energy, buyMicro: 250_000 } })).toMatchObject({
      allowed: false,
      code: 'MANNERS_PRICE_HIGH',
      sentence: 'paused: a kWh costs 0.25, the limit is 0.10',
    })
    expect(look({ mode: 'cheap' }, {}, { energy })).toMatchObject({ code: 'MANNERS_PRICE_UNKNOWN' })
  })

  it('takes work that has waited long enough, and says so', () => {
    const expensive = { energy: { ...energy, buyMicro: 250_000 } }
    const waiting = { sinceMs: startMs - 4 * 3_600_000 - 59_000, latestStartMs: startMs + 1 }
    expect(look({ mode: 'cheap' }, {}, { ...expensive, waiting }).allowed).toBe(false)
    expect(
      look({ mode: 'cheap' }, {}, { ...expensive, waiting: { ...waiting, latestStartMs: startMs } }),
    ).toMatchObject({
      allowed: true,
      forced: true,
      sentence: 'working: although a kWh costs 0.25, the limit is 0.10, work has waited 4 h',
    })
    const taken = { sinceMs: startMs - 9 * 3_600_000, latestStartMs: startMs, takenMs: startMs - 3_600_000 }
    expect(look({ mode: 'cheap' }, {}, { ...expensive, waiting: taken }).sentence).toContain('work has waited 8 h')
  })

  it('forces nothing against the machine: a battery or a person still says no', () => {
    const late = { energy: { ...energy, buyMicro: 250_000 }, waiting: { sinceMs: 0, latestStartMs: startMs } }
    expect(look({ mode: 'cheap' }, { onBattery: true }, late)).toMatchObject({ code: 'MANNERS_ON_BATTERY' })
    expect(look({ mode: 'cheap' }, {}, { ...late, pausedUntilMs: startMs + 1 })).toMatchObject({
      code: 'MANNERS_PAUSED',
    })
  })
})

describe('what a kWh of surplus is best used for', () => {
  const energy = { surplusW: 500, computingW: 0 }
  const worth = (worthMicro: number) => ({ ...defaults, worthMicro })

  it('is whatever pays most; on equal terms it is sold', () => {
    expect(bestUse({ ...energy, sellMicro: 150_000, feedInMicro: 80_000 }, worth(200_000)).use).toBe('computing')
    expect(bestUse({ ...energy, sellMicro: 200_000, feedInMicro: 80_000 }, worth(200_000)).use).toBe('selling')
    expect(bestUse({ ...energy, feedInMicro: 80_000, storeMicro: 220_000 }, worth(200_000)).use).toBe('storing')
  })

  it('is any computing where nothing else pays', () => {
    expect(bestUse(energy, worth(0)).use).toBe('computing')
    expect(bestUse({ ...energy, feedInMicro: 1 }, worth(0)).use).toBe('selling')
  })

  it('takes what the work itself pays before what the preferences say', () => {
    const selling = { ...energy, sellMicro: 150_000 }
    expect(bestUse({ ...selling, workMicro: 50_000 }, worth(200_000))).toMatchObject({
      use: 'selling',
      computingMicro: 50_000,
    })
    expect(bestUse({ ...selling, workMicro: 160_000 }, worth(0)).use).toBe('computing')
  })

  it('counts against computing what its stop buys', () => {
    // A minute of the 0.10 it loses then, set against the three that the surplus has lasted.
    const use = bestUse({ ...energy, buyMicro: 300_000, sellMicro: 170_000 }, worth(200_000))
    expect(use).toMatchObject({ use: 'selling', computingMicro: 166_666 })
  })

  it('writes money as people do', () => {
    expect([0, 50_000, 150_000, 166_666, 1_000_000].map(amount)).toEqual(['0.00', '0.05', '0.15', '0.1667', '1.00'])
  })
})

test('no conditions whatever make a decision throw, allow less than a thread, or leave a pause without its reason', () => {
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
  const anySensed = fc.record({
    onBattery: maybe(fc.boolean()),
    userIdleMs: maybe(fc.nat()),
    otherCpuPercent: maybe(fc.double({ min: 0, max: 100, noNaN: true })),
    temperatureC: maybe(fc.integer({ min: -20, max: 120 })),
    metered: maybe(fc.boolean()),
  })
  const anyEnergy = fc.record({
    surplusW: maybe(fc.integer({ min: -20_000, max: 20_000 })),
    computingW: fc.nat(200),
    sellMicro: maybe(fc.nat(500_000)),
    feedInMicro: maybe(fc.nat(500_000)),
    storeMicro: maybe(fc.nat(500_000)),
    buyMicro: maybe(fc.nat(500_000)),
  })
  const modes = fc.constantFrom('always', 'idle', 'surplus', 'cheap')
  const looks = fc.array(fc.tuple(anySensed, maybe(anyEnergy), fc.nat(120_000)), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(modes, looks, (mode, many) => {
      const preferences = { ...defaults, mode } as Preferences
      let [history, atMs]: [History, number] = [noHistory, startMs]
      for (const [sensed, energy, laterMs] of many) {
        atMs += laterMs
        const now = conditions(sensed, { atMs, energy })
        history = remember(history, now, preferences)
        const verdict = mayWork(preferences, now, history)
        if (verdict.allowed) {
          expect(verdict.limits.threads).toBeGreaterThanOrEqual(1)
          expect(verdict.sentence).toMatch(/^working/)
        } else expect(verdict.sentence).toMatch(/^paused: \S/)
      }
    }),
  )
})
