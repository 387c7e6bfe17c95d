import { describe, expect, test } from 'vitest'
import type { TradingStore } from '../../src/domains/trading/market.ts'
import type { Receipt } from '../../src/domains/trading/settlement/receipt.ts'
import { FIRST, type StatementBody } from '../../src/domains/trading/settlement/signed-statement.ts'
import type { Catalog, Need, Trade, TradingFact } from '../../src/domains/trading/trade.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { PeerId, TaskId } from '../../src/kernel/ids.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import type { Envelope } from '../../src/protocol/envelope.ts'
import { openStorage } from '../../src/storage/storage.ts'
import { scratch } from '../support/storm.ts'
import { memoryStore } from '../support/two-markets.ts'

interface Kept extends Disposable {
  readonly store: TradingStore & { receipts(limit: number): Receipt[] }
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
    transactionId: id as TaskId,
    role: 'seller',
    counterparty: 'peer' as PeerId,
    offerId: 'noon',
    slot,
    energyWh: 1,
    priceMicro: 1,
    gridFeeMicro: 0,
    state: 'quoted',
    deadlineMs: 0,
    startedMs: 0,
    ...more,
  },
})
const need = (id: string, state: Need['state']): TradingFact => ({
  kind: 'need',
  need: {
    id,
    slot,
    energyWh: 1,
    maxPriceMicro: 1,
    state,
    answered: [],
    searchUntilMs: 0,
    ranked: [],
    tried: 0,
    createdMs: 0,
    reason: '',
    boughtWh: 0,
    steps: [],
  },
})
const catalog = (seller: string, version: number): TradingFact => ({
  kind: 'catalog',
  catalog: {
    seller: seller as PeerId,
    version,
    role: 'household',
    sourceType: 'SOLAR',
    currency: 'USD',
    validUntilMs: 9,
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
    expect({ kind: 'trade', trade: kept.store.sale('t' as TaskId, 'peer' as PeerId) }).toEqual(
      trade('t', { state: 'active' }),
    )
    expect({ kind: 'need', need: kept.store.need('n') }).toEqual(need('n', 'bought'))
  })

  test('knows nothing under a key nobody used', () => {
    using kept = open()
    expect(kept.store.catalog('a' as PeerId)).toBeUndefined()
    expect(kept.store.trade('t' as TaskId)).toBeUndefined()
    expect(kept.store.need('n')).toBeUndefined()
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

  test('finds the sales that hold energy of an offer, not purchases of an offer of that name', async () => {
    using kept = open()
    const state = 'active'
    await kept.keep(
      trade('sold', { state }),
      trade('bought', { state, role: 'buyer' }),
      trade('other', { state, offerId: 'evening' }),
    )
    await kept.keep(trade('kept', { state: 'reserved' }), trade('over', { state: 'settled' }))
    const fruitless = ['quoted', 'expired', 'cancelled', 'refused'] as const
    await kept.keep(...fruitless.map(none => trade(none, { state: none })))
    await kept.keep(trade('given-up', { state: 'reserved' }))
    await kept.keep(trade('given-up', { state: 'cancelled' }))
    const ids = kept.store.tradesOfOffer('noon').map(({ transactionId }) => transactionId)
    expect(ids.toSorted()).toEqual(['kept', 'over', 'sold'])
  })

  test('keeps a sale for each buyer that names a transaction id, and a purchase of that id apart', async () => {
    using kept = open()
    const [one, two] = ['one', 'two'] as PeerId[]
    await kept.keep(
      trade('t', { counterparty: one as PeerId }),
      trade('t', { counterparty: two as PeerId, energyWh: 2 }),
    )
    expect(kept.store.purchase('t' as TaskId)).toBeUndefined()
    expect(kept.store.trade('t' as TaskId)?.role).toBe('seller')
    await kept.keep(trade('t', { role: 'buyer', energyWh: 3 }))
    expect(kept.store.sale('t' as TaskId, one as PeerId)?.energyWh).toBe(1)
    expect(kept.store.sale('t' as TaskId, two as PeerId)?.energyWh).toBe(2)
    expect(kept.store.sale('t' as TaskId, 'three' as PeerId)).toBeUndefined()
    expect(kept.store.purchase('t' as TaskId)?.energyWh).toBe(3)
    expect(kept.store.trade('t' as TaskId)?.energyWh).toBe(3)
    expect(kept.store.trade('u' as TaskId)).toBeUndefined()
  })

  test('finds the purchases of a need, and the trades of a slot', async () => {
    using kept = open()
    await kept.keep(
      trade('one', { role: 'buyer', needId: 'n', state: 'active' }),
      trade('two', { role: 'buyer', needId: 'n', state: 'expired' }),
      trade('other', { role: 'buyer', needId: 'm', state: 'active', slot: { ...slot, startMs: 0 } }),
    )
    const ids = (trades: Trade[]) => trades.map(({ transactionId }) => transactionId).toSorted()
    expect(ids(kept.store.tradesOfNeed('n'))).toEqual(['one', 'two'])
    expect(ids(kept.store.tradesOfSlot('active', slot.startMs))).toEqual(['one'])
  })

  test('tells what waits for its slot to end from what is being settled, each in its order', async () => {
    using kept = open()
    const settling = (nextMs: number) => ({ attempts: 1, nextMs, reason: '' })
    const at = (startMs: number, more: Partial<Trade> = {}): Partial<Trade> => ({
      state: 'active',
      slot: { startMs, durationMs: 1 },
      ...more,
    })
    await kept.keep(trade('late', at(2)), trade('early', at(1)), trade('open', { state: 'reserved' }))
    await kept.keep(trade('second', at(1, { settling: settling(9) })), trade('first', at(2, { settling: settling(8) })))
    const ids = (trades: Trade[]) => trades.map(({ transactionId }) => transactionId)
    expect(ids(kept.store.unsettled(9))).toEqual(['early', 'late'])
    expect(ids(kept.store.unsettled(1))).toEqual(['early'])
    expect(ids(kept.store.settling(9))).toEqual(['first', 'second'])
    await kept.keep(trade('early', at(1, { settling: settling(1) })), trade('first', at(2, { state: 'settled' })))
    expect(ids(kept.store.unsettled(9))).toEqual(['late'])
    expect(ids(kept.store.settling(9))).toEqual(['early', 'second'])
  })

  test('keeps the books by neighbour, receipts by contract, and one proposal a neighbour until it is agreed', async () => {
    using kept = open()
    const [one, two] = ['one' as PeerId, 'two' as PeerId]
    const batch = (id: string, counterparty: PeerId): TradingFact => ({
      kind: 'ledger',
      batch: { id, counterparty, atMs: 1, kind: 'settlement', description: '', postings: [] },
    })
    const body: StatementBody = {
      sequence: 1,
      previous: FIRST,
      creditor: one,
      debtor: two,
      amountMicro: 1,
      currency: 'USD',
      contracts: ['c'],
      atMs: 1,
    }
    const receipt: Receipt = {
      body: { contractHash: 'h', slot, buyer: one, seller: two, settledWh: 1, quality: 'OK' },
      signatures: { buyer: '', seller: '' },
    }
    const proposal = { body, by: one, signature: '' }
    await kept.keep(batch('c', one), batch('d', two), { kind: 'receipt', receipt }, { kind: 'receipt', receipt })
    await kept.keep({ kind: 'statement.proposed', counterparty: two, proposal })
    expect(kept.store.batchesWith(one).map(({ id }) => id)).toEqual(['c'])
    expect(kept.store.receipts(9)).toEqual([receipt])
    expect(kept.store.proposedStatement(two)).toEqual(proposal)
    const statement = { body, signatures: { creditor: '', debtor: '' } }
    await kept.keep({ kind: 'statement', counterparty: two, statement })
    expect(kept.store.statementsWith(two)).toEqual([statement])
    expect(kept.store.statementsWith(one)).toEqual([])
    expect(kept.store.proposedStatement(two)).toBeUndefined()
  })

  test('keeps beside a receipt what others claim of the same contract', async () => {
    using kept = open()
    const receipt = (buyer: string, settledWh: number): Receipt => ({
      body: { contractHash: 'h', slot, buyer: buyer as PeerId, seller: 'two' as PeerId, settledWh, quality: 'OK' },
      signatures: { buyer: '', seller: '' },
    })
    await kept.keep({ kind: 'receipt', receipt: receipt('one', 1) }, { kind: 'receipt', receipt: receipt('thief', 9) })
    expect(kept.store.receipts(9)).toHaveLength(2)
    expect(kept.store.receipts(9)).toContainEqual(receipt('one', 1))
  })

  test('keeps the signed word of a seller beside its catalog', async () => {
    using kept = open()
    const envelope = { v: 1, type: 'beckn.catalog_publish' } as Envelope
    await kept.keep({ kind: 'catalog.signed', seller: 'a' as PeerId, version: 3, envelope })
    expect(kept.store.signedCatalog('a' as PeerId)).toEqual({ version: 3, envelope })
    expect(kept.store.signedCatalog('b' as PeerId)).toBeUndefined()
  })
})

test('of receipts the newest are kept, however many strangers send', async () => {
  using folder = scratch()
  let nowMs = 0
  const storage = openStorage(folder.path('db'), {
    clock: { ...systemClock, now: () => ++nowMs },
    metrics: createMetrics(),
  })
  const receipts = Array.from({ length: 20_100 }, (_, i): TradingFact => {
    const [buyer, seller] = ['one', 'two'] as PeerId[] as [PeerId, PeerId]
    const body = { contractHash: `${i}`, slot, buyer, seller, settledWh: 1, quality: 'OK' } as const
    return { kind: 'receipt', receipt: { body, signatures: { buyer: '', seller: '' } } }
  })
  await storage.write(() => storage.apply(receipts))
  await storage.write(() => storage.forget({ ended: 0, fruitless: 0 }))
  const kept = storage.trading.receipts(30_000).map(({ body }) => Number(body.contractHash))
  expect(kept.length).toBeLessThan(20_010)
  expect(Math.max(...kept)).toBe(20_099)
  storage.stop()
})
