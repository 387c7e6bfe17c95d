import { expect, test, vi } from 'vitest'
import { balances } from '../../src/domains/trading/settlement/ledger.ts'
import { identityFromSeed } from '../../src/protocol/keys.ts'
import { eventually } from '../support/network-hosts.ts'
import { createWire, openRoad, type Road } from '../support/road.ts'
import { seedNamed } from '../support/senders.ts'
import { scratch } from '../support/storm.ts'

vi.setConfig({ testTimeout: 60_000 })

/** Market time as this test lets it pass. */
function marketOf(startMs: number) {
  let nowMs = startMs
  return {
    now: () => nowMs,
    pass(ms: number): void {
      nowMs += ms
    },
  }
}

const HOUR_MS = 3_600_000
const sumOf = (road: Road): number =>
  [...balances(road.storage.trading.batches(100)).values()].reduce((sum, micro) => sum + micro, 0)

test('over the road and the database: a late joiner pulls the catalogs, buys, is delivered, and both books close alike', async () => {
  using folder = scratch()
  const market = marketOf(Date.UTC(2026, 5, 1, 12))
  const slot = { startMs: market.now() + HOUR_MS, durationMs: HOUR_MS }
  const wire = createWire()
  const open = async (name: string, metered: { importWh: number; exportWh: number }): Promise<Road> => {
    const seed = seedNamed(name)
    const home = folder.path(name)
    const reading = { ...metered, quality: 'OK' } as const
    const meter = () => (market.now() >= slot.startMs + slot.durationMs ? reading : undefined)
    const road = await openRoad({
      home,
      seed,
      network: wire.networkOf(identityFromSeed(seed).peerId),
      marketNow: market.now,
      metered: meter,
    })
    wire.join(road)
    await road.start()
    return road
  }
  const roads: Road[] = []
  try {
    const seller = await open('seller', { importWh: 0, exportWh: 700 })
    const neighbour = await open('neighbour', { importWh: 0, exportWh: 0 })
    roads.push(seller, neighbour)
    const offers = [{ offerId: 'noon', slot, priceMicro: 100_000, availableWh: 1_000 }]
    await seller.commit(() =>
      seller.trading.publishCatalog({
        seller: seller.self,
        version: Date.now(),
        role: 'household',
        sourceType: 'SOLAR',
        currency: 'USD',
        validUntilMs: Date.now() + HOUR_MS,
        offers,
      }),
    )
    await eventually('the neighbour has heard it', () => neighbour.trading.offers({}).length === 1)

    const buyer = await open('buyer', { importWh: 900, exportWh: 0 })
    roads.push(buyer)
    await buyer.commit(() => buyer.trading.joined(neighbour.self))
    await eventually('the late joiner has it from the neighbour', () => buyer.trading.offers({ slot }).length === 1)

    const id = crypto.randomUUID()
    await buyer.commit(() => buyer.trading.buy({ id, slot, energyWh: 1_000, maxPriceMicro: 100_000, reason: 'a test' }))
    await eventually('it is bought', () => buyer.storage.trading.need(id)?.state === 'bought')
    market.pass(2 * HOUR_MS)
    const settled = (road: Road) => road.storage.trading.tradesInState('settled')
    await eventually('both have settled', () => settled(buyer).length === 1 && settled(seller).length === 1, 30_000)

    const [bought, sold] = [settled(buyer)[0], settled(seller)[0]]
    expect(bought?.settlement).toEqual(sold?.settlement)
    expect(sold?.settlement).toMatchObject({ finalWh: 700, shortfallWh: 200 })
    expect([sumOf(buyer), sumOf(seller)]).toEqual([0, 0])
    await eventually('the neighbour has the receipt', () => neighbour.storage.trading.receipts(2).length === 1)
    expect(neighbour.storage.trading.receipts(1)).toEqual([sold?.receipt])
    expect(seller.storage.trading.settling(1)).toEqual([])
    expect(seller.storage.trading.unsettled(1)).toEqual([])
  } finally {
    await Promise.all(roads.map(road => road.stop()))
  }
})
