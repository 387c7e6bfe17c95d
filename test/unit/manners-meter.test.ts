import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import type { NetPower } from '../../src/domains/energy/meter/meter.ts'
import { constantProfile } from '../../src/domains/energy/profile.ts'
import type { Trade } from '../../src/domains/trading/trade.ts'
import type { Trading } from '../../src/domains/trading/trading.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { type MachineDeps, openMachineManners, powerSource } from '../../src/parts/machine.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { fakeClock } from '../support/fake-clock.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const config = loadConfig('/nowhere', {}).options
const options = {
  ...config,
  roles: ['household', 'compute'] as const,
  manners: { ...config.manners, mode: 'surplus' as const, sensors: false, maxWaitHours: 1 },
  compute: { ...config.compute, threads: 1, watts: 100 },
}
/** Whose work lies on the desk. */
const desk: { submitter: string }[] = []
/** Agreed trades of the running slot. */
const agreed: Pick<Trade, 'role' | 'state' | 'energyWh' | 'priceMicro' | 'slot'>[] = []
const storage = {
  trading: {
    tradesOfSlot: (state: Trade['state'], startMs: number) =>
      agreed.filter(trade => trade.state === state && trade.slot.startMs === startMs),
  },
  tasks: { openWork: () => desk },
  energy: { household: () => ({ socWh: 5_000 }) },
  manners: { pause: () => undefined },
} as unknown as Storage

/** A machine in a house whose profile has no surplus at all, and whose meter says what the test wants. */
async function house(power: MachineDeps['power'], profile = constantProfile(100, 0)) {
  const clock = fakeClock()
  let running = 0
  const manners = await openMachineManners(
    {
      self: 'me' as PeerId,
      options: options as unknown as MachineDeps['options'],
      storage,
      power,
      trading: { offers: () => [] } as unknown as Trading,
      profile,
      ownCpuMs: () => 0,
      runningTasks: () => running,
      clock,
      marketClock: clock,
      log: silentLog,
      changed: () => undefined,
      giveBack: () => undefined,
    },
    1,
  )
  return {
    clock,
    manners,
    runs(tasks: number): void {
      running = tasks
    },
  }
}

test('mode surplus works on what the real meter sees flow out, whatever the profile says', async () => {
  let exportW: number | undefined = 500
  const home = await house(() =>
    exportW === undefined ? undefined : { exportW, fromMs: home.clock.now() - MINUTE, toMs: home.clock.now() },
  )
  await home.manners.start?.()
  await home.clock.advance(4 * MINUTE)
  // Not stored, though the battery that the daemon plays has room: what flows out, the real one did not take.
  expect(home.manners.verdict().sentence).toContain('500 W to spare')
  expect(home.manners.verdict().allowed).toBe(true)
  exportW = undefined
  await home.clock.advance(5_000)
  expect(home.manners.verdict()).toMatchObject({ allowed: false, code: 'MANNERS_SURPLUS_UNKNOWN' })
  exportW = -20
  await home.clock.advance(5_000)
  expect(home.manners.verdict().sentence).toBe('paused: surplus -20 W < 130 W needed')
  await home.manners.stop?.()
})

test('what computing draws is counted back over the time that the meter’s mean is of', async () => {
  const home = await house(
    (): NetPower => ({ exportW: 300, fromMs: home.clock.now() - 4 * MINUTE, toMs: home.clock.now() }),
  )
  await home.manners.start?.()
  await home.clock.advance(10 * MINUTE)
  home.runs(1)
  await home.clock.advance(MINUTE)
  // Running for a minute, less the look that has not seen it yet.
  const { energy } = home.manners.conditions()
  expect(energy?.surplusW).toBe(300)
  expect(energy?.computingW).toBeGreaterThan(20)
  expect(energy?.computingW).toBeLessThanOrEqual(25)
  await home.clock.advance(4 * MINUTE)
  expect(home.manners.conditions().energy?.computingW).toBe(100)
  await home.manners.stop?.()
})

test('without a real meter the profile tells, less what computing draws now', async () => {
  const home = await house(undefined)
  home.runs(1)
  expect(home.manners.conditions().energy).toMatchObject({ surplusW: -100 * (3_600_000 / config.market.slotMs) - 100 })
})

test.each<[string, (clock: { now(): number }) => MachineDeps['power']]>([
  ['its profile tells of', () => undefined],
  ['its real meter sees', clock => () => ({ exportW: 500, fromMs: clock.now() - MINUTE, toMs: clock.now() })],
])('a house does not compute on the surplus that %s when it is sold, by hand or not', async (_, powerOf) => {
  const { slotMs } = config.market
  const clock = { now: () => 0 }
  const home = await house(powerOf(clock), constantProfile(0, (500 * slotMs) / HOUR))
  clock.now = home.clock.now
  const startMs = Math.floor(home.clock.now() / slotMs) * slotMs
  const trade = (role: Trade['role'], watts: number, more: object = {}) => ({
    role,
    state: 'active' as const,
    energyWh: (watts * slotMs) / HOUR,
    priceMicro: 70_000,
    slot: { startMs, durationMs: slotMs },
    ...more,
  })
  const surplus = () => home.manners.conditions().energy
  expect(surplus()).toMatchObject({ surplusW: 500, soldW: 0, sellMicro: undefined })
  agreed.push(trade('buyer', 300), trade('seller', 200, { state: 'cancelled' }))
  agreed.push(trade('seller', 200, { slot: { startMs: startMs + slotMs, durationMs: slotMs } }))
  expect(surplus()).toMatchObject({ surplusW: 500, soldW: 0, sellMicro: undefined })
  agreed.push(trade('seller', 100), trade('seller', 300))
  // At what the contracts say: what this household asks is another price.
  expect(surplus()).toMatchObject({ surplusW: 100, soldW: 400, sellMicro: 70_000 })
  await home.manners.start?.()
  expect(home.manners.verdict().sentence).toBe('paused: surplus 100 W beside 400 W sold < 130 W needed')
  agreed.splice(0)
  await home.manners.look()
  expect(home.manners.verdict().sentence).toMatch(/^paused: surplus 500 W is enough, if it lasts/)
  await home.manners.stop?.()
})

test('a forced start goes on while work of others lies on the desk, and ends when only own work does', async () => {
  const home = await house(() => undefined)
  await home.manners.start?.()
  home.manners.asked()
  await home.clock.advance(60 * MINUTE)
  expect(home.manners.verdict()).toMatchObject({ allowed: true, forced: true })
  desk.push({ submitter: 'me' }, { submitter: 'somebody' })
  await home.clock.advance(30 * MINUTE)
  expect(home.manners.threads()).toBe(1)
  desk.pop()
  await home.clock.advance(6 * MINUTE)
  expect(home.manners.verdict()).toMatchObject({ allowed: false, code: 'MANNERS_SURPLUS_UNKNOWN' })
  await home.manners.stop?.()
})

test('a receipt says grid when the real meter sees power bought, and does not guess at what flows out', () => {
  const sunny = constantProfile(0, 500)
  const source = (exportW: number) => powerSource(storage, sunny, 0, () => ({ exportW, fromMs: 0, toMs: MINUTE }))
  expect(source(-10)).toBe('grid')
  expect(source(900)).toBe('unknown')
  expect(powerSource(storage, sunny, 0, () => undefined)).toBe('unknown')
  expect(powerSource(storage, sunny, 0, undefined)).toBe('solar')
})
