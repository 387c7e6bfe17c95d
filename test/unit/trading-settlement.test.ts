import { describe, expect, test } from 'vitest'
import { balances, balanceWith } from '../../src/domains/books/ledger.ts'
import { receiptIsGood } from '../../src/domains/books/receipt.ts'
import { proposalSchema, statementText } from '../../src/domains/books/signed-statement.ts'
import { contractMessage, readContract } from '../../src/domains/trading/beckn/contract-body.ts'
import type { JsonObject } from '../../src/kernel/outcome.ts'
import { seededRandom } from '../../src/kernel/random.ts'
import { agreedTrade, holdBack, OK, withMessage } from '../support/agreed-trade.ts'
import { ALL, type Party, SEARCH_MS, SLOT } from '../support/two-markets.ts'

const nack = (code: string) => ({ status: 'NACK', error: { code } })
const only = <T>(items: readonly T[]): T => {
  expect(items).toHaveLength(1)
  return items[0] as T
}
const sumOf = (party: Party): number =>
  [...balances(party.books.batches(ALL)).values()].reduce((sum, one) => sum + one, 0)

describe('what was delivered', () => {
  test('is settled by the smaller of the two meters, alike on both sides, and the books sum to zero', () => {
    const { town, buyer, seller, bought, sold, deliver } = agreedTrade(['neighbour'])
    deliver(OK(900, 0), OK(0, 700))
    town.settle()
    expect(bought().state).toBe('settled')
    expect(bought().settlement).toEqual(sold().settlement)
    expect(sold().settlement).toMatchObject({ finalWh: 700, shortfallWh: 200, quality: 'OK' })
    expect(sold().settlement?.flows.reduce((sum, { micro }) => sum + micro, 0)).toBe(0)
    expect([sumOf(buyer), sumOf(seller)]).toEqual([0, 0])
    expect(balanceWith(seller.books.batches(ALL), buyer.self)).toBe(-balanceWith(buyer.books.batches(ALL), seller.self))
    expect(only(buyer.books.batches(ALL))).toMatchObject({ id: sold().contract?.terms.contractId })
  })

  test('ends in a receipt that everybody can check, and that names no price and no meter', () => {
    const { town, buyer, seller, bought, sold, deliver } = agreedTrade(['neighbour'])
    deliver(OK(1_000, 0), OK(0, 1_000))
    town.settle()
    const neighbour = town.parties[2] as Party
    const receipt = only(neighbour.books.receipts(ALL))
    expect([bought().receipt, sold().receipt]).toEqual([receipt, receipt])
    expect(receiptIsGood(receipt, neighbour.market.verify)).toBe(true)
    expect(Object.keys(receipt.body).toSorted()).toEqual(
      ['buyer', 'contractHash', 'quality', 'seller', 'settledWh', 'slot'].toSorted(),
    )
    const published = only(town.sent.filter(({ draft }) => draft.type === 'receipt.published'))
    expect(published.draft).toMatchObject({ carrier: 'receipts' })
    const forged = { receipt: { ...receipt, body: { ...receipt.body, settledWh: 1 } } } as never
    const answer = (from: Party, payload: never) =>
      town.deliver({ from, draft: { ...published.draft, payload } }, neighbour)
    expect(answer(buyer, forged)).toMatchObject(nack('AUT_SIGNATURE_INVALID'))
    expect(answer(neighbour, { receipt } as never)).toMatchObject(nack('AUT_UNAUTHORIZED_ACTION'))
    expect(answer(seller, { receipt, more: 1 } as never)).toMatchObject(nack('SCH_INVALID'))
  })

  test('is divided pro rata among the trades of the slot', () => {
    const { town, buyer, seller, deliver, need } = agreedTrade(['second'])
    const second = town.parties[2] as Party
    town.offer(seller, { availableWh: 4_000 })
    town.want(second, 3_000)
    town.settle()
    town.pass(SEARCH_MS)
    town.settle()
    second.meter = OK(3_000, 0)
    deliver(OK(1_000, 0), OK(0, 2_000))
    town.settle()
    const settled = seller.store.tradesInState('settled')
    expect(settled.map(({ settlement }) => settlement?.finalWh)).toEqual([500, 1_500])
    expect(buyer.store.need(need)?.state).toBe('bought')
    expect([buyer, second, seller].map(sumOf)).toEqual([0, 0, 0])
  })

  test('with a substituted reading is marked as estimated', () => {
    const { town, sold, deliver } = agreedTrade()
    deliver({ importWh: 1_000, exportWh: 0, quality: 'ESTIMATED' }, OK(0, 1_000))
    town.settle()
    expect(sold()).toMatchObject({ state: 'settled', settlement: { quality: 'ESTIMATED' } })
    const said = town.sent.filter(({ draft }) => draft.type === 'beckn.update').at(-1)
    expect(JSON.stringify(said?.draft.payload)).toContain('"type":"BUYER_DISCOM_STATUS","values":["ESTIMATED"]')
  })

  test('is about the quantity both signed last', () => {
    const { town, buyer, id, sold, deliver } = agreedTrade()
    town.keep(buyer, buyer.trading.reduceTrade(id, 400))
    town.settle()
    deliver(OK(1_000, 0), OK(0, 1_000))
    town.settle()
    expect(sold()).toMatchObject({ state: 'settled', settlement: { finalWh: 400, shortfallWh: 0 } })
  })
})

describe('a side that is silent', () => {
  test.each(['buyer', 'seller'] as const)(
    '(the %s’s meter) leaves the trade unsettled with the reason, and is waited for',
    silent => {
      const { town, buyer, seller, bought, sold, deliver } = agreedTrade()
      deliver(silent === 'buyer' ? undefined : OK(1_000, 0), silent === 'seller' ? undefined : OK(0, 1_000))
      town.settle()
      const waiting = silent === 'buyer' ? bought() : sold()
      expect(waiting).toMatchObject({ state: 'active', settling: { reason: 'this peer’s meter has not spoken yet' } })
      const other = silent === 'buyer' ? sold() : bought()
      expect(other.settling?.reason).toMatch(/^the (buyer|seller) has not/)
      expect([buyer, seller].flatMap(party => party.books.batches(ALL))).toEqual([])
      deliver(OK(1_000, 0), OK(0, 1_000))
      town.pass(60_000)
      town.settle()
      town.pass(60_000)
      town.settle()
      expect([bought().state, sold().state]).toEqual(['settled', 'settled'])
    },
  )

  test.each(['on_status', 'update', 'on_update'])('is asked again, later each time, when its %s is lost', action => {
    const { town, bought, sold, deliver } = agreedTrade()
    deliver(OK(1_000, 0), OK(0, 1_000))
    holdBack(town, action)
    expect(bought().state).toBe('active')
    const waits: number[] = []
    for (let i = 0; i < 4; i++) {
      const { settling } = bought()
      waits.push((settling?.nextMs ?? 0) - town.now())
      town.pass(waits.at(-1) ?? 0)
      holdBack(town, action)
    }
    expect(bought().state).toBe('active')
    expect(waits.at(-1)).toBeGreaterThan((waits[0] ?? 0) * 2)
    town.pass(3_600_000)
    town.settle()
    expect([bought().state, sold().state]).toEqual(['settled', 'settled'])
    expect(bought().settlement).toEqual(sold().settlement)
  })

  test('never makes the other settle alone', () => {
    const { town, seller, sold, deliver } = agreedTrade()
    deliver(OK(1_000, 0), OK(0, 1_000))
    for (let i = 0; i < 20; i++) {
      town.take()
      town.pass(600_000)
    }
    expect(sold()).toMatchObject({ state: 'active' })
    expect(seller.books.batches(ALL)).toEqual([])
  })
})

describe('a settlement that differs', () => {
  /** The buyer's settling update, on its way. */
  function proposed() {
    const all = agreedTrade()
    all.deliver(OK(900, 0), OK(0, 700))
    const update = only(holdBack(all.town, 'update'))
    const said = readContract(update.draft.payload['message'])
    if (typeof said === 'string') return expect.fail(said)
    return { ...all, update, said }
  }

  test.each([
    ['another final quantity', 'BIZ_SETTLEMENT_MISMATCH', { finalWh: 600 }],
    ['more than the seller’s meter', 'POL_ALLOCATION', { finalWh: 800 }],
    [
      'another reading of the seller',
      'BIZ_SETTLEMENT_MISMATCH',
      { allocations: { buyer: { energyWh: 900, quality: 'OK' }, seller: { energyWh: 900, quality: 'OK' } } },
    ],
    [
      'a seller’s reading that is better than it was',
      'BIZ_SETTLEMENT_MISMATCH',
      { allocations: { buyer: { energyWh: 900, quality: 'OK' }, seller: { energyWh: 700, quality: 'ESTIMATED' } } },
    ],
  ] as const)('(%s) is refused by the seller, whose books stay as they were', (_, code, change) => {
    const { town, seller, update, said, sold } = proposed()
    const answer = town.deliver(withMessage(update, contractMessage({ ...said, ...change })), seller)
    expect(answer).toMatchObject(nack(code))
    expect(sold().state).toBe('active')
    expect(seller.books.batches(ALL)).toEqual([])
  })

  test('(the buyer’s signature is over something else) is refused', () => {
    const { town, seller, buyer, update, said, sold } = proposed()
    const forged = { ...said, receipt: { buyer: buyer.identity.sign('something else') } }
    const answer = town.deliver(withMessage(update, contractMessage(forged)), seller)
    expect(answer).toMatchObject(nack('AUT_SIGNATURE_INVALID'))
    expect(sold().state).toBe('active')
  })

  test('(the seller’s answer) is refused by the buyer', () => {
    const { town, buyer, seller, update, bought } = proposed()
    town.deliver(update, seller)
    const answer = only(town.take())
    const said = readContract(answer.draft.payload['message'])
    if (typeof said === 'string') return expect.fail(said)
    const less = withMessage(answer, contractMessage({ ...said, finalWh: 1 }))
    expect(town.deliver(less, buyer)).toMatchObject(nack('BIZ_SETTLEMENT_MISMATCH'))
    const forged = { ...said, receipt: { ...said.receipt, seller: seller.identity.sign('something else') } }
    expect(town.deliver(withMessage(answer, contractMessage(forged)), buyer)).toMatchObject(
      nack('AUT_SIGNATURE_INVALID'),
    )
    expect(bought().state).toBe('active')
    expect(buyer.books.batches(ALL)).toEqual([])
    town.deliver(answer, buyer)
    expect(bought().state).toBe('settled')
  })

  test('before the slot is over is refused', () => {
    const { update, said } = proposed()
    const { town, seller } = agreedTrade()
    const early = withMessage(update, contractMessage(said))
    const context = { ...(early.draft.payload['context'] as object), timestamp: new Date(town.now()).toISOString() }
    const draft = { ...early.draft, payload: { ...early.draft.payload, context } }
    expect(town.deliver({ ...early, draft }, seller)).toMatchObject(nack('BIZ_INVALID_STATE_TRANSITION'))
  })
})

test('everything said twice is done once: states, contracts and books stay as they are', () => {
  const { town, buyer, seller, deliver } = agreedTrade(['neighbour'])
  deliver(OK(900, 0), OK(0, 700))
  town.settle()
  const state = () =>
    JSON.stringify(
      town.parties.map(({ store, books }) => [
        store.trades(ALL).map(({ state, contract, receipt, energyWh }) => ({ state, contract, receipt, energyWh })),
        store.needs(ALL),
        books.batches(ALL),
        books.receipts(ALL),
      ]),
    )
  const before = state()
  for (const { from, draft } of [...town.sent]) {
    const receivers = town.parties.filter(party => (draft.to === undefined ? party !== from : party.self === draft.to))
    for (const party of receivers) town.deliver({ from, draft }, party)
    town.take()
  }
  expect(state()).toBe(before)
  expect([sumOf(buyer), sumOf(seller)]).toEqual([0, 0])
})

describe('a statement', () => {
  function settled() {
    const all = agreedTrade()
    all.deliver(OK(1_000, 0), OK(0, 1_000))
    all.town.settle()
    return all
  }

  test.each(['buyer', 'seller'] as const)('proposed by the %s is signed by the other, and kept by both', async by => {
    const { town, buyer, seller } = settled()
    const [proposer, other] = by === 'buyer' ? [buyer, seller] : [seller, buyer]
    await proposer.papers.net({ peer: other.self })
    town.settle()
    const statement = only(proposer.books.statementsWith(other.self))
    expect(other.books.statementsWith(proposer.self)).toEqual([statement])
    expect(statement.body).toMatchObject({ creditor: seller.self, debtor: buyer.self, amountMicro: 100_000 })
    expect(town.sent.slice(-2).map(({ draft }) => [draft.type, draft.sealed])).toEqual([
      ['settlement.statement', true],
      ['settlement.agreed', true],
    ])
    const again = () => proposer.papers.net({ peer: other.self })
    await expect(again()).rejects.toMatchObject({ code: 'BIZ_INVALID_STATE_TRANSITION' })
  })

  test('that says another sum than the books is refused', async () => {
    const { town, buyer, seller } = settled()
    await seller.papers.net({ peer: buyer.self })
    const { from, draft } = only(town.take())
    const honest = proposalSchema.parse(draft.payload['proposal'])
    const body = { ...honest.body, amountMicro: 2 * honest.body.amountMicro }
    const proposal: object = { ...honest, body, signature: seller.identity.sign(statementText(body)) }
    const lie = { from, draft: { ...draft, payload: { proposal: proposal as JsonObject } } }
    expect(town.deliver(lie, buyer)).toMatchObject(nack('BIZ_SETTLEMENT_MISMATCH'))
    expect(buyer.books.statementsWith(seller.self)).toEqual([])
    // The same with the right sum is signed.
    expect(town.deliver({ from, draft }, buyer).status).toBe('ACK')
    expect(buyer.books.statementsWith(seller.self)).toHaveLength(1)
  })
})

test('the seller names what a shortfall costs, and a buyer that knows a cheaper utility does not sign more', () => {
  const { town, buyer, bought } = agreedTrade(['utility'])
  expect(bought().contract?.terms.shortfall).toEqual({
    utilityPriceMicro: 100_000,
    penaltyMicro: 50_000,
    tolerancePercent: 5,
  })
  const utility = town.parties[2] as Party
  const tariff = { retailMicro: 250_000, feedInMicro: 80_000, gridFeeMicro: 30_000 }
  town.offer(utility, { priceMicro: 250_000, availableWh: 1 }, { role: 'utility', tariff })
  town.settle()
  expect(buyer.store.catalog(utility.self)?.tariff).toEqual(tariff)
  town.offer(town.parties[1] as Party, { offerId: 'more' })
  town.settle()
  const need = town.want(buyer, 500)
  town.settle()
  town.pass(SEARCH_MS)
  const onInit = only(holdBack(town, 'on_init'))
  const said = readContract(onInit.draft.payload['message'])
  if (typeof said === 'string' || said.shortfall === undefined) return expect.fail('no shortfall')
  expect(said.shortfall.utilityPriceMicro).toBe(250_000)
  const dear = { ...said, shortfall: { ...said.shortfall, utilityPriceMicro: 250_001 } }
  town.deliver(withMessage(onInit, contractMessage(dear)), buyer)
  const refused = buyer.store.tradesOfNeed(need).find(({ state }) => state === 'refused')
  expect(refused?.reason).toBe(
    "the seller names 0.250001 USD/kWh as the utility's price, and 0.25 USD/kWh is the highest known here",
  )
  expect(SLOT.startMs).toBeGreaterThan(town.now())
})

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'changes and settlement survive a way that loses half of everything (seed %i)',
  seed => {
    const { town, buyer, seller, id, bought, sold, deliver } = agreedTrade()
    const random = seededRandom(seed)
    const lossy = () => town.settle(() => random() < 0.5)
    town.keep(buyer, buyer.trading.reduceTrade(id, 700))
    if (random() < 0.5) lossy()
    if (sold().energyWh > 500)
      town.keep(seller, seller.trading.curtailTrade(id, { energyWh: 500, reason: 'CONGESTION' }))
    lossy()
    deliver(OK(900, 0), OK(0, 600))
    for (let i = 0; i < 12; i++) {
      lossy()
      // Nobody's books say what the other has not signed.
      for (const party of [buyer, seller]) {
        const contract = party.books.batches(ALL).length === 0 ? undefined : only(party.books.receipts(ALL))
        if (contract !== undefined) expect(receiptIsGood(contract, party.market.verify)).toBe(true)
      }
      town.pass(600_000)
    }
    town.settle()
    town.pass(7_200_000)
    town.settle()
    expect([bought().state, sold().state]).toEqual(['settled', 'settled'])
    expect(bought().contract).toEqual(sold().contract)
    expect(bought().settlement).toEqual(sold().settlement)
    expect([sumOf(buyer), sumOf(seller)]).toEqual([0, 0])
  },
)
