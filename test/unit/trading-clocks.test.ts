import { describe, expect, test } from 'vitest'
import { balances } from '../../src/domains/books/ledger.ts'
import { agreedTrade, holdBack, OK } from '../support/agreed-trade.ts'
import { ALL, createTown, type Party, RESERVATION_MS, SEARCH_MS, type Sent, SLOT } from '../support/two-markets.ts'

const MINUTE_MS = 60_000
const APART_MS = 5 * MINUTE_MS
/** How far the buyer's market clock is before the seller's. */
const AHEAD = [
  ['ahead', APART_MS],
  ['behind', -APART_MS],
] as const

type Town = ReturnType<typeof createTown>

/** Both sides know the market; the buyer's clock is wrong by so much. */
function pair(aheadMs: number) {
  const town = createTown(['buyer', 'seller'])
  const [buyer, seller] = town.parties as [Party, Party]
  town.setMarketClock(buyer, aheadMs)
  town.offer(seller)
  town.settle()
  return { town, buyer, seller }
}

const until = (town: Town, atMs: number): void => town.pass(atMs - town.now())

/** Whatever is said and waited for comes to its end. */
function comeToRest(town: Town): void {
  for (let i = 0; i < 12; i++) {
    town.settle()
    town.pass(RESERVATION_MS)
  }
}

/** No contract stands on one side alone, and nothing is sold. */
function nothingAgreed(...parties: Party[]): void {
  for (const { store, books } of parties) {
    expect(store.trades(ALL).filter(({ contract }) => contract !== undefined)).toEqual([])
    expect(store.trades(ALL).filter(({ state }) => ['reserved', 'confirming', 'active'].includes(state))).toEqual([])
    expect(books.batches(ALL)).toEqual([])
  }
}

describe('market clocks five minutes apart, at gate closure', () => {
  test('a slot that has begun for its seller is not sold to a buyer for whom it has not', () => {
    const { town, buyer, seller } = pair(-APART_MS)
    until(town, SLOT.startMs + MINUTE_MS)
    const need = town.want(buyer)
    comeToRest(town)
    nothingAgreed(buyer, seller)
    expect(buyer.store.need(need)?.state).toBe('failed')
  })

  test('a slot that begins for the buyer while it searches is not bought, though its seller still sells it', () => {
    const { town, buyer, seller } = pair(APART_MS)
    until(town, SLOT.startMs - APART_MS - SEARCH_MS / 2)
    const need = town.want(buyer)
    comeToRest(town)
    nothingAgreed(buyer, seller)
    expect(buyer.store.need(need)).toMatchObject({ state: 'failed', reason: 'the slot has begun' })
  })

  test('the gate closes for the seller between its terms and the buyer’s signature: no contract, on neither side', () => {
    const { town, buyer, seller } = pair(-APART_MS)
    until(town, SLOT.startMs - 2 * SEARCH_MS)
    town.want(buyer)
    town.settle()
    town.pass(SEARCH_MS)
    const [confirm] = holdBack(town, 'confirm') as [Sent]
    expect(seller.store.tradesInState('reserved')).toHaveLength(1)
    until(town, SLOT.startMs)
    expect(town.deliver(confirm, seller)).toMatchObject({ error: { code: 'BIZ_QUOTE_EXPIRED_OR_CHANGED' } })
    comeToRest(town)
    nothingAgreed(buyer, seller)
  })

  test('the gate closes for the buyer after it has signed: the seller’s signature binds it all the same', () => {
    const { town, buyer, seller } = pair(APART_MS)
    until(town, SLOT.startMs - APART_MS - 2 * SEARCH_MS)
    town.want(buyer)
    town.settle()
    town.pass(SEARCH_MS)
    const [confirmed] = holdBack(town, 'on_confirm') as [Sent]
    until(town, SLOT.startMs - APART_MS)
    expect(town.deliver(confirmed, buyer)).toMatchObject({ status: 'ACK' })
    const [sold, bought] = [seller, buyer].map(({ store }) => store.tradesInState('active')[0]?.contract)
    expect(sold).toBeDefined()
    expect(bought).toEqual(sold)
  })

  test.each(AHEAD)('an agreed trade is not cancelled once it has begun for either (the buyer %s)', (_, aheadMs) => {
    const { town, buyer, seller, id, bought, sold } = agreedTrade()
    town.setMarketClock(buyer, aheadMs)
    until(town, SLOT.startMs + (aheadMs < 0 ? MINUTE_MS : -MINUTE_MS))
    const answer = town.keep(buyer, buyer.trading.cancelTrade(id))
    comeToRest(town)
    // Who is behind asks, and is refused by the other; who is ahead does not ask.
    const refused = { to: buyer.self, type: 'beckn.cancel', code: 'BIZ_INVALID_STATE_TRANSITION' }
    expect(town.refusals).toEqual(aheadMs < 0 ? [refused] : [])
    expect(answer.status).toBe(aheadMs < 0 ? 'ACK' : 'NACK')
    expect([bought().state, sold().state]).toEqual(['active', 'active'])
    expect(bought().contract).toEqual(sold().contract)
    expect(seller.books.batches(ALL)).toEqual([])
  })

  test('a curtailment that comes after the gate of its buyer changes nothing: both settle what they had agreed', () => {
    const { town, buyer, seller, id, bought, sold, deliver } = agreedTrade()
    town.setMarketClock(buyer, APART_MS)
    until(town, SLOT.startMs - MINUTE_MS)
    expect(town.keep(seller, seller.trading.curtailTrade(id, { energyWh: 100, reason: 'GRID_OUTAGE' }))).toMatchObject({
      status: 'ACK',
    })
    town.settle()
    expect(town.refusals).toMatchObject([{ to: seller.self, code: 'BIZ_QUOTE_EXPIRED_OR_CHANGED' }])
    deliver(OK(1_000, 0), OK(0, 1_000))
    comeToRest(town)
    expect([bought(), sold()]).toMatchObject([
      { state: 'settled', energyWh: 1_000 },
      { state: 'settled', energyWh: 1_000 },
    ])
    expect(bought().settlement).toEqual(sold().settlement)
  })
})

describe('market clocks five minutes apart, at settlement', () => {
  test.each(AHEAD)(
    'nothing is booked before the slot is over for both, and then once and alike (the buyer %s)',
    (_, aheadMs) => {
      const { town, buyer, seller, bought, sold } = agreedTrade()
      town.setMarketClock(buyer, aheadMs)
      buyer.meter = OK(900, 0)
      seller.meter = OK(0, 800)
      const endMs = SLOT.startMs + SLOT.durationMs
      const [firstMs, lastMs] = [endMs - Math.max(0, aheadMs), endMs - Math.min(0, aheadMs)]
      for (let atMs = firstMs; atMs < lastMs; atMs += MINUTE_MS) {
        until(town, atMs)
        town.settle()
        expect([bought().state, sold().state]).toEqual(['active', 'active'])
        expect([buyer.books.batches(ALL), seller.books.batches(ALL)]).toEqual([[], []])
      }
      until(town, lastMs)
      comeToRest(town)
      expect([bought().state, sold().state]).toEqual(['settled', 'settled'])
      expect(bought().settlement).toEqual(sold().settlement)
      expect(sold().settlement).toMatchObject({ finalWh: 800 })
      expect(bought().receipt).toEqual(sold().receipt)
      const books = [buyer, seller].map(({ books }) => books.batches(ALL))
      for (const batches of books) {
        expect(batches).toHaveLength(1)
        expect([...balances(batches).values()].reduce((sum, micro) => sum + micro, 0)).toBe(0)
      }
      const owed = balances(books[0] ?? []).get(`neighbour:${seller.self}`) ?? 0
      expect(owed).toBeLessThan(0)
      expect(balances(books[1] ?? []).get(`neighbour:${buyer.self}`)).toBe(-owed)
    },
  )
})
