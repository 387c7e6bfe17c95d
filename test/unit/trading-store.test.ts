import { expect, test } from 'vitest'
import type { Catalog, Need, Trade, TradingFact } from '../../src/domains/trading/trade.ts'
import { tradingDomain } from '../../src/domains/trading/trading.ts'
import type { PeerId, TransactionId } from '../../src/kernel/ids.ts'
import type { Envelope } from '../../src/protocol/envelope.ts'
import { openPeer, openStoreOf } from '../support/open-domain.ts'

/** What trading keeps, in SQLite in memory. */
function open() {
  const { storage, close } = openPeer()
  const { read, apply } = openStoreOf(tradingDomain, storage)
  const keep = (...facts: TradingFact[]): void => {
    for (const fact of facts) apply(fact)
  }
  return { storage, store: read, keep, [Symbol.dispose]: close }
}

const slot = { startMs: 900_000, durationMs: 900_000 }
const trade = (id: string, more: Partial<Trade> = {}): TradingFact => ({
  kind: 'trading.trade',
  trade: {
    transactionId: id as TransactionId,
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
  kind: 'trading.need',
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
  kind: 'trading.catalog',
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

test('gives back what was kept last under a key', () => {
  using kept = open()
  kept.keep(catalog('a', 1), catalog('b', 1), trade('t', { state: 'quoted' }), need('n', 'searching'))
  kept.keep(catalog('a', 2), trade('t', { state: 'active' }), need('n', 'bought'))
  expect(kept.store.catalog('a' as PeerId)?.version).toBe(2)
  expect(
    kept.store
      .catalogs()
      .map(({ seller }) => seller)
      .toSorted(),
  ).toEqual(['a', 'b'])
  expect({ kind: 'trading.trade', trade: kept.store.sale('t' as TransactionId, 'peer' as PeerId) }).toEqual(
    trade('t', { state: 'active' }),
  )
  expect({ kind: 'trading.need', need: kept.store.need('n') }).toEqual(need('n', 'bought'))
})

test('knows nothing under a key nobody used', () => {
  using kept = open()
  expect(kept.store.catalog('a' as PeerId)).toBeUndefined()
  expect(kept.store.trade('t' as TransactionId)).toBeUndefined()
  expect(kept.store.need('n')).toBeUndefined()
})

test('finds trades and needs by their state, and only there', () => {
  using kept = open()
  kept.keep(trade('one', { state: 'reserved' }), trade('two', { state: 'active' }), need('n', 'searching'))
  kept.keep(trade('one', { state: 'active' }))
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

test('knows which open trade runs out first, and forgets the deadline of one that is open no more', () => {
  using kept = open()
  kept.keep(
    trade('late', { state: 'quoted', deadlineMs: 300 }),
    trade('early', { state: 'selecting', deadlineMs: 100 }),
    trade('agreed', { state: 'active', deadlineMs: 1 }),
  )
  const overdue = (nowMs: number) => kept.store.overdue(nowMs, 9).map(({ transactionId }) => transactionId)
  expect([kept.store.firstDeadlineMs(), overdue(99), overdue(300)]).toEqual([100, [], ['early', 'late']])
  kept.keep(trade('early', { state: 'confirming', deadlineMs: 400 }))
  expect([kept.store.firstDeadlineMs(), overdue(300)]).toEqual([300, ['late']])
  kept.keep(trade('late', { state: 'expired' }), trade('early', { state: 'active' }))
  expect([kept.store.firstDeadlineMs(), overdue(1_000)]).toEqual([undefined, []])
})

test('finds the sales that hold energy of an offer, not purchases of an offer of that name', () => {
  using kept = open()
  const state = 'active'
  kept.keep(
    trade('sold', { state }),
    trade('bought', { state, role: 'buyer' }),
    trade('other', { state, offerId: 'evening' }),
  )
  kept.keep(trade('kept', { state: 'reserved' }), trade('over', { state: 'settled' }))
  const fruitless = ['quoted', 'expired', 'cancelled', 'refused'] as const
  kept.keep(...fruitless.map(none => trade(none, { state: none })))
  kept.keep(trade('given-up', { state: 'reserved' }))
  kept.keep(trade('given-up', { state: 'cancelled' }))
  const ids = kept.store.tradesOfOffer('noon').map(({ transactionId }) => transactionId)
  expect(ids.toSorted()).toEqual(['kept', 'over', 'sold'])
})

test('keeps a sale for each buyer that names a transaction id, and a purchase of that id apart', () => {
  using kept = open()
  const [one, two] = ['one', 'two'] as PeerId[]
  kept.keep(trade('t', { counterparty: one as PeerId }), trade('t', { counterparty: two as PeerId, energyWh: 2 }))
  expect(kept.store.purchase('t' as TransactionId)).toBeUndefined()
  expect(kept.store.trade('t' as TransactionId)?.role).toBe('seller')
  kept.keep(trade('t', { role: 'buyer', energyWh: 3 }))
  expect(kept.store.sale('t' as TransactionId, one as PeerId)?.energyWh).toBe(1)
  expect(kept.store.sale('t' as TransactionId, two as PeerId)?.energyWh).toBe(2)
  expect(kept.store.sale('t' as TransactionId, 'three' as PeerId)).toBeUndefined()
  expect(kept.store.purchase('t' as TransactionId)?.energyWh).toBe(3)
  expect(kept.store.trade('t' as TransactionId)?.energyWh).toBe(3)
  expect(kept.store.trade('u' as TransactionId)).toBeUndefined()
})

test('finds the purchases of a need, and the trades of a slot', () => {
  using kept = open()
  kept.keep(
    trade('one', { role: 'buyer', needId: 'n', state: 'active' }),
    trade('two', { role: 'buyer', needId: 'n', state: 'expired' }),
    trade('other', { role: 'buyer', needId: 'm', state: 'active', slot: { ...slot, startMs: 0 } }),
  )
  const ids = (trades: Trade[]) => trades.map(({ transactionId }) => transactionId).toSorted()
  expect(ids(kept.store.tradesOfNeed('n'))).toEqual(['one', 'two'])
  expect(ids(kept.store.tradesOfSlot('active', slot.startMs))).toEqual(['one'])
})

test('tells what waits for its slot to end from what is being settled, each in its order', () => {
  using kept = open()
  const settling = (nextMs: number) => ({ attempts: 1, nextMs, reason: '' })
  const at = (startMs: number, more: Partial<Trade> = {}): Partial<Trade> => ({
    state: 'active',
    slot: { startMs, durationMs: 1 },
    ...more,
  })
  kept.keep(trade('late', at(2)), trade('early', at(1)), trade('open', { state: 'reserved' }))
  kept.keep(trade('second', at(1, { settling: settling(9) })), trade('first', at(2, { settling: settling(8) })))
  const ids = (trades: Trade[]) => trades.map(({ transactionId }) => transactionId)
  expect(ids(kept.store.unsettled(9))).toEqual(['early', 'late'])
  expect(ids(kept.store.unsettled(1))).toEqual(['early'])
  expect(ids(kept.store.settling(9))).toEqual(['first', 'second'])
  kept.keep(trade('early', at(1, { settling: settling(1) })), trade('first', at(2, { state: 'settled' })))
  expect(ids(kept.store.unsettled(9))).toEqual(['late'])
  expect(ids(kept.store.settling(9))).toEqual(['early', 'second'])
})

test('keeps the signed word of a seller beside its catalog', () => {
  using kept = open()
  const envelope = { v: 1, type: 'beckn.catalog_publish' } as Envelope
  kept.keep({ kind: 'trading.catalog.signed', seller: 'a' as PeerId, version: 3, envelope })
  expect(kept.store.signedCatalog('a' as PeerId)).toEqual({ version: 3, envelope })
  expect(kept.store.signedCatalog('b' as PeerId)).toBeUndefined()
})
test('a catalog is found by its slot, and forgotten again when the write that brought it is undone', async () => {
  using kept = open()
  const known = (): PeerId[] => kept.store.index.catalogs().map(({ seller }) => seller)
  const undone = kept.storage.write(() => {
    kept.keep(catalog('a', 1))
    expect(known()).toEqual(['a'])
    throw new TypeError('a bug')
  })
  await expect(undone).rejects.toThrow('a bug')
  expect([known(), kept.store.catalogs()]).toEqual([[], []])
  await kept.storage.write(() => kept.keep(catalog('b', 1)))
  expect(known()).toEqual(['b'])
})
