import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { type EnergyConditions, nothingSensed, type Sensed } from '../../src/domains/manners/conditions.ts'
import { noHistory, remember } from '../../src/domains/manners/history.ts'
import type { Preferences } from '../../src/domains/manners/preferences.ts'
import { afterAsking, afterLook, type Waiting, waitingAt } from '../../src/domains/manners/waiting.ts'
import { createWatch } from '../../src/domains/manners/watch.ts'
import { mayWork, type Willingness } from '../../src/domains/manners/willingness.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { fakeClock } from '../support/fake-clock.ts'

const MINUTE = 60_000
const HOUR = 3_600_000
const LOOK = 5_000
const machine = { cores: 4, memoryMb: 8_000, maxThreads: 1, threadMemoryMb: 400 }
const preferences: Preferences = {
  ...loadConfig('/nowhere', {}).options.manners,
  mode: 'cheap',
  cheapMicro: 100_000,
  taskPowerW: 27,
}

interface World {
  readonly maxWaitMs?: number
  readonly preferences?: Partial<Preferences>
  /** What a kWh costs at an hour since the start. */
  readonly priceAt?: (hour: number) => number
  readonly sensedAt?: (hour: number) => Partial<Sensed>
  /** Whether somebody asks, each minute. */
  readonly asksAt: (hour: number) => boolean
  /** How long the work takes that is let in; asked for again only when it is done. */
  readonly workMs?: number
}

/** Days of a machine that looks every five seconds, as the daemon does, and of somebody who wants work done. */
function days(hours: number, world: World) {
  const { asksAt, workMs = 0 } = world
  const look = looks(world)
  let leftMs = 0
  /** When each stretch of the same decision began, in hours, and what it was. */
  const told: (readonly [hour: number, what: string])[] = []
  const sentences: string[] = []
  for (let atMs = 0; atMs < hours * HOUR; atMs += LOOK) {
    const { verdict, ask } = look(atMs, leftMs > 0)
    if (told.at(-1)?.[1] !== nameOf(verdict)) {
      told.push([Number((atMs / HOUR).toFixed(1)), nameOf(verdict)])
      sentences.push(verdict.sentence)
    }
    // What is paused is given back after the grace, which is shorter than anything told here.
    leftMs = verdict.allowed ? Math.max(0, leftMs - LOOK) : 0
    const asks = atMs % MINUTE === 0 && leftMs === 0 && asksAt(atMs / HOUR)
    if (asks) ask()
    if (asks && verdict.allowed) leftMs = workMs
  }
  return { told, sentences }
}

function looks({ maxWaitMs = 4 * HOUR, priceAt = () => 250_000, sensedAt = () => ({}), ...world }: World) {
  const all = { ...preferences, ...world.preferences }
  let history = noHistory
  let waiting: Waiting | undefined
  return (atMs: number, hasWork: boolean) => {
    const now = {
      atMs,
      minuteOfDay: Math.floor(atMs / MINUTE) % 1_440,
      machine,
      sensed: { ...nothingSensed, ...sensedAt(atMs / HOUR) },
      energy: { surplusW: undefined, computingW: 0, buyMicro: priceAt(atMs / HOUR) },
      waiting: waitingAt(waiting, maxWaitMs, atMs),
    }
    history = remember(history, now, all)
    const verdict = mayWork(all, now, history)
    waiting = afterLook(waiting, verdict, { atMs, hasWork })
    const ask = (): void => {
      waiting = afterAsking(waiting, verdict, atMs)
    }
    return { verdict, ask }
  }
}

function nameOf(verdict: Willingness): string {
  if (!verdict.allowed) return verdict.code.replace('MANNERS_', '')
  return verdict.forced ? 'forced' : 'works'
}

describe('work that was refused for its energy', () => {
  test('waits for ever where the owner named no latest start', () => {
    expect(days(72, { maxWaitMs: 0, asksAt: () => true }).told).toEqual([[0, 'PRICE_HIGH']])
  })

  test('is taken when it has waited long enough, until it is done and nobody asks; then the waiting starts anew', () => {
    // Asked for from the second hour on, an hour's work; and once more on the next day.
    const asksAt = (hour: number) => (hour >= 2 && hour <= 6.1) || (hour >= 30 && hour <= 34.1)
    const { told, sentences } = days(48, { asksAt, workMs: HOUR })
    expect(told).toEqual([
      [0, 'PRICE_HIGH'],
      [6, 'forced'],
      [7.1, 'PRICE_HIGH'],
      [34, 'forced'],
      [35.1, 'PRICE_HIGH'],
    ])
    expect(sentences[1]).toBe('working: although a kWh costs 0.25, the limit is 0.10, work has waited 4 h')
  })

  test('goes on being done while more of it comes', () => {
    const { told } = days(24, { asksAt: hour => hour <= 12, workMs: 20 * MINUTE })
    expect(told).toEqual([
      [0, 'PRICE_HIGH'],
      [4, 'forced'],
      [12.4, 'PRICE_HIGH'],
    ])
  })

  test('does not force anything that comes when its energy allows it in time', () => {
    // Cheap from the third to the fourth hour of each six: each time the waiting starts anew.
    const { told } = days(18, {
      maxWaitMs: 6 * HOUR,
      asksAt: () => true,
      priceAt: hour => (hour % 6 >= 3 && hour % 6 < 4 ? 50_000 : 250_000),
    })
    expect(told.map(([, what]) => what)).not.toContain('forced')
    expect(told.filter(([, what]) => what === 'works').map(([hour]) => hour)).toEqual([3, 9, 15])
  })

  test('keeps its place when its energy allowed work for a moment in which nobody came', () => {
    const moment = (hour: number) => hour > 2.001 && hour < 2.01
    const { told } = days(5, { asksAt: () => true, priceAt: hour => (moment(hour) ? 50_000 : 250_000) })
    expect(told).toEqual([
      [0, 'PRICE_HIGH'],
      [2, 'works'],
      [2, 'PRICE_HIGH'],
      [4, 'forced'],
    ])
  })

  test('starts waiting anew after a forced start that its energy has caught up with', () => {
    const cheap = (hour: number) => hour >= 5 && hour < 5.5
    const { told } = days(12, {
      asksAt: () => true,
      workMs: 2 * HOUR,
      priceAt: hour => (cheap(hour) ? 50_000 : 250_000),
    })
    expect(told).toEqual([
      [0, 'PRICE_HIGH'],
      [4, 'forced'],
      [5, 'works'],
      [5.5, 'PRICE_HIGH'],
      [9.5, 'forced'],
    ])
  })

  test('is forgotten when nobody has asked for an hour', () => {
    const { told } = days(24, { asksAt: hour => hour < 1 || (hour > 3.9 && hour < 5) })
    expect(told).toEqual([[0, 'PRICE_HIGH']])
  })

  test.each<[string, string, Pick<World, 'sensedAt' | 'preferences'>]>([
    ['a battery', 'ON_BATTERY', { sensedAt: hour => ({ onBattery: hour >= 3 && hour < 8 }) }],
    ['heat', 'TOO_HOT', { sensedAt: hour => ({ temperatureC: hour >= 3 && hour < 8 ? 95 : 40 }) }],
    ['other programs', 'CPU_BUSY', { sensedAt: hour => ({ otherCpuPercent: hour >= 3 && hour < 8 ? 90 : 0 }) }],
    ['the hours of the day', 'HOURS', { preferences: { hours: ['00:00-03:00', '08:00-24:00'] } }],
  ])('overrules nothing but its energy: %s still says no', (_, code, world) => {
    const { told } = days(9, { asksAt: () => true, workMs: 2 * HOUR, ...world })
    expect(told.map(([hour, what]) => [Math.round(hour), what])).toEqual([
      [0, 'PRICE_HIGH'],
      [3, code],
      [8, 'forced'],
    ])
  })

  test('does not wait for its energy while something else refuses it', () => {
    const { told } = days(9, { asksAt: () => true, sensedAt: hour => ({ onBattery: hour < 4 }) })
    expect(told).toEqual([
      [0, 'ON_BATTERY'],
      [4, 'PRICE_HIGH'],
      [8, 'forced'],
    ])
  })

  test('is taken on bought energy in mode surplus too, also where the meter is silent', () => {
    const { told, sentences } = days(5, { asksAt: () => true, preferences: { mode: 'surplus' } })
    expect(told).toEqual([
      [0, 'SURPLUS_UNKNOWN'],
      [4, 'forced'],
    ])
    expect(sentences[1]).toMatch(/^working: although the meter does not tell .*, work has waited 4 h$/)
  })
})

test('what waited before the clock jumped has not waited', () => {
  const held: Willingness = { allowed: false, code: 'MANNERS_PRICE_HIGH', sentence: 'paused: dear' }
  const waiting = afterAsking(undefined, held, 10 * HOUR)
  expect(waitingAt(waiting, HOUR, 10 * HOUR)).toEqual({ sinceMs: 10 * HOUR, latestStartMs: 11 * HOUR })
  for (const atMs of [9 * HOUR, 20 * HOUR]) {
    expect(waitingAt(waiting, HOUR, atMs)).toBeUndefined()
    expect(afterAsking(waiting, held, atMs)).toEqual({ sinceMs: atMs, askedMs: atMs })
  }
})

test('a daemon remembers who asked, takes the work when it is due, and says what it knows of it', async () => {
  const clock = fakeClock()
  const energy: EnergyConditions = { surplusW: -50, computingW: 0 }
  let hasWork = false
  const manners = createWatch({
    preferences: { ...preferences, mode: 'surplus' },
    machine,
    clock,
    log: silentLog,
    energy: () => energy,
    store: { pause: () => undefined },
    graceMs: 30_000,
    maxWaitMs: HOUR,
    hasWork: () => hasWork,
    minuteOfDay: () => 0,
    changed: () => undefined,
  })
  await manners.start?.()
  expect(manners.conditions().waiting).toBeUndefined()
  expect(manners.asked()?.sentence).toBe('paused: surplus -50 W < 36 W needed')
  const sinceMs = clock.now()
  expect(manners.conditions().waiting).toEqual({ sinceMs, latestStartMs: sinceMs + HOUR })
  await clock.advance(30 * MINUTE)
  manners.asked()
  await clock.advance(30 * MINUTE - LOOK)
  expect(manners.asked()).toBeDefined()
  await clock.advance(LOOK)
  expect(manners.verdict()).toMatchObject({ allowed: true, forced: true, limits: { threads: 1 } })
  expect(manners.verdict().sentence).toBe('working: although surplus -50 W < 36 W needed, work has waited 1 h')
  expect(manners.asked()).toBeUndefined()
  hasWork = true
  await clock.advance(20 * MINUTE)
  // It waits no longer.
  expect(manners.verdict().sentence).toContain('work has waited 1 h')
  expect(manners.conditions().waiting).toMatchObject({ takenMs: sinceMs + HOUR })
  expect(manners.threads()).toBe(1)
  hasWork = false
  await clock.advance(6 * MINUTE)
  expect(manners.verdict()).toMatchObject({ allowed: false, code: 'MANNERS_NO_SURPLUS' })
  expect(manners.conditions().waiting).toBeUndefined()
  await manners.stop?.()
})
