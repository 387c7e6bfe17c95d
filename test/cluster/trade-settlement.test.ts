import { expect, test, vi } from 'vitest'
import { balances } from '../../src/domains/books/ledger.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { leapingClock } from '../support/leaping-clock.ts'
import { createMemoryNetwork } from '../support/memory-network.ts'
import { eventually } from '../support/network-hosts.ts'
import { seedNamed } from '../support/open-domain.ts'
import { openRoad, type Road } from '../support/road.ts'
import { identityNamed } from '../support/senders.ts'
import { scratch } from '../support/storm.ts'

vi.setConfig({ testTimeout: 60_000 })

const HOUR_MS = 3_600_000
const sumOf = (road: Road): number =>
  [...balances(road.books.batches(100)).values()].reduce((sum, micro) => sum + micro, 0)

test('over the road and the database: a late joiner pulls the catalogs, buys, is delivered, and both books close alike', async () => {
  using folder = scratch()
  const clock = leapingClock(systemClock)
  const slot = { startMs: Math.ceil(clock.now() / HOUR_MS + 1) * HOUR_MS, durationMs: HOUR_MS }
  const middle = identityNamed('neighbour').peerId
  const transport = createMemoryNetwork({ connects: (...two) => two.includes(middle) })
  const open = async (name: string, metered: { importWh: number; exportWh: number }): Promise<Road> => {
    const reading = { ...metered, quality: 'OK' } as const
    const road = await openRoad({
      home: folder.path(name),
      seed: seedNamed(name),
      transport,
      clock,
      flags: { 'market.slotMs': HOUR_MS },
      metered: ({ startMs }) => (clock.now() >= startMs + HOUR_MS ? reading : undefined),
    })
    await road.start()
    return road
  }
  const roads: Road[] = []
  try {
    const seller = await open('seller', { importWh: 0, exportWh: 700 })
    const neighbour = await open('neighbour', { importWh: 0, exportWh: 0 })
    roads.push(seller, neighbour)
    await seller.asked.sell({ slotStartMs: slot.startMs, energyWh: 1_000, priceMicro: 100_000 })
    await eventually('the neighbour has heard it', () => neighbour.offers({}).length === 1)

    const buyer = await open('buyer', { importWh: 900, exportWh: 0 })
    roads.push(buyer)
    await eventually('the late joiner has it from the neighbour', () => buyer.offers({ slot }).length === 1)
    const pulls = buyer.storage.messages.list({ limit: 10, type: 'beckn.catalog_pull' })
    expect(pulls.filter(({ direction }) => direction === 'out').map(({ peer }) => peer)).toEqual([middle])

    const { id } = await buyer.asked.buy({ slotStartMs: slot.startMs, energyWh: 1_000, maxPriceMicro: 100_000 })
    await eventually('it is bought', () => buyer.trading.need(id)?.state === 'bought')
    const waits = ({ storage }: Road) => storage.messages.waitingRecipients().length > 0
    await eventually('everything is delivered', () => !roads.some(waits))
    clock.leap(3 * HOUR_MS)
    const settled = (road: Road) => road.trading.tradesInState('settled')
    await eventually('both have settled', () => settled(buyer).length === 1 && settled(seller).length === 1, 30_000)

    const [bought, sold] = [settled(buyer)[0], settled(seller)[0]]
    expect(bought?.settlement).toEqual(sold?.settlement)
    expect(sold?.settlement).toMatchObject({ finalWh: 700, shortfallWh: 200 })
    expect([sumOf(buyer), sumOf(seller)]).toEqual([0, 0])
    await eventually('the neighbour has the receipt', () => neighbour.books.receipts(2).length === 1)
    expect(neighbour.books.receipts(1)).toEqual([sold?.receipt])
    expect(seller.trading.settling(1)).toEqual([])
    expect(seller.trading.unsettled(1)).toEqual([])
  } finally {
    await Promise.all(roads.map(road => road.stop()))
  }
})
