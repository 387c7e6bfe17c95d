import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { booksDomain } from '../../src/domains/books/books.ts'
import { energyDomain, powerSource } from '../../src/domains/energy/energy.ts'
import type { NetPower } from '../../src/domains/energy/meter/meter.ts'
import { constantProfile } from '../../src/domains/energy/profile.ts'
import { mannersDomain } from '../../src/domains/manners/manners.ts'
import { SAMPLE_MS } from '../../src/domains/manners/watch.ts'
import type { Trade } from '../../src/domains/trading/trade.ts'
import { tradingDomain } from '../../src/domains/trading/trading.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import type { PeerId, TransactionId } from '../../src/kernel/ids.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { marketClockOf } from '../support/market-clock.ts'
import { openPeer, openStoreOf } from '../support/open-domain.ts'

const never = new AbortController().signal
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const { market } = loadConfig('/nowhere', {}).options
const OPTIONS = {
  roles: ['household', 'compute'],
  'manners.mode': 'surplus',
  'manners.sensors': false,
  'manners.maxWaitHours': 1,
  'compute.threads': 1,
  'compute.watts': 100,
}

type Power = (() => NetPower | undefined) | undefined

/** A machine in a house whose profile has no surplus at all, and whose meter says what the test wants. */
async function house(powerOf: (clock: Pick<Clock, 'now'>) => Power, profile: object = { 'household.loadWh': 100 }) {
  const clock = fakeClock()
  const peer = openPeer({ clock, market: marketClockOf(clock, market.slotMs), options: { ...OPTIONS, ...profile } })
  let running = 0
  const books = peer.addNow(booksDomain, { inZone: () => true, nameOf: () => '' })
  const energy = await peer.add(energyDomain, {
    traded: books.gives.traded,
    unsettledBetween: books.gives.unsettledBetween,
  })
  const trading = peer.addNow(tradingDomain, {
    books: books.gives,
    metered: energy.gives.metered,
    house: energy.gives,
    isConnected: () => false,
    connected: () => [],
    inZone: () => true,
    trades: () => false,
  })
  const manners = await peer.add(mannersDomain, {
    house: { profile: energy.gives.profile, battery: energy.gives.battery, power: powerOf(clock) },
    tariff: trading.gives.tariff,
    sales: trading.gives.sales,
    threadMemoryMb: () => 400,
    runningTasks: () => running,
    ownCpuMs: () => 0,
    advertise: () => undefined,
  })
  const [watch] = manners.opened.parts ?? []
  return {
    clock,
    peer,
    manners: manners.gives,
    start: async () => watch?.start?.(),
    verdict: async () => (await manners.run.compute({}, never)).verdict,
    energy: async () => (await manners.run.compute({}, never)).conditions.energy,
    /** Trades of these are what this house knows. */
    knows: (trades: readonly Trade[]) => trading.apply(trades.map(trade => ({ kind: 'trading.trade', trade }))),
    runs(tasks: number): void {
      running = tasks
    },
    async [Symbol.asyncDispose]() {
      await watch?.stop?.()
      peer.close()
    },
  }
}

test('mode surplus works on what the real meter sees flow out, whatever the profile says', async () => {
  let exportW: number | undefined = 500
  await using home = await house(
    clock => () => (exportW === undefined ? undefined : { exportW, fromMs: clock.now() - MINUTE, toMs: clock.now() }),
  )
  await home.start()
  await home.clock.advance(4 * MINUTE)
  // Not stored, though the battery that the daemon plays has room: what flows out, the real one did not take.
  expect((await home.verdict()).sentence).toContain('500 W to spare')
  expect((await home.verdict()).allowed).toBe(true)
  exportW = undefined
  await home.clock.advance(5_000)
  expect(await home.verdict()).toMatchObject({ allowed: false, code: 'MANNERS_SURPLUS_UNKNOWN' })
  exportW = -20
  await home.clock.advance(5_000)
  expect((await home.verdict()).sentence).toBe('paused: surplus -20 W < 130 W needed')
})

test('what computing draws is counted back over the time that the meter’s mean is of', async () => {
  await using home = await house(clock => () => ({ exportW: 300, fromMs: clock.now() - 4 * MINUTE, toMs: clock.now() }))
  await home.start()
  await home.clock.advance(10 * MINUTE)
  home.runs(1)
  await home.clock.advance(MINUTE)
  // Running for a minute, less the look that has not seen it yet.
  const energy = await home.energy()
  expect(energy?.surplusW).toBe(300)
  expect(energy?.computingW).toBeGreaterThan(20)
  expect(energy?.computingW).toBeLessThanOrEqual(25)
  await home.clock.advance(4 * MINUTE)
  expect((await home.energy())?.computingW).toBe(100)
})

test('without a real meter the profile tells, less what computing draws now', async () => {
  await using home = await house(() => undefined)
  home.runs(1)
  expect(await home.energy()).toMatchObject({ surplusW: -100 * (3_600_000 / market.slotMs) - 100 })
})

test.each<[string, Parameters<typeof house>[0]]>([
  ['its profile tells of', () => undefined],
  ['its real meter sees', clock => () => ({ exportW: 500, fromMs: clock.now() - MINUTE, toMs: clock.now() })],
])('a house does not compute on the surplus that %s when it is sold, by hand or not', async (_, powerOf) => {
  const { slotMs } = market
  await using home = await house(powerOf, { 'household.solarWh': (500 * slotMs) / HOUR })
  const startMs = Math.floor(home.clock.now() / slotMs) * slotMs
  let ids = 0
  const trade = (role: Trade['role'], watts: number, more: Partial<Trade> = {}): Trade => ({
    transactionId: `trade ${++ids}` as TransactionId,
    role,
    counterparty: 'somebody' as PeerId,
    offerId: 'an offer',
    state: 'active',
    energyWh: (watts * slotMs) / HOUR,
    priceMicro: 70_000,
    gridFeeMicro: 0,
    deadlineMs: 0,
    startedMs: 0,
    slot: { startMs, durationMs: slotMs },
    ...more,
  })
  expect(await home.energy()).toMatchObject({ surplusW: 500, soldW: 0, sellMicro: undefined })
  home.knows([trade('buyer', 300), trade('seller', 200, { state: 'cancelled' })])
  home.knows([trade('seller', 200, { slot: { startMs: startMs + slotMs, durationMs: slotMs } })])
  expect(await home.energy()).toMatchObject({ surplusW: 500, soldW: 0, sellMicro: undefined })
  const sold = [trade('seller', 100), trade('seller', 300)]
  home.knows(sold)
  // At what the contracts say: what this household asks is another price.
  expect(await home.energy()).toMatchObject({ surplusW: 100, soldW: 400, sellMicro: 70_000 })
  await home.start()
  expect((await home.verdict()).sentence).toBe('paused: surplus 100 W beside 400 W sold < 130 W needed')
  home.knows(sold.map(one => ({ ...one, state: 'cancelled' })))
  await home.clock.advance(SAMPLE_MS)
  expect((await home.verdict()).sentence).toMatch(/^paused: surplus 500 W is enough, if it lasts/)
})

test('a forced start goes on while work of others lies on the desk, and ends when only own work does', async () => {
  await using home = await house(() => () => undefined)
  await home.start()
  home.manners.asked()
  await home.clock.advance(60 * MINUTE)
  expect(await home.verdict()).toMatchObject({ allowed: true, forced: true })
  home.manners.holds(true)
  await home.clock.advance(30 * MINUTE)
  expect(home.manners.threads()).toBe(1)
  home.manners.holds(false)
  await home.clock.advance(6 * MINUTE)
  expect(await home.verdict()).toMatchObject({ allowed: false, code: 'MANNERS_SURPLUS_UNKNOWN' })
})

test('a receipt says grid when the real meter sees power bought, and does not guess at what flows out', () => {
  const clock = fakeClock()
  using peer = openPeer({ clock })
  const { read, apply } = openStoreOf(energyDomain, peer.storage)
  const totals = { loadWh: 0, solarWh: 0, boughtWh: 0, soldWh: 0, importedWh: 0, exportedWh: 0, lossWh: 0 }
  const household = { socWh: 5_000, nextSlot: peer.market.slotNumber(), totals, reason: '' }
  apply({ kind: 'energy.household', household })
  const context = { store: read, market: peer.market }
  const sunny = constantProfile(0, 500)
  const source = (exportW: number) =>
    powerSource(context, sunny, { power: () => ({ exportW, fromMs: 0, toMs: MINUTE }) })
  expect(source(-10)).toBe('grid')
  expect(source(900)).toBe('unknown')
  expect(powerSource(context, sunny, { power: () => undefined })).toBe('unknown')
  expect(powerSource(context, sunny, undefined)).toBe('solar')
})
