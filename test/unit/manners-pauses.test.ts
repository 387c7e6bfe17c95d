import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { nothingSensed, type Sensed } from '../../src/domains/manners/conditions.ts'
import { mannersDomain } from '../../src/domains/manners/manners.ts'
import { createWatch, type MannersFact, SAMPLE_MS, type WatchDeps } from '../../src/domains/manners/watch.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import { openStorage } from '../../src/storage/storage.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { openStoreOf } from '../support/open-domain.ts'

const { manners: options, compute } = loadConfig('/nowhere', {}).options
const defaults = { ...options, taskPowerW: compute.watts }
const graceMs = 30_000

/** A daemon's manners on a machine that a test plays, with what they told others. */
function machine(over: Partial<WatchDeps> = {}) {
  const clock = fakeClock()
  const storage = openStorage(':memory:', { clock, metrics: createMetrics() })
  const kept = openStoreOf(mannersDomain, storage)
  const told: string[] = []
  let sensed: Partial<Sensed> = {}
  const deps: WatchDeps = {
    preferences: defaults,
    graceMs,
    maxWaitMs: 0,
    hasWork: () => false,
    clock,
    log: silentLog,
    machine: { cores: 4, memoryMb: 8_000, maxThreads: 4, threadMemoryMb: 400 },
    sense: async () => ({ ...nothingSensed, ...sensed }),
    store: kept.read,
    minuteOfDay: atMs => Math.floor(atMs / 60_000) % 1_440,
    changed: verdict => told.push(verdict.sentence),
    ...over,
  }
  const start = () => createWatch(deps)
  let manners = start()
  return {
    clock,
    told,
    manners: () => manners,
    senses(now: Partial<Sensed>) {
      sensed = now
    },
    async says(outcome: { facts: readonly MannersFact[] }) {
      await storage.write(() => outcome.facts.forEach(kept.apply))
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
    expect(one.manners().giveBackAt()).toBeUndefined()
    await one.clock.advance(SAMPLE_MS)
    const end = { atMs: one.clock.now() + graceMs, sentence: 'paused: on battery' }
    expect(one.manners().giveBackAt()).toEqual(end)
    // However often it looks meanwhile, and afterwards.
    await one.clock.advance(2 * graceMs)
    expect(one.manners().giveBackAt()).toEqual(end)
    await one.manners().stop?.()
  })

  it('gives nothing back when the reason goes within the grace', async () => {
    const one = machine()
    await one.manners().start?.()
    one.senses({ onBattery: true })
    await one.clock.advance(20_000)
    expect(one.manners().giveBackAt()?.atMs).toBeGreaterThan(one.clock.now())
    one.senses({ onBattery: false })
    await one.clock.advance(60_000)
    expect(one.manners().giveBackAt()).toBeUndefined()
    one.senses({ onBattery: true })
    await one.clock.advance(20_000)
    // A new grace.
    expect(one.manners().giveBackAt()?.atMs).toBeGreaterThan(one.clock.now())
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
