import { expect, test } from 'vitest'
import { booksDomain } from '../../src/domains/books/books.ts'
import type { BooksFact } from '../../src/domains/books/facts.ts'
import { energyDomain } from '../../src/domains/energy/energy.ts'
import type { EnergyFact } from '../../src/domains/energy/household.ts'
import { appendReading, type Reading, verifyChain } from '../../src/domains/energy/meter/reading-chain.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { identityFromSeed, verifySignature } from '../../src/protocol/keys.ts'
import { agreedTrade, OK } from '../support/agreed-trade.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { openPeer, seedNamed } from '../support/open-domain.ts'
import { SLOT } from '../support/two-markets.ts'

const SLOT_MS = SLOT.durationMs
/** The slot that is sold and runs when the daemon starts with another meter. */
const NOW = SLOT.startMs / SLOT_MS
const A_DAY = 96
const OWNER = 'household'
const owner = identityFromSeed(seedNamed(OWNER))
type Fact = EnergyFact | BooksFact
const MQTT = { 'meter.source': 'mqtt', 'meter.mqttUrl': 'mqtt://127.0.0.1:1', 'meter.mqttImportTopic': 'new/import' }

/** A kWh sold of a slot. */
function sale(slotNumber: number): Fact {
  const slot = { startMs: slotNumber * SLOT_MS, durationMs: SLOT_MS }
  const terms = { counterparty: 'buyer' as PeerId, energyWh: 1_000, priceMicro: 100_000 }
  return { kind: 'books.agreed', contract: { contractId: `sale-${slotNumber}`, role: 'seller', slot, ...terms } }
}

function chainOf(meterId: string, slots: readonly number[], exportWh: number): Fact[] {
  let last: Reading | undefined
  return slots.map(slot => {
    const link = { meterId, slot, slotMs: SLOT_MS, importWh: 0, exportWh, quality: 'OK' as const }
    last = appendReading(last, link, owner.sign)
    return { kind: 'energy.reading', reading: last }
  })
}

function settledSlot(slot: number, soldWh: number): Fact {
  const none = { loadWh: 0, solarWh: 0, boughtWh: 0, importedWh: 0, exportedWh: 0, lossWh: 0, socWh: 0 }
  return { kind: 'energy.slot', slot: { ...none, soldWh, slot } }
}

/** A household's next slot to be settled, of which the simulated meter then speaks. */
function household(nextSlot: number): Fact {
  const flows = { boughtWh: 0, soldWh: 0, importedWh: 0, exportedWh: 0, lossWh: 0 }
  const totals = { loadWh: 0, solarWh: 0, ...flows }
  return { kind: 'energy.household', household: { socWh: 0, nextSlot, totals, reason: '' } }
}

/** A house and its books, opened in the middle of slot `NOW` with these facts kept and this meter configured. */
async function started(facts: readonly Fact[], options: Record<string, unknown>) {
  const clock = fakeClock((NOW + 0.5) * SLOT_MS)
  const peer = openPeer({ name: OWNER, clock, options: { 'market.slotMs': SLOT_MS, ...options } })
  const books = peer.addNow(booksDomain, { inZone: () => true, nameOf: () => '' })
  const { gives, read, rounds } = await peer.add(energyDomain, {
    traded: books.gives.traded,
    unsettledBetween: books.gives.unsettledBetween,
  })
  const keep = (...more: Fact[]): void => peer.registry.apply(more)
  keep(...facts)
  const round = rounds.find(({ name }) => name === 'meter') ?? expect.fail('the meter has no round')
  const look = (): void => {
    while ((round.due() ?? Number.POSITIVE_INFINITY) <= clock.now()) {
      const decided = round.turn?.() ?? expect.fail('the meter has no turn')
      if (decided.facts.length === 0) return
      peer.registry.apply(decided.facts as Fact[])
    }
  }
  look()
  return {
    metered: gives.metered,
    keep,
    /** Lets the clock show so many slots after `NOW`, and the meter be looked at. */
    async at(slots: number) {
      await clock.advance((NOW + slots) * SLOT_MS - clock.now() + 1_000)
      look()
    },
    read: (slotNumber: number) => {
      const reading = read.reading(slotNumber)
      return reading && [reading.meterId, reading.exportWh, reading.quality]
    },
    broken(meterId: string) {
      const chain = read.readings(5_000).filter(reading => reading.meterId === meterId)
      return verifyChain(chain, (text, signature) => verifySignature(owner.peerId, text, signature) === true)
    },
    [Symbol.dispose]: peer.close,
  }
}

test('what was sold before the meter was changed settles: its slots get substitutes, the running one too', async () => {
  const { town, sold, deliver } = agreedTrade()
  const former = Array.from({ length: 3 }, (_, i) => NOW - (3 - i) * A_DAY)
  const facts = [
    ...chainOf('old/import', [...former, NOW - 2], 700),
    ...[NOW - 3, NOW - 2, NOW + 2].map(sale),
    ...[sale(NOW), household(NOW)],
  ]
  using home = await started(facts, MQTT)
  await home.at(1.01)
  // The running slot's meter may take its minute; one long past waits for nobody.
  expect(home.read(NOW - 3)).toEqual(['new/import', 0, 'ESTIMATED'])
  expect(home.read(NOW)).toBeUndefined()
  expect(home.metered(SLOT)).toBeUndefined()
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

  deliver(OK(1_000, 0), home.metered(SLOT))
  town.settle()
  expect(sold()).toMatchObject({ state: 'settled', settlement: { finalWh: 700, quality: 'ESTIMATED' } })
})

test('what was sold and is older than a household catches up with settles all the same', async () => {
  const long = NOW - 1_500
  const facts = [...chainOf('new/import', [long - 2], 0), ...[long - 1, long, long + 7].map(sale), household(NOW)]
  using home = await started(facts, MQTT)
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
    ...[household(NOW), ...meanwhile.map(sale)],
  ]
  using home = await started(facts, MQTT)
  await home.at(0.51)
  expect(meanwhile.map(home.read)).toEqual(meanwhile.map(() => ['another', 500, 'OK']))
  expect(home.read(NOW - 1)).toEqual(['new/import', 0, 'ESTIMATED'])
  expect(home.broken('new/import')).toBeUndefined()
})

test('a simulated household that restarts before its first reading waits for its turn, and is metered whole', async () => {
  const facts = [household(NOW), sale(NOW)]
  using home = await started(facts, {})
  await home.at(1.5)
  expect(home.read(NOW)).toBeUndefined()
  home.keep(settledSlot(NOW, 900), household(NOW + 1))
  await home.at(1.6)
  expect(home.read(NOW)).toEqual(['simulated', 900, 'OK'])
})

test('a slot the simulated household passed over does not hold up the ones after it', async () => {
  const facts = [household(NOW + 1), sale(NOW - 5), settledSlot(NOW, 0)]
  using home = await started(facts, {})
  home.keep(settledSlot(NOW + 1, 40), household(NOW + 2))
  await home.at(2.1)
  expect(home.read(NOW - 5)).toEqual(['simulated', 0, 'ESTIMATED'])
  expect(home.read(NOW + 1)).toEqual(['simulated', 40, 'OK'])
})
