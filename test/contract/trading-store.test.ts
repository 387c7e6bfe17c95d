import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import type { PeerId, TaskId } from '../../src/kernel/ids.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import { openStorage } from '../../src/storage/storage.ts'
import type { TradingStore } from '../../src/trading/market.ts'
import type { Catalog, Need, Trade, TradingFact } from '../../src/trading/trade.ts'
import { scratch } from '../support/storm.ts'
import { memoryStore } from '../support/two-markets.ts'

interface Kept extends Disposable {
  readonly store: TradingStore
  keep(...facts: TradingFact[]): Promise<void>
}

/** The unit tests of trading stand on the memory store, so it must do what storage does. */
const implementations: [string, () => Kept][] = [
  [
    'in memory',
    () => {
      const store = memoryStore()
      return { store, keep: async (...facts) => store.apply(facts), [Symbol.dispose]: () => undefined }
    },
  ],
  [
    'in SQLite',
    () => {
      const folder = scratch()
      const storage = openStorage(folder.path('db'), { clock: systemClock, metrics: createMetrics() })
      return {
        store: storage.trading,
        keep: (...facts) => storage.write(() => storage.apply(facts)),
        [Symbol.dispose]() {
          storage.stop()
          folder[Symbol.dispose]()
        },
      }
    },
  ],
]

const slot = { startMs: 900_000, durationMs: 900_000 }
const trade = (id: string, more: Partial<Trade> = {}): TradingFact => ({
  kind: 'trade',
  trade: {
    ...{ transactionId: id as TaskId, role: 'seller', counterparty: 'peer' as PeerId, offerId: 'noon', slot },
    ...{ energyWh: 1, priceMicro: 1, gridFeeMicro: 0, state: 'quoted', deadlineMs: 0, startedMs: 0 },
    ...more,
  },
})
const need = (id: string, state: Need['state']): TradingFact => ({
  kind: 'need',
  need: {
    ...{ id, slot, energyWh: 1, maxPriceMicro: 1, state, answered: [], searchUntilMs: 0, ranked: [], tried: 0 },
    ...{ createdMs: 0, reason: '' },
  },
})
const catalog = (seller: string, version: number): TradingFact => ({
  kind: 'catalog',
  catalog: {
    ...{ seller: seller as PeerId, version, role: 'household', sourceType: 'SOLAR', currency: 'USD', validUntilMs: 9 },
    offers: [],
  } satisfies Catalog,
})

describe.each(implementations)('a trading store %s', (_, open) => {
  test('gives back what was kept last under a key', async () => {
    using kept = open()
    await kept.keep(catalog('a', 1), catalog('b', 1), trade('t', { state: 'quoted' }), need('n', 'searching'))
    await kept.keep(catalog('a', 2), trade('t', { state: 'active' }), need('n', 'bought'))
    expect(kept.store.catalog('a' as PeerId)?.version).toBe(2)
    expect(
      kept.store
        .catalogs()
        .map(({ seller }) => seller)
        .toSorted(),
    ).toEqual(['a', 'b'])
    expect(kept.store.catalogCount()).toBe(2)
    expect({ kind: 'trade', trade: kept.store.trade('t' as TaskId) }).toEqual(trade('t', { state: 'active' }))
    expect({ kind: 'need', need: kept.store.need('n') }).toEqual(need('n', 'bought'))
  })

  test('knows nothing under a key nobody used', () => {
    using kept = open()
    expect(kept.store.catalog('a' as PeerId)).toBeUndefined()
    expect(kept.store.trade('t' as TaskId)).toBeUndefined()
    expect(kept.store.need('n')).toBeUndefined()
    expect(kept.store.catalogCount()).toBe(0)
  })

  test('finds trades and needs by their state, and only there', async () => {
    using kept = open()
    await kept.keep(trade('one', { state: 'reserved' }), trade('two', { state: 'active' }), need('n', 'searching'))
    await kept.keep(trade('one', { state: 'active' }))
    expect(kept.store.tradesInState('reserved')).toEqual([])
    expect(
      kept.store
        .tradesInState('active')
        .map(({ transactionId }) => transactionId)
        .toSorted(),
    ).toEqual(['one', 'two'])
    expect(kept.store.needsInState('searching').map(({ id }) => id)).toEqual(['n'])
    expect(kept.store.needsInState('failed')).toEqual([])
  })

  test('finds this peer’s sales of an offer, not its purchases of an offer of that name', async () => {
    using kept = open()
    await kept.keep(trade('sold'), trade('bought', { role: 'buyer' }), trade('other', { offerId: 'evening' }))
    expect(kept.store.tradesOfOffer('noon').map(({ transactionId }) => transactionId)).toEqual(['sold'])
  })
})
