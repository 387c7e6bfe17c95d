import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { appendReading, type Reading, verifyChain } from '../../src/domains/energy/meter/reading-chain.ts'
import type { Trade } from '../../src/domains/trading/trade.ts'
import type { Trading } from '../../src/domains/trading/trading.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import { openHome } from '../../src/parts/home.ts'
import { verifySignature } from '../../src/protocol/keys.ts'
import type { Fact } from '../../src/storage/facts.ts'
import { openStorage } from '../../src/storage/storage.ts'
import { agreedTrade, OK } from '../support/agreed-trade.ts'
import { fakeClock, turn } from '../support/fake-clock.ts'
import { identityNamed } from '../support/senders.ts'
import { scratch } from '../support/storm.ts'
import { SLOT } from '../support/two-markets.ts'

const SLOT_MS = SLOT.durationMs
/** The slot that is sold and runs when the daemon starts with another meter. */
const NOW = SLOT.startMs / SLOT_MS
const A_DAY = 96
const owner = identityNamed('household')
const MQTT = { 'meter.source': 'mqtt', 'meter.mqttUrl': 'mqtt://127.0.0.1:1', 'meter.mqttImportTopic': 'new/import' }

function sale(like: Trade, slotNumber: number): Fact {
  const slot = { startMs: slotNumber * SLOT_MS, durationMs: SLOT_MS }
  return { kind: 'trade', trade: { ...like, slot, transactionId: `sale-${slotNumber}` as Trade['transactionId'] } }
}

function chainOf(meterId: string, slots: readonly number[], exportWh: number): Fact[] {
  let last: Reading | undefined
  return slots.map(slot => {
    const link = { meterId, slot, slotMs: SLOT_MS, importWh: 0, exportWh, quality: 'OK' as const }
    last = appendReading(last, link, owner.sign)
    return { kind: 'reading', reading: last }
  })
}

function settledSlot(slot: number, soldWh: number): Fact {
  const none = { loadWh: 0, solarWh: 0, boughtWh: 0, importedWh: 0, exportedWh: 0, lossWh: 0, socWh: 0 }
  return { kind: 'slot', slot: { ...none, soldWh, slot } }
}

/** A household's next slot to be settled, of which the simulated meter then speaks. */
function household(nextSlot: number): Fact {
  const flows = { boughtWh: 0, soldWh: 0, importedWh: 0, exportedWh: 0, lossWh: 0 }
  const totals = { loadWh: 0, solarWh: 0, ...flows }
  return { kind: 'household', household: { socWh: 0, nextSlot, totals, reason: '' } }
}

/** A daemon's home, started in the middle of slot `NOW` with these facts kept and this meter configured. */
async function started(facts: readonly Fact[], options: Record<string, unknown>) {
  const folder = scratch()
  const home = folder.path('home')
  const clock = fakeClock((NOW + 0.5) * SLOT_MS)
  const storage = openStorage(`${home}/wattmesh.db`, { clock: systemClock, metrics: createMetrics() })
  await storage.write(() => storage.apply(facts))
  const house = await openHome({
    self: owner.peerId,
    options: loadConfig(home, {}, { roles: ['household'], ...options }).options,
    storage,
    trading: { offers: () => [] } as Partial<Trading> as Trading,
    clock,
    marketClock: clock,
    commit: step =>
      storage.write(() => {
        const made = step()
        storage.apply(made.facts)
        return made
      }),
    random: Math.random,
    sign: owner.sign,
    log: silentLog,
  })
  // The last of that name: a real meter's own part would look for its broker.
  const reader = house.parts.findLast(({ name }) => name === 'meter')
  await reader?.start?.()
  return {
    house,
    storage,
    keep: (...more: Fact[]) => storage.write(() => storage.apply(more)),
    /** Lets the clock show so many slots after `NOW`, and the meter be looked at. */
    async at(slots: number) {
      await clock.advance((NOW + slots) * SLOT_MS - clock.now())
      await turn()
      await clock.advance(1_000)
      await turn()
    },
    read: (slotNumber: number) => {
      const reading = storage.energy.reading(slotNumber)
      return reading && [reading.meterId, reading.exportWh, reading.quality]
    },
    broken(meterId: string) {
      const chain = storage.energy.readings(5_000).filter(reading => reading.meterId === meterId)
      return verifyChain(chain, (text, signature) => verifySignature(owner.peerId, text, signature) === true)
    },
    async [Symbol.asyncDispose]() {
      await reader?.stop?.()
      storage.stop()
      folder[Symbol.dispose]()
    },
  }
}

test('what was sold before the meter was changed settles: its slots get substitutes, the running one too', async () => {
  const { town, sold, deliver } = agreedTrade()
  const former = Array.from({ length: 3 }, (_, i) => NOW - (3 - i) * A_DAY)
  const facts = [
    ...chainOf('old/import', [...former, NOW - 2], 700),
    ...[NOW - 3, NOW - 2, NOW + 2].map(slot => sale(sold(), slot)),
    ...[{ kind: 'trade', trade: sold() } as const, household(NOW)],
  ]
  await using home = await started(facts, MQTT)
  await home.at(1.01)
  // The running slot's meter may take its minute; one long past waits for nobody.
  expect(home.read(NOW - 3)).toEqual(['new/import', 0, 'ESTIMATED'])
  expect(home.read(NOW)).toBeUndefined()
  expect(home.house.metered(SLOT)).toBeUndefined()
  await home.at(1.2)
  // As far as the days before bear it out, whatever meter those were read by.
  expect(home.read(NOW)).toEqual(['new/import', 700, 'ESTIMATED'])
  // The old meter’s word is final; before the first that a trade waits for there is nothing to say.
  expect(home.read(NOW - 2)).toEqual(['old/import', 700, 'OK'])
  expect(home.read(NOW - 4)).toBeUndefined()
  await home.at(3.2)
  expect([NOW + 1, NOW + 2].map(home.read)).toEqual([
    ['new/import', 0, 'ESTIMATED'],
    ['new/import', 0, 'ESTIMATED'],
  ])
  expect(home.broken('new/import')).toBeUndefined()

  deliver(OK(1_000, 0), home.house.metered(SLOT))
  town.settle()
  expect(sold()).toMatchObject({ state: 'settled', settlement: { finalWh: 700, quality: 'ESTIMATED' } })
})

test('what was sold and is older than a household catches up with settles all the same', async () => {
  const { sold } = agreedTrade()
  const long = NOW - 1_500
  const facts = [
    ...chainOf('new/import', [long - 2], 0),
    ...[long - 1, long, long + 7].map(slot => sale(sold(), slot)),
    household(NOW),
  ]
  await using home = await started(facts, MQTT)
  await home.at(0.51)
  expect([long - 1, long, long + 1, long + 7].map(slot => home.read(slot)?.[2])).toEqual([
    ...['ESTIMATED', 'ESTIMATED', undefined, 'ESTIMATED'],
  ])
  expect(home.broken('new/import')).toBeUndefined()
})

test('who goes back to a meter leaves what the other has read meanwhile', async () => {
  const meanwhile = [NOW - 3, NOW - 2]
  const facts = [
    ...chainOf('new/import', [NOW - 4], 10),
    ...chainOf('another', meanwhile, 500),
    ...[household(NOW), ...meanwhile.map(slot => sale(agreedTrade().sold(), slot))],
  ]
  await using home = await started(facts, MQTT)
  await home.at(0.51)
  expect(meanwhile.map(home.read)).toEqual(meanwhile.map(() => ['another', 500, 'OK']))
  expect(home.read(NOW - 1)).toEqual(['new/import', 0, 'ESTIMATED'])
  expect(home.broken('new/import')).toBeUndefined()
})

test('a simulated household that restarts before its first reading waits for its turn, and is metered whole', async () => {
  const facts = [household(NOW), sale(agreedTrade().sold(), NOW)]
  await using home = await started(facts, {})
  await home.at(1.5)
  expect(home.read(NOW)).toBeUndefined()
  await home.keep(settledSlot(NOW, 900), household(NOW + 1))
  await home.at(1.6)
  expect(home.read(NOW)).toEqual(['simulated', 900, 'OK'])
})

test('a slot the simulated household passed over does not hold up the ones after it', async () => {
  const facts = [household(NOW + 1), sale(agreedTrade().sold(), NOW - 5), settledSlot(NOW, 0)]
  await using home = await started(facts, {})
  await home.keep(settledSlot(NOW + 1, 40), household(NOW + 2))
  await home.at(2.1)
  expect(home.read(NOW - 5)).toEqual(['simulated', 0, 'ESTIMATED'])
  expect(home.read(NOW + 1)).toEqual(['simulated', 40, 'OK'])
})
