import { expect, test } from 'vitest'
import { balances, neighbourAccount } from '../../src/domains/books/ledger.ts'
import type { Trade } from '../../src/domains/trading/trade.ts'
import { type Random, seededRandom } from '../../src/kernel/random.ts'
import type { Metered } from '../../src/protocol/contract.ts'
import { hastyClock, leapingClock } from '../support/leaping-clock.ts'
import { createMemoryNetwork, type Fate } from '../support/memory-network.ts'
import { eventually } from '../support/network-hosts.ts'
import { seedNamed } from '../support/open-domain.ts'
import { openRoad, type Road } from '../support/road.ts'
import { catalogFact } from '../support/senders.ts'
import { scratch, seedOf } from '../support/storm.ts'

const BUYERS = 4
const NEEDS_EACH = 15
const TRADE_WH = 100
/** Not enough for everybody. */
const OFFERED_WH = 4_050
/** What the meters see of the slot: neither side does all it promised, so that energy is divided and made good. */
const SEEN: Readonly<Record<'seller' | 'buyer', Metered>> = {
  seller: { importWh: 0, exportWh: 3_333, quality: 'OK' },
  buyer: { importWh: 901, exportWh: 0, quality: 'OK' },
}
const DAY_MS = 24 * 60 * 60_000

function badLuck(random: Random): () => Fate {
  return () => {
    const luck = random()
    if (luck < 0.2) return 'is lost'
    if (luck < 0.35) return 'its answer is lost'
    return luck < 0.5 ? 'arrives twice' : 'arrives'
  }
}

test('over a network that loses and doubles messages no kWh is sold or booked twice, and both sides agree on every contract', async () => {
  using folder = scratch()
  const random = seededRandom(seedOf('lossy trade'))
  const transport = createMemoryNetwork({ fate: badLuck(random) })
  const clock = leapingClock(hastyClock(10))
  const roads: Road[] = []
  try {
    for (const name of ['seller', ...Array.from({ length: BUYERS }, (_, i) => `buyer-${i}`)]) {
      const seen = name === 'seller' ? SEEN.seller : SEEN.buyer
      const road = await openRoad({
        home: folder.path(name),
        seed: seedNamed(name),
        transport,
        clock,
        random,
        inZone: false,
        flags: {
          'market.reservationMs': 60_000,
          'market.stepTimeoutMs': 60_000,
          'market.slotMs': SLOT.durationMs,
        },
        metered: slot => (slot.startMs + slot.durationMs <= clock.now() ? seen : undefined),
      })
      roads.push(road)
      await road.start()
    }
    const [seller, ...buyers] = roads as [Road, ...Road[]]
    await offer(seller, roads)
    await Promise.all(buyers.map(buyer => want(buyer)))
    await eventually('every need has ended', () => buyers.every(ended), 60_000)
    await eventually('everything is delivered', () => roads.every(nothingWaits), 60_000)
    holds(seller, buyers)

    clock.leap(3 * DAY_MS)
    await eventually('everything is settled', () => roads.every(isSettled), 60_000)
    await eventually('everything is delivered', () => roads.every(nothingWaits), 60_000)
    balanced(seller, buyers)
  } finally {
    await Promise.all(roads.map(road => road.stop()))
  }
}, 120_000)

function holds(seller: Road, buyers: readonly Road[]): void {
  const sold = seller.trading.tradesInState('active')
  // The scarce is sold to its end, and not beyond.
  expect(sold.reduce((sum, { energyWh }) => sum + energyWh, 0)).toBe(OFFERED_WH)
  const bought = buyers.flatMap(buyer => buyer.trading.tradesInState('active'))
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

/** Each delivery is booked once on each side, as the same settlement; what one is owed the other owes; all sums are zero. */
function balanced(seller: Road, buyers: readonly Road[]): void {
  const sales = seller.trading.tradesInState('settled')
  const settlements = new Map(sales.map(trade => [trade.transactionId, trade.settlement]))
  const finalWh = deliveredWh(sales)
  expect(finalWh).toBeGreaterThan(0)
  expect(finalWh).toBeLessThanOrEqual(SEEN.seller.exportWh)
  for (const buyer of buyers) {
    const purchases = buyer.trading.tradesInState('settled')
    for (const trade of purchases) {
      expect(trade.settlement).toEqual(settlements.get(trade.transactionId))
      expect(trade.receipt?.signatures).toEqual(
        seller.trading.sale(trade.transactionId, buyer.self)?.receipt?.signatures,
      )
    }
    expect(deliveredWh(purchases)).toBeLessThanOrEqual(SEEN.buyer.importWh)
    expect(owed(seller, buyer) + owed(buyer, seller)).toBe(0)
    expect(owed(seller, buyer)).toBeGreaterThan(0)
  }
  for (const { trading, books } of [seller, ...buyers]) {
    const batches = books.batches(1_000)
    expect(batches.map(({ id }) => id).toSorted()).toEqual(
      trading
        .tradesInState('settled')
        .flatMap(({ contract }) => contract?.terms.contractId ?? [])
        .toSorted(),
    )
    for (const { postings } of batches) expect(postings.reduce((sum, { micro }) => sum + micro, 0)).toBe(0)
    expect(books.accounts().reduce((sum, { micro }) => sum + micro, 0)).toBe(0)
  }
}

const deliveredWh = (trades: readonly Trade[]): number =>
  trades.reduce((sum, { settlement }) => sum + (settlement?.finalWh ?? 0), 0)

/** What that one owes this one. */
const owed = (here: Road, there: Road): number =>
  balances(here.books.batches(1_000)).get(neighbourAccount(there.self)) ?? 0

const isSettled = ({ trading }: Road): boolean =>
  [...trading.unsettled(1), ...trading.settling(1), ...trading.tradesInState('active')].length === 0

async function offer(seller: Road, roads: readonly Road[]): Promise<void> {
  const validUntilMs = Date.now() + 3_600_000
  const fact = catalogFact({ seller: seller.self, validUntilMs, offer: { slot: SLOT, availableWh: OFFERED_WH } })
  for (const road of roads) await road.keep(fact)
}

const SLOT = { startMs: Math.ceil(Date.now() / 3_600_000 + 24) * 3_600_000, durationMs: 3_600_000 }

async function want(buyer: Road): Promise<void> {
  for (let i = 0; i < NEEDS_EACH; i++) {
    await buyer.asked.buy({ slotStartMs: SLOT.startMs, energyWh: TRADE_WH, maxPriceMicro: 200_000 })
  }
}

const ended = ({ trading }: Road): boolean =>
  trading.needs(1_000).every(({ state }) => state === 'bought' || state === 'part' || state === 'failed') &&
  (['selecting', 'quoted', 'confirming'] as const).every(state => trading.tradesInState(state).length === 0)

const nothingWaits = ({ storage }: Road): boolean => storage.messages.waitingRecipients().length === 0
