import { expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import { type Random, seededRandom } from '../../src/kernel/random.ts'
import { identityFromSeed } from '../../src/protocol/keys.ts'
import type { Catalog } from '../../src/trading/trade.ts'
import { eventually } from '../support/network-hosts.ts'
import { createWire, type Fate, openRoad, type Road } from '../support/road.ts'
import { seedNamed } from '../support/senders.ts'
import { scratch, seedOf } from '../support/storm.ts'

const BUYERS = 4
const NEEDS_EACH = 15
const TRADE_WH = 100
/** Not enough for everybody. */
const OFFERED_WH = 4_050

const hasty: Clock = { now: systemClock.now, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 10), signal) }

function badLuck(random: Random): () => Fate {
  return () => {
    const luck = random()
    if (luck < 0.2) return 'is lost'
    if (luck < 0.35) return 'its answer is lost'
    return luck < 0.5 ? 'arrives twice' : 'arrives'
  }
}

test('over a network that loses and doubles messages no kWh is sold twice, and both sides agree on every contract', async () => {
  using folder = scratch()
  const random = seededRandom(seedOf('lossy trade'))
  const wire = createWire(badLuck(random))
  const roads: Road[] = []
  try {
    for (const name of ['seller', ...Array.from({ length: BUYERS }, (_, i) => `buyer-${i}`)]) {
      const seed = seedNamed(name)
      const network = wire.networkOf(identityFromSeed(seed).peerId)
      const times = { reservationMs: 60_000, stepTimeoutMs: 60_000 }
      const road = await openRoad({
        home: folder.path(name),
        seed,
        network,
        clock: hasty,
        random,
        inZone: false,
        ...times,
      })
      wire.join(road)
      roads.push(road)
      await road.start()
    }
    const [seller, ...buyers] = roads as [Road, ...Road[]]
    await offer(seller, roads)
    await Promise.all(buyers.map(buyer => want(buyer)))
    await eventually('every need has ended', () => buyers.every(ended), 60_000)
    await eventually('everything is delivered', () => roads.every(nothingWaits), 60_000)
    holds(seller, buyers)
  } finally {
    await Promise.all(roads.map(road => road.stop()))
  }
}, 120_000)

function holds(seller: Road, buyers: readonly Road[]): void {
  const sold = seller.storage.trading.tradesInState('active')
  // The scarce is sold to its end, and not beyond.
  expect(sold.reduce((sum, { energyWh }) => sum + energyWh, 0)).toBe(OFFERED_WH)
  const bought = buyers.flatMap(buyer => buyer.storage.trading.tradesInState('active'))
  const contracts = new Map(sold.map(trade => [trade.transactionId, trade.contract]))
  expect(bought).toHaveLength(sold.length)
  for (const trade of bought) expect(contracts.get(trade.transactionId)).toEqual(trade.contract)

  // An accepted confirm is answered exactly once.
  const answered = seller.storage.messages
    .list({ limit: 1_000_000 })
    .filter(row => row.direction === 'out' && row.type === 'beckn.on_confirm')
    .map(row => (JSON.parse(row.envelope) as { reply_to: string }).reply_to)
  expect(answered).toHaveLength(sold.length)
  expect(new Set(answered).size).toBe(sold.length)
}

async function offer(seller: Road, roads: readonly Road[]): Promise<void> {
  const catalog: Catalog = {
    ...{ seller: seller.self, version: 1, role: 'household', sourceType: 'SOLAR', currency: 'USD' },
    validUntilMs: Date.now() + 3_600_000,
    offers: [{ offerId: 'noon', slot: SLOT, priceMicro: 100_000, availableWh: OFFERED_WH }],
  }
  for (const { storage } of roads) await storage.write(() => storage.apply([{ kind: 'catalog', catalog }]))
}

const SLOT = { startMs: Math.ceil(Date.now() / 3_600_000 + 24) * 3_600_000, durationMs: 3_600_000 }

async function want(buyer: Road): Promise<void> {
  for (let i = 0; i < NEEDS_EACH; i++) {
    const need = { id: crypto.randomUUID(), slot: SLOT, energyWh: TRADE_WH, maxPriceMicro: 200_000, reason: 'chaos' }
    await buyer.commit(() => buyer.trading.buy(need))
  }
}

const ended = ({ storage }: Road): boolean =>
  storage.trading.needs(1_000).every(({ state }) => state === 'bought' || state === 'part' || state === 'failed') &&
  (['selecting', 'quoted', 'confirming'] as const).every(state => storage.trading.tradesInState(state).length === 0)

const nothingWaits = ({ storage }: Road): boolean => storage.messages.waitingRecipients().length === 0
