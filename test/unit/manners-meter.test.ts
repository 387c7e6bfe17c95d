import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import type { NetPower } from '../../src/energy/meter/meter.ts'
import { constantProfile } from '../../src/energy/profile.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { type MachineDeps, openMachineManners, powerSource } from '../../src/parts/machine.ts'
import type { Storage } from '../../src/storage/storage.ts'
import type { Trading } from '../../src/trading/trading.ts'
import { fakeClock } from '../support/fake-clock.ts'

const MINUTE = 60_000
const config = loadConfig('/nowhere', {}).options
const options = {
  ...{ ...config, roles: ['household', 'compute'] as const },
  manners: { ...config.manners, mode: 'surplus' as const, sensors: false, maxWaitHours: 1 },
  compute: { ...config.compute, threads: 1, watts: 100 },
}
/** Whose work lies on the desk. */
const desk: { submitter: string }[] = []
const storage = {
  tasks: { openWork: () => desk },
  energy: { household: () => ({ socWh: 5_000 }) },
  manners: { pause: () => undefined },
} as unknown as Storage

/** A machine in a house whose profile has no surplus at all, and whose meter says what the test wants. */
async function house(power: MachineDeps['power']) {
  const clock = fakeClock()
  let running = 0
  const manners = await openMachineManners(
    {
      ...{ self: 'me' as PeerId, options: options as unknown as MachineDeps['options'], storage, power },
      ...{ trading: { offers: () => [] } as unknown as Trading, profile: constantProfile(100, 0) },
      ...{ ownCpuMs: () => 0, runningTasks: () => running, clock, marketClock: clock, log: silentLog },
      ...{ changed: () => undefined, giveBack: () => undefined },
    },
    1,
  )
  return {
    ...{ clock, manners },
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
