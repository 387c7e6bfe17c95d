import { expect, test } from 'vitest'
import { booksDomain } from '../../src/domains/books/books.ts'
import type { AgreedContract, BooksFact } from '../../src/domains/books/facts.ts'
import { FIRST, type StatementBody } from '../../src/domains/books/signed-statement.ts'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import type { Receipt } from '../../src/protocol/contract.ts'
import { openPeer, openStoreOf } from '../support/open-domain.ts'

const slot = { startMs: 900_000, durationMs: 900_000 }

/** What the books keep, in SQLite in memory. */
function open(clock: Clock = systemClock) {
  const { storage, close } = openPeer({ clock })
  const { read, apply, forget } = openStoreOf(booksDomain, storage)
  const keep = (...facts: BooksFact[]): void => {
    for (const fact of facts) apply(fact)
  }
  return { storage, store: read, keep, forget: (nowMs: number) => forget?.(nowMs, 1_000), [Symbol.dispose]: close }
}

test('keeps the books by neighbour, receipts by contract, and one proposal a neighbour until it is agreed', () => {
  using kept = open()
  const [one, two] = ['one' as PeerId, 'two' as PeerId]
  const batch = (id: string, counterparty: PeerId): BooksFact => ({
    kind: 'books.entry',
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
  kept.keep(batch('c', one), batch('d', two), { kind: 'books.receipt', receipt }, { kind: 'books.receipt', receipt })
  kept.keep({ kind: 'books.proposal', counterparty: two, proposal })
  expect(kept.store.batchesWith(one).map(({ id }) => id)).toEqual(['c'])
  expect(kept.store.receipts(9)).toEqual([receipt])
  expect(kept.store.proposedStatement(two)).toEqual(proposal)
  const statement = { body, signatures: { creditor: '', debtor: '' } }
  kept.keep({ kind: 'books.statement', counterparty: two, statement })
  expect(kept.store.statementsWith(two)).toEqual([statement])
  expect(kept.store.statementsWith(one)).toEqual([])
  expect(kept.store.proposedStatement(two)).toBeUndefined()
})

test('keeps beside a receipt what others claim of the same contract', () => {
  using kept = open()
  const receipt = (buyer: string, settledWh: number): Receipt => ({
    body: { contractHash: 'h', slot, buyer: buyer as PeerId, seller: 'two' as PeerId, settledWh, quality: 'OK' },
    signatures: { buyer: '', seller: '' },
  })
  kept.keep(
    { kind: 'books.receipt', receipt: receipt('one', 1) },
    { kind: 'books.receipt', receipt: receipt('thief', 9) },
  )
  expect(kept.store.receipts(9)).toHaveLength(2)
  expect(kept.store.receipts(9)).toContainEqual(receipt('one', 1))
})

test('finds the contracts that are not settled by when their slot begins', () => {
  using kept = open()
  const counterparty = 'one' as PeerId
  for (const startMs of [900_000, 1_800_000, 2_700_000]) {
    const contractId = `at ${startMs}`
    const contract: AgreedContract = {
      contractId,
      counterparty,
      role: 'seller',
      slot: { ...slot, startMs },
      energyWh: 1,
      priceMicro: 1,
    }
    kept.keep({ kind: 'books.agreed', contract })
  }
  kept.keep({
    kind: 'books.entry',
    batch: { id: 'at 1800000', counterparty, atMs: 1, kind: 'settlement', description: '', postings: [] },
  })
  const between = (fromMs: number, beforeMs: number) =>
    kept.store.unsettledBetween(fromMs, beforeMs).map(({ contractId }) => contractId)
  expect(between(900_000, 2_700_000)).toEqual(['at 900000'])
  expect(between(0, 2_700_001)).toEqual(['at 900000', 'at 2700000'])
})

test('of receipts the newest are kept, however many strangers send', async () => {
  let nowMs = 0
  using kept = open({ now: () => ++nowMs, sleep: systemClock.sleep })
  const receipts = Array.from({ length: 20_100 }, (_, i): BooksFact => {
    const [buyer, seller] = ['one', 'two'] as PeerId[] as [PeerId, PeerId]
    const body = { contractHash: `${i}`, slot, buyer, seller, settledWh: 1, quality: 'OK' } as const
    return { kind: 'books.receipt', receipt: { body, signatures: { buyer: '', seller: '' } } }
  })
  await kept.storage.write(() => kept.keep(...receipts))
  await kept.storage.write(() => kept.forget(0))
  const left = kept.store.receipts(30_000).map(({ body }) => Number(body.contractHash))
  expect(left.length).toBeLessThan(20_010)
  expect(Math.max(...left)).toBe(20_099)
})
