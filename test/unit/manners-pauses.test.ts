import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { nothingSensed, type Sensed } from '../../src/domains/manners/conditions.ts'
import {
  createManners,
  type MannersDeps,
  type MannersFact,
  type Pause,
  SAMPLE_MS,
} from '../../src/domains/manners/manners.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { fakeClock } from '../support/fake-clock.ts'

const { manners: options, compute } = loadConfig('/nowhere', {}).options
const defaults = { ...options, taskPowerW: compute.watts }
const graceMs = 30_000

/** A daemon's manners on a machine that a test plays, with what they told others. */
function machine(over: Partial<MannersDeps> = {}) {
  const clock = fakeClock()
  const kept: { pause?: Pause } = {}
  const told: string[] = []
  const givenBack: string[] = []
  let sensed: Partial<Sensed> = {}
  const deps: MannersDeps = {
    preferences: defaults,
    graceMs,
    maxWaitMs: 0,
    hasWork: () => false,
    clock,
    log: silentLog,
    machine: { cores: 4, memoryMb: 8_000, maxThreads: 4, threadMemoryMb: 400 },
    sense: async () => ({ ...nothingSensed, ...sensed }),
    store: { pause: () => kept.pause },
    minuteOfDay: atMs => Math.floor(atMs / 60_000) % 1_440,
    changed: verdict => told.push(verdict.sentence),
    giveBack: verdict => givenBack.push(verdict.code),
    ...over,
  }
  const start = () => createManners(deps)
  let manners = start()
  return {
    clock,
    told,
    givenBack,
    manners: () => manners,
    senses(now: Partial<Sensed>) {
      sensed = now
    },
    async says(outcome: { facts: readonly MannersFact[] }) {
      for (const fact of outcome.facts) kept.pause = fact.pause
      await manners.look()
    },
    async restarts() {
      await manners.stop?.()
      manners = start()
      await manners.start?.()
    },
  }
}

describe('a daemon with manners', () => {
  it('says that it offers nothing where it does not work for others, and not that it is just starting', async () => {
    const one = machine({ offered: false })
    const nothing = { allowed: false, code: 'MANNERS_NOT_OFFERED' }
    expect(one.manners().verdict()).toMatchObject(nothing)
    // A person pauses it all the same.
    await one.says(one.manners().pause(60_000))
    expect(one.manners().verdict()).toMatchObject({ ...nothing, sentence: expect.stringContaining('offers nothing') })
    expect(one.manners().threads()).toBe(0)
  })

  it('looks before it offers anything, then every five seconds, and tells only what changed', async () => {
    const one = machine()
    expect(one.manners().threads()).toBe(0)
    await one.manners().start?.()
    expect(one.manners().threads()).toBe(4)
    const before = one.told.length
    await one.clock.advance(4 * SAMPLE_MS)
    expect(one.told).toHaveLength(before)
    one.senses({ onBattery: true })
    await one.clock.advance(SAMPLE_MS)
    expect(one.told.slice(before)).toEqual(['paused: on battery'])
    expect(one.manners().threads()).toBe(0)
    await one.manners().stop?.()
  })

  it('lets what runs finish for the grace, then has it given back, and not before', async () => {
    const one = machine()
    await one.manners().start?.()
    one.senses({ onBattery: true })
    await one.clock.advance(graceMs)
    expect(one.givenBack).toEqual([])
    await one.clock.advance(SAMPLE_MS)
    expect(one.givenBack).toContain('MANNERS_ON_BATTERY')
    await one.manners().stop?.()
  })

  it('gives nothing back when the reason goes within the grace', async () => {
    const one = machine()
    await one.manners().start?.()
    one.senses({ onBattery: true })
    await one.clock.advance(20_000)
    one.senses({ onBattery: false })
    await one.clock.advance(60_000)
    one.senses({ onBattery: true })
    await one.clock.advance(20_000)
    expect(one.givenBack).toEqual([])
    await one.manners().stop?.()
  })

  it('pauses when told to, over a restart, until the time or a resume', async () => {
    const one = machine()
    await one.manners().start?.()
    await one.says(one.manners().pause(2 * 3_600_000))
    expect(one.manners().verdict()).toMatchObject({ code: 'MANNERS_PAUSED', untilMs: one.clock.now() + 7_200_000 })
    await one.restarts()
    expect(one.manners().verdict().sentence).toBe('paused: by you, for another 2 h')
    await one.clock.advance(7_200_000)
    expect(one.manners().verdict().allowed).toBe(true)
    expect(one.manners().paused()).toBeUndefined()
    await one.says(one.manners().pause(60_000))
    expect(one.manners().paused()).toBeDefined()
    await one.says(one.manners().resume())
    expect(one.manners().verdict().allowed).toBe(true)
    await one.manners().stop?.()
  })

  it.each([0, -1, 0.5, Number.NaN, 31 * 24 * 3_600_000])('refuses a pause of %s ms', forMs => {
    expect(machine().manners().pause(forMs).answer).toMatchObject({ error: { code: 'MANNERS_BAD_PAUSE' } })
  })

  it('works on when the machine cannot be looked at', async () => {
    const one = machine({
      sense: async () => {
        throw new Error('no eyes')
      },
    })
    await one.manners().start?.()
    expect(one.manners().verdict().allowed).toBe(true)
    expect(one.manners().conditions().sensed).toEqual(nothingSensed)
    await one.manners().stop?.()
  })

  it('tells who asks for work why not, and when to ask again', async () => {
    const one = machine()
    await one.manners().start?.()
    expect(one.manners().asked()).toBeUndefined()
    await one.says(one.manners().pause(20_000))
    expect(one.manners().asked()).toEqual({ sentence: 'paused: by you, for another 20 s', retryAfterMs: 20_000 })
    await one.says(one.manners().pause(7_200_000))
    expect(one.manners().asked()).toMatchObject({ retryAfterMs: 60_000 })
    await one.manners().stop?.()
  })

  it('tells neighbours no more than open, limited or closed', async () => {
    const one = machine()
    await one.manners().start?.()
    expect(one.manners().availability()).toBe('open')
    one.senses({ userIdleMs: 0 })
    await one.clock.advance(SAMPLE_MS)
    expect(one.manners().availability()).toBe('limited')
    one.senses({ onBattery: true })
    await one.clock.advance(SAMPLE_MS)
    expect(one.manners().availability()).toBe('closed')
    await one.manners().stop?.()
  })

  it('does not start with hours that are none', () => {
    const preferences = { ...defaults, hours: ['at night'] }
    expect(() => machine({ preferences })).toThrow(expect.objectContaining({ code: 'MANNERS_BAD_HOURS' }))
  })
})
