import { expect, test } from 'vitest'
import type { BecknMessage } from '../../src/domains/trading/beckn/context.ts'
import { contractMessage, readContract } from '../../src/domains/trading/beckn/contract-body.ts'
import { standingDraft } from '../../src/domains/trading/flows/drafts.ts'
import { flowDraft } from '../../src/domains/trading/trader.ts'
import { signedText } from '../../src/protocol/contract.ts'
import { MAX_LIFETIME_MS } from '../../src/protocol/limits.ts'
import { asBuyer } from '../support/agreed-trade.ts'
import { ALL, createTown, type Party, RESERVATION_MS, SEARCH_MS, type Sent, STEP_MS } from '../support/two-markets.ts'

const LONGEST_SEARCH_MS = 4_000
const LATE_MS = 300

function pair() {
  const town = createTown(['buyer', 'seller'])
  const [buyer, seller] = town.parties as [Party, Party]
  return { town, buyer, seller }
}

function three(...names: [string, string, string]) {
  const town = createTown(names)
  return { town, parties: town.parties as [Party, Party, Party] }
}

const typeIs =
  (type: string) =>
  ({ draft }: Sent): boolean =>
    draft.type === type

const only = <T>(items: readonly T[]): T => {
  expect(items).toHaveLength(1)
  return items[0] as T
}

test('a trade goes from search to status, and both sides hold the same contract with both signatures', () => {
  const { town, buyer, seller } = pair()
  town.offer(seller)
  const need = town.want(buyer)
  town.settle()
  town.pass(SEARCH_MS)
  town.settle()
  const bought = only(buyer.store.trades(ALL))
  const sold = only(seller.store.trades(ALL))
  expect(bought).toMatchObject({ state: 'active', role: 'buyer', energyWh: 1_000, priceMicro: 100_000 })
  expect(sold).toMatchObject({ state: 'active', role: 'seller', counterparty: buyer.self })
  expect(bought.contract).toEqual(sold.contract)
  const { terms, signatures } = bought.contract ?? expect.fail('no contract')
  expect(signatures).toEqual({
    buyer: buyer.identity.sign(signedText(terms)),
    seller: seller.identity.sign(signedText(terms)),
  })
  expect(buyer.store.need(need)).toMatchObject({ state: 'bought', transactionId: bought.transactionId })
  expect(town.sent.map(({ draft }) => draft.type.replace('beckn.', ''))).toEqual([
    ...['catalog_publish', 'discover', 'on_discover', 'select', 'on_select', 'init', 'on_init'],
    ...['confirm', 'on_confirm', 'status', 'on_status'],
  ])
  expect(town.refusals).toEqual([])
})

/** What everybody may read: who sells what, who looks for a slot, and what was settled in the end. */
const OPEN_TYPES: ReadonlySet<string> = new Set([
  ...['beckn.catalog_publish', 'beckn.catalog_pull', 'catalog.page', 'beckn.discover', 'receipt.published'],
])

test('everything that names a price travels sealed to its recipient', () => {
  const { town, buyer, seller } = pair()
  town.offer(seller)
  town.want(buyer)
  town.settle()
  town.pass(SEARCH_MS)
  town.settle()
  const open = town.sent.filter(({ draft }) => draft.sealed !== true).map(({ draft }) => draft.type)
  expect(open).toEqual(['beckn.catalog_publish', 'beckn.discover'])
  for (const [name, type] of seller.trading.messages) expect(type.sealed, name).toBe(!OPEN_TYPES.has(name))
})

test('the cheapest offer is chosen', () => {
  const { town, parties } = three('buyer', 'dear', 'cheap')
  const [buyer, dear, cheap] = parties
  town.offer(dear, { priceMicro: 120_000 })
  town.offer(cheap, { priceMicro: 90_000 })
  town.want(buyer)
  town.settle()
  town.pass(SEARCH_MS)
  town.settle()
  expect(only(buyer.store.trades(ALL))).toMatchObject({ state: 'active', counterparty: cheap.self, priceMicro: 90_000 })
  expect(dear.store.trades(ALL)).toEqual([])
})

test('the grid fee counts: the cheapest landed offer is chosen, and its fee is in the contract of both', () => {
  const town = createTown(['buyer', 'far', 'near'], { gridFeeMicro: seller => (seller === far.self ? 50_000 : 5_000) })
  const [buyer, far, near] = town.parties as [Party, Party, Party]
  town.offer(far, { priceMicro: 80_000 })
  town.offer(near, { priceMicro: 100_000 })
  town.want(buyer)
  town.settle()
  town.pass(SEARCH_MS)
  town.settle()
  const trade = only(buyer.store.trades(ALL))
  expect(trade).toMatchObject({ state: 'active', counterparty: near.self, gridFeeMicro: 5_000 })
  expect(trade.contract?.terms.gridFeeMicro).toBe(5_000)
  expect(only(near.store.trades(ALL)).contract).toEqual(trade.contract)
})

test('an offer dearer than the buyer pays is not chosen, and the need says why it failed', () => {
  const { town, buyer, seller } = pair()
  town.offer(seller, { priceMicro: 300_001 })
  const need = town.want(buyer)
  town.settle()
  town.pass(SEARCH_MS)
  town.settle()
  expect(buyer.store.need(need)).toMatchObject({ state: 'failed', reason: 'nobody sells at your price' })
  expect(buyer.store.trades(ALL)).toEqual([])
})

test('a search nobody answers is made again, once, and fails with that reason', () => {
  const { town, buyer } = pair()
  const need = town.want(buyer)
  town.settle()
  town.pass(SEARCH_MS)
  expect(buyer.store.need(need)).toMatchObject({ state: 'searching' })
  town.pass(LONGEST_SEARCH_MS - SEARCH_MS)
  expect(town.sent.map(({ draft }) => draft.type)).toEqual(['beckn.discover', 'beckn.discover'])
  expect(buyer.store.need(need)).toMatchObject({ state: 'failed', reason: 'nobody answered the search' })
})

test('a search nobody heard is made again, to all and straight to the sellers it knows of, and is answered', () => {
  const { town, buyer, seller } = pair()
  town.offer(seller)
  town.settle()
  const need = town.want(buyer)
  expect(town.take().map(({ draft }) => draft.type)).toEqual(['beckn.discover'])
  town.pass(SEARCH_MS)
  const again = town.take()
  expect(again.map(({ draft }) => [draft.type, draft.to, draft.carrier])).toEqual([
    ['beckn.discover', undefined, 'orders'],
    ['beckn.discover', seller.self, 'stream'],
  ])
  expect(new Set(again.map(({ draft }) => draft.id)).size).toBe(2)
  // Both arrive: the seller is heard once.
  for (const one of again) town.deliver(one, seller)
  town.settle()
  expect(buyer.store.need(need)).toMatchObject({ answered: [seller.self] })
  town.pass(LATE_MS)
  town.settle()
  expect(buyer.store.need(need)).toMatchObject({ state: 'bought' })
})

test('a search made again goes straight to nobody who is not connected: it would stand before the order', () => {
  const town = createTown(['buyer', 'seller'], { isConnected: () => false })
  const [buyer, seller] = town.parties as [Party, Party]
  town.offer(seller)
  town.settle()
  town.want(buyer)
  town.take()
  town.pass(SEARCH_MS)
  expect(town.take().map(({ draft }) => [draft.type, draft.to])).toEqual([['beckn.discover', undefined]])
})

test('a late answer to a search that nobody had answered ends its wait and is bought from', () => {
  const { town, buyer, seller } = pair()
  const need = town.want(buyer)
  const [search] = town.take()
  town.pass(SEARCH_MS)
  town.offer(seller)
  town.deliver(search ?? expect.fail('no search'), seller)
  town.settle()
  expect(buyer.store.need(need)).toMatchObject({ state: 'searching', answered: [seller.self] })
  town.pass(LATE_MS)
  town.settle()
  expect(buyer.store.need(need)).toMatchObject({ state: 'bought' })
})

test('a buyer refused by the cheapest goes on with the next', () => {
  const { town, parties } = three('buyer', 'dear', 'cheap')
  const [buyer, dear, cheap] = parties
  town.offer(dear, { priceMicro: 120_000 })
  town.offer(cheap, { priceMicro: 90_000 })
  const need = town.want(buyer)
  town.settle()
  // What was offered is gone by the time it is selected.
  town.offer(cheap, { priceMicro: 90_000, availableWh: 0 }, { version: town.now() + 1 })
  town.take()
  town.pass(SEARCH_MS)
  town.settle()
  expect(town.refusals).toEqual([{ to: buyer.self, type: 'beckn.select', code: 'BIZ_QUANTITY_UNAVAILABLE' }])
  expect(buyer.store.tradesInState('refused')).toHaveLength(1)
  expect(only(buyer.store.tradesInState('active'))).toMatchObject({ counterparty: dear.self, needId: need })
  expect(buyer.store.need(need)).toMatchObject({ state: 'bought' })
})

test.each(['select', 'init'])('a buyer whose seller is silent after %s goes on with the next', step => {
  const { town, parties } = three('buyer', 'dear', 'cheap')
  const [buyer, dear, cheap] = parties
  town.offer(dear, { priceMicro: 120_000 })
  town.offer(cheap, { priceMicro: 90_000 })
  town.want(buyer)
  town.settle()
  town.pass(SEARCH_MS)
  const lost = ({ from, draft }: Sent) => from === cheap && draft.type === `beckn.on_${step}`
  town.settle(lost)
  expect(buyer.store.tradesInState('active')).toEqual([])
  town.pass(STEP_MS)
  town.settle(lost)
  expect(only(buyer.store.tradesInState('expired'))).toMatchObject({ counterparty: cheap.self })
  expect(only(buyer.store.tradesInState('active'))).toMatchObject({ counterparty: dear.self })
  // The silent seller frees what it kept.
  town.pass(RESERVATION_MS)
  expect(only(cheap.store.trades(ALL)).state).toBe('expired')
})

test('a late answer of a seller the buyer has left changes nothing', () => {
  const { town, buyer, seller } = pair()
  town.offer(seller)
  const need = town.want(buyer)
  town.settle()
  town.pass(SEARCH_MS)
  const late: Sent[] = []
  town.settle(sent => typeIs('beckn.on_select')(sent) && late.push(sent) > 0)
  town.pass(STEP_MS)
  expect(buyer.store.need(need)?.state).toBe('failed')
  const answer = town.deliver(only(late), buyer)
  expect(answer).toMatchObject({ status: 'NACK', error: { code: 'BIZ_INVALID_STATE_TRANSITION' } })
  expect(only(buyer.store.trades(ALL)).state).toBe('expired')
})

test('of two buyers for the last kWh each gets what is left when it asks, and together never more than there is', () => {
  const { town, parties } = three('seller', 'one', 'two')
  const [seller, one, two] = parties
  town.offer(seller, { availableWh: 1_000 })
  town.want(one, 600)
  town.want(two, 600)
  town.settle()
  town.pass(SEARCH_MS)
  town.settle()
  // Both were quoted 600 Wh; the slower one is refused at its reservation, asks again, and takes the rest.
  expect(town.refusals.map(({ type, code }) => [type, code])).toEqual([['beckn.init', 'BIZ_QUANTITY_UNAVAILABLE']])
  const sold = seller.store.tradesInState('active')
  expect(sold.map(({ energyWh }) => energyWh).toSorted((a, b) => a - b)).toEqual([400, 600])
  const agreed = [one, two].flatMap(party => party.store.tradesInState('active'))
  for (const trade of agreed)
    expect(sold.find(({ transactionId }) => transactionId === trade.transactionId)?.contract).toEqual(trade.contract)
  expect([one, two].map(party => only(party.store.needs(ALL)).state).toSorted()).toEqual(['bought', 'part'])
})

/** A trade whose seller holds the energy and whose buyer has just signed. */
function signed() {
  const { town, buyer, seller } = pair()
  town.offer(seller)
  const need = town.want(buyer)
  town.settle()
  town.pass(SEARCH_MS)
  const held: Sent[] = []
  town.settle(sent => typeIs('beckn.confirm')(sent) && held.push(sent) > 0)
  expect(only(buyer.store.trades(ALL)).state).toBe('confirming')
  expect(only(seller.store.trades(ALL)).state).toBe('reserved')
  return { town, buyer, seller, need, confirm: only(held) }
}

test('a confirm that comes twice is answered with the same contract twice, and sells once', () => {
  const { town, buyer, seller, confirm } = signed()
  expect(town.deliver(confirm, seller)).toEqual({ status: 'ACK' })
  const first = only(town.take())
  const contract = only(seller.store.trades(ALL)).contract
  expect(town.deliver(confirm, seller).status).toBe('ACK')
  const second = only(town.take())
  expect(only(seller.store.trades(ALL)).contract).toEqual(contract)
  expect(readContract(second.draft.payload['message'])).toEqual(readContract(first.draft.payload['message']))
  for (const answer of [first, second]) expect(town.deliver(answer, buyer).status).toBe('ACK')
  expect(only(buyer.store.trades(ALL)).contract).toEqual(contract)
  // One status is asked, not one an answer.
  expect(town.take().map(({ draft }) => draft.type)).toEqual(['beckn.status'])
})

function withOtherTerms(confirm: Sent, buyer: Party, change: { energyWh?: number; priceMicro?: number }): Sent {
  const trade = only(buyer.store.trades(ALL))
  const terms = { ...(trade.terms ?? expect.fail('no terms')), ...change }
  const signatures = { buyer: buyer.identity.sign(signedText(terms)) }
  const message = contractMessage({ ...terms, status: 'DRAFT', quoted: true, signatures })
  return { ...confirm, draft: { ...confirm.draft, payload: { ...confirm.draft.payload, message } } }
}

test.each([{ energyWh: 2_000 }, { priceMicro: 1 }])('a confirm of other terms (%o) is refused', change => {
  const { town, buyer, seller, confirm } = signed()
  const answer = town.deliver(withOtherTerms(confirm, buyer, change), seller)
  expect(answer).toMatchObject({ status: 'NACK', error: { code: 'BIZ_QUOTE_EXPIRED_OR_CHANGED' } })
  expect(only(seller.store.trades(ALL))).toMatchObject({ state: 'reserved' })
  expect(only(seller.store.trades(ALL)).contract).toBeUndefined()
})

test('a confirm of other terms after the trade is agreed is refused and changes nothing', () => {
  const { town, buyer, seller, confirm } = signed()
  town.deliver(confirm, seller)
  const before = only(seller.store.trades(ALL))
  const answer = town.deliver(withOtherTerms(confirm, buyer, { priceMicro: 1 }), seller)
  expect(answer).toMatchObject({ status: 'NACK', error: { code: 'BIZ_ALREADY_CONFIRMED' } })
  expect(only(seller.store.trades(ALL))).toEqual(before)
})

test.each([true, false])('a confirm after the reservation ran out is refused (the seller noticed: %s)', noticed => {
  const { town, buyer, seller, confirm } = signed()
  town.pass(RESERVATION_MS + 1)
  if (!noticed)
    seller.apply([{ kind: 'trading.trade', trade: { ...only(seller.store.trades(ALL)), state: 'reserved' } }])
  town.take()
  const answer = town.deliver(confirm, seller)
  expect(answer).toMatchObject({ status: 'NACK', error: { code: 'BIZ_QUOTE_EXPIRED_OR_CHANGED' } })
  expect(seller.store.tradesInState('active')).toEqual([])
  expect(only(buyer.store.trades(ALL))).toMatchObject({ state: 'refused' })
})

test('energy whose reservation ran out can be bought by the next', () => {
  const { town, seller } = signed()
  town.pass(RESERVATION_MS + 1)
  town.take()
  expect(only(seller.store.trades(ALL)).state).toBe('expired')
  const [buyer] = town.parties as [Party]
  town.want(buyer)
  town.settle()
  town.pass(SEARCH_MS)
  town.settle()
  expect(seller.store.tradesInState('active')).toHaveLength(1)
})

test('a contract whose on_confirm got lost is found by asking for the status', () => {
  const { town, buyer, seller, need, confirm } = signed()
  town.deliver(confirm, seller)
  town.take()
  expect(only(buyer.store.trades(ALL)).state).toBe('confirming')
  town.pass(STEP_MS)
  expect(town.sent.at(-1)?.draft.type).toBe('beckn.status')
  town.settle()
  expect(only(buyer.store.trades(ALL))).toMatchObject({ state: 'active' })
  expect(only(buyer.store.trades(ALL)).contract).toEqual(only(seller.store.trades(ALL)).contract)
  expect(buyer.store.need(need)).toMatchObject({ state: 'bought' })
})

test('a buyer whose confirm never arrived learns it by asking, and not before', () => {
  const { town, buyer, seller, need, confirm } = signed()
  // Nobody may conclude from silence that a signed trade does not bind.
  town.expire(confirm)
  expect(only(buyer.store.trades(ALL)).state).toBe('confirming')
  town.settle()
  expect(only(buyer.store.trades(ALL)).state).toBe('confirming')
  town.pass(RESERVATION_MS + 1)
  town.settle()
  town.pass(60_000)
  town.settle()
  expect(only(seller.store.trades(ALL)).state).toBe('expired')
  expect(only(buyer.store.trades(ALL)).state).toBe('expired')
  expect(buyer.store.need(need)?.state).toBe('failed')
})

const DAY_MS = 24 * 60 * 60_000

/** The seller is bound, and the buyer has asked for a day without a word. */
function longSilence() {
  const { town, buyer, seller, need, confirm } = signed()
  town.deliver(confirm, seller)
  const onConfirm = only(town.take())
  for (let hours = 0; hours <= 25; hours++) {
    town.pass(DAY_MS / 24)
    town.take()
  }
  expect(only(buyer.store.trades(ALL))).toMatchObject({ state: 'expired' })
  expect(buyer.store.need(need)?.state).toBe('failed')
  expect(only(seller.store.trades(ALL)).state).toBe('active')
  return { town, buyer, seller, need, onConfirm }
}

test('a buyer that gave up asking takes the contract that binds both, however late the seller says so', () => {
  const { town, buyer, seller, need, onConfirm } = longSilence()
  const context = { ...(onConfirm.draft.payload['context'] as object), timestamp: new Date(town.now()).toISOString() }
  const late = { ...onConfirm, draft: { ...onConfirm.draft, payload: { ...onConfirm.draft.payload, context } } }
  expect(town.deliver(late, buyer)).toEqual({ status: 'ACK' })
  expect(only(buyer.store.trades(ALL)).state).toBe('active')
  expect(only(buyer.store.trades(ALL)).contract).toEqual(only(seller.store.trades(ALL)).contract)
  expect(buyer.store.need(need)).toMatchObject({ state: 'bought', boughtWh: 1_000 })
})

test('a buyer that gave up asking learns by any status that it is bound, and both settle', () => {
  const { town, buyer, seller } = longSilence()
  buyer.meter = { importWh: 1_000, exportWh: 0, quality: 'OK' }
  seller.meter = { importWh: 0, exportWh: 1_000, quality: 'OK' }
  for (let hours = 0; hours < 4; hours++) {
    town.pass(DAY_MS / 24)
    town.settle()
  }
  expect(only(buyer.store.trades(ALL)).state).toBe('settled')
  expect(only(seller.store.trades(ALL)).state).toBe('settled')
})

test.each([0, 25])(
  'a seller that has said the reservation ran out cannot sign after all (asked for %i hours)',
  hours => {
    const { town, buyer, seller, confirm } = signed()
    for (let passed = 0; passed < hours; passed++) {
      town.pass(DAY_MS / 24)
      town.take()
    }
    town.pass(RESERVATION_MS + 1)
    const sold = only(seller.store.trades(ALL))
    town.keep(seller, {
      facts: [],
      messages: [standingDraft(seller.market, sold, 'on_status')],
      answer: { status: 'ACK' },
    })
    town.settle()
    const { terms, state } = only(buyer.store.trades(ALL))
    if (terms === undefined) expect.fail('no terms')
    expect([sold.state, state]).toEqual(['expired', 'expired'])
    const text = signedText(terms)
    const signatures = { buyer: buyer.identity.sign(text), seller: seller.identity.sign(text) }
    const message = contractMessage({ ...terms, status: 'ACTIVE', quoted: true, signatures })
    const inReplyTo = confirm.draft.payload as unknown as BecknMessage
    const signedNow = [
      flowDraft(seller.market, sold, 'on_confirm', { message, inReplyTo }),
      flowDraft(seller.market, sold, 'on_status', { message }),
    ]
    for (const draft of signedNow) {
      town.deliver({ from: seller, draft }, buyer)
      expect(only(buyer.store.trades(ALL)).state).toBe('expired')
    }
  },
)

test('the terms of on_init are signed only when they are what was quoted', () => {
  const { town, buyer, seller } = pair()
  town.offer(seller)
  town.want(buyer)
  town.settle()
  town.pass(SEARCH_MS)
  const held: Sent[] = []
  town.settle(sent => typeIs('beckn.on_init')(sent) && held.push(sent) > 0)
  const onInit = only(held)
  const terms = only(seller.store.trades(ALL)).terms ?? expect.fail('no terms')
  const message = contractMessage({ ...terms, priceMicro: terms.priceMicro + 1, status: 'DRAFT', quoted: true })
  town.deliver({ ...onInit, draft: { ...onInit.draft, payload: { ...onInit.draft.payload, message } } }, buyer)
  expect(only(buyer.store.trades(ALL))).toMatchObject({ state: 'refused' })
  expect(town.sent.some(typeIs('beckn.confirm'))).toBe(false)
})

test('on_confirm without the seller’s signature binds nobody', () => {
  const { town, buyer, seller, confirm } = signed()
  town.deliver(confirm, seller)
  const onConfirm = only(town.take())
  const { terms, signatures } = only(seller.store.trades(ALL)).contract ?? expect.fail('no contract')
  const forged = { ...signatures, seller: signatures.buyer }
  const message = contractMessage({ ...terms, status: 'ACTIVE', quoted: true, signatures: forged })
  const answer = town.deliver(
    { ...onConfirm, draft: { ...onConfirm.draft, payload: { ...onConfirm.draft.payload, message } } },
    buyer,
  )
  expect(answer).toMatchObject({ status: 'NACK', error: { code: 'AUT_SIGNATURE_INVALID' } })
  expect(only(buyer.store.trades(ALL)).state).toBe('confirming')
})

/** An agreed trade. */
function agreed() {
  const { town, buyer, seller, need, confirm } = signed()
  town.deliver(confirm, seller)
  town.settle()
  const { transactionId } = only(buyer.store.tradesInState('active'))
  return { town, buyer, seller, need, transactionId }
}

test('an agreed trade cancelled before its slot ends on both sides, and the energy is free again', () => {
  const { town, buyer, seller, transactionId } = agreed()
  expect(town.keep(buyer, buyer.trading.cancelTrade(transactionId)).status).toBe('ACK')
  town.settle()
  expect(only(buyer.store.trades(ALL)).state).toBe('cancelled')
  expect(only(seller.store.trades(ALL)).state).toBe('cancelled')
  town.want(buyer)
  town.settle()
  town.pass(SEARCH_MS)
  town.settle()
  expect(seller.store.tradesInState('active')).toHaveLength(1)
})

test('an agreed trade cannot be cancelled once delivery has begun, by command or by message', () => {
  const { town, buyer, seller, transactionId } = agreed()
  town.keep(buyer, buyer.trading.cancelTrade(transactionId))
  const cancel = only(town.take())
  town.pass(900_000)
  town.take()
  const refusal = { status: 'NACK', error: { code: 'BIZ_INVALID_STATE_TRANSITION' } }
  expect(town.keep(buyer, buyer.trading.cancelTrade(transactionId))).toMatchObject(refusal)
  const context = { ...(cancel.draft.payload['context'] as object), timestamp: new Date(town.now()).toISOString() }
  const now = { ...cancel, draft: { ...cancel.draft, payload: { ...cancel.draft.payload, context } } }
  expect(town.deliver(now, seller)).toMatchObject(refusal)
  expect(only(seller.store.trades(ALL)).state).toBe('active')
  expect(only(buyer.store.trades(ALL)).state).toBe('active')
})

test('only the buyer cancels', () => {
  const { town, seller, transactionId } = agreed()
  const answer = town.keep(seller, seller.trading.cancelTrade(transactionId))
  expect(answer).toMatchObject({ status: 'NACK', error: { code: 'AUT_UNAUTHORIZED_ACTION' } })
})

test('a seller cannot end an agreed trade by playing the buyer or by answering what was not asked', () => {
  const { town, buyer, seller, transactionId } = agreed()
  const asBuyer = { ...only(seller.store.trades(ALL)), role: 'buyer' as const }
  const forger = createTown(['forger', 'seller']).parties[1] as Party
  forger.apply([{ kind: 'trading.trade', trade: asBuyer }])
  const cancel = forger.trading.cancelTrade(transactionId).messages[0] ?? expect.fail('no message')
  // A cancellation is about what this peer has sold to its sender: another trade, which has not come here.
  town.deliver({ from: seller, draft: cancel }, buyer)
  town.take()
  expect(buyer.store.purchase(transactionId)?.state).toBe('active')

  const terms = buyer.store.purchase(transactionId)?.terms ?? expect.fail('no terms')
  const context = {
    ...(cancel.payload['context'] as Record<string, string>),
    action: 'on_cancel',
    bapId: buyer.self,
    bppId: seller.self,
  }
  const payload = { context, message: contractMessage({ ...terms, status: 'CANCELLED' }) }
  const answer = town.deliver({ from: seller, draft: { ...cancel, type: 'beckn.on_cancel', payload } }, buyer)
  expect(answer).toMatchObject({ status: 'NACK', error: { code: 'BIZ_INVALID_STATE_TRANSITION' } })
  expect(buyer.store.purchase(transactionId)?.state).toBe('active')
})

test('a trade does not exist for anybody but its two parties', () => {
  const { town, parties } = three('buyer', 'seller', 'stranger')
  const [buyer, seller, stranger] = parties
  town.offer(seller)
  town.want(buyer)
  town.settle()
  town.pass(SEARCH_MS)
  town.settle()
  const { transactionId } = only(buyer.store.trades(ALL))
  const status = town.sent.find(typeIs('beckn.status')) ?? expect.fail('no status was asked')
  const answer = town.deliver(asBuyer(stranger, status), seller)
  expect(answer).toMatchObject({ status: 'NACK', error: { code: 'CTX_TRANSACTION_ID_UNKNOWN' } })
  expect(seller.store.trade(transactionId)?.state).toBe('active')
})

test.each([
  ['action', 'init', 'CTX_ACTION_MISMATCH'],
  ['version', '1.1.0', 'CTX_VERSION_UNSUPPORTED'],
  ['transactionId', '00000000-0000-4000-8000-999999999999', 'CTX_TRANSACTION_ID_UNKNOWN'],
  ['senderId', 'did:key:z6Mksomebody', 'AUT_UNAUTHORIZED_ACTION'],
  ['receiverId', 'did:key:z6Mksomebody', 'AUT_UNAUTHORIZED_ACTION'],
  ['bapId', 'somebody', 'AUT_UNAUTHORIZED_ACTION'],
  ['bppId', 'somebody', 'AUT_UNAUTHORIZED_ACTION'],
  ['networkId', 'another', 'NET_NETWORK_MISMATCH'],
  ['messageId', '00000000-0000-4000-8000-999999999999', 'CTX_MESSAGE_ID_DUPLICATE'],
  ['messageId', undefined, 'CTX_MISSING_FIELD'],
  ['timestamp', '2026-06-01T11:58:40.000Z', 'CTX_TTL_EXPIRED'],
  ['timestamp', '2026-06-01T12:05:00.000Z', 'CTX_TTL_EXPIRED'],
  ['ttl', 'soon', 'SCH_INVALID'],
] as const)('a context whose %s tells another story than the envelope is refused', (field, value, code) => {
  const { town, buyer, seller } = pair()
  town.offer(seller)
  town.want(buyer)
  town.settle()
  town.pass(SEARCH_MS)
  const select = only(town.take())
  const context = JSON.parse(JSON.stringify({ ...(select.draft.payload['context'] as object), [field]: value }))
  const answer = town.deliver(
    { ...select, draft: { ...select.draft, payload: { ...select.draft.payload, context } } },
    seller,
  )
  expect(answer).toMatchObject({ status: 'NACK', error: { code } })
  expect(seller.store.trades(ALL)).toEqual([])
})

test('a catalog of an older version, of another currency, or from the future replaces nothing', () => {
  const { town, buyer, seller } = pair()
  town.offer(seller)
  town.settle()
  const known = buyer.store.catalog(seller.self)
  expect(known?.offers).toHaveLength(1)
  town.announce(seller, { priceMicro: 1 }, { version: town.now() - 1 })
  town.announce(seller, { priceMicro: 2 }, { version: town.now() + 1, currency: 'EUR' })
  town.settle()
  town.announce(seller, { priceMicro: 3 }, { version: town.now() + 61_000 })
  town.settle()
  expect(buyer.store.catalog(seller.self)).toEqual(known)
  expect(town.refusals.map(({ code }) => code)).toEqual(['SCH_INVALID'])
  town.announce(seller, { priceMicro: 4 }, { version: town.now() + 2 })
  town.settle()
  expect(buyer.store.catalog(seller.self)?.offers[0]?.priceMicro).toBe(4)
})

test('a catalog published in the name of somebody else is refused', () => {
  const { town, parties } = three('buyer', 'seller', 'thief')
  const [buyer, seller, thief] = parties
  town.offer(seller)
  const publish = only(town.take())
  const context = { ...(publish.draft.payload['context'] as object), senderId: thief.identity.did }
  const stolen = { from: thief, draft: { ...publish.draft, payload: { ...publish.draft.payload, context } } }
  expect(town.deliver(stolen, buyer)).toMatchObject({ status: 'NACK', error: { code: 'SCH_INVALID' } })
  expect(buyer.store.catalogs()).toEqual([])
})

test('a catalog for a far slot is published for no longer than a message may live', () => {
  const { town, seller } = pair()
  town.offer(seller, {}, { validUntilMs: town.now() + 40 * 86_400_000 })
  expect(only(town.sent).draft.ttlMs).toBe(MAX_LIFETIME_MS)
})

test('a need of one id begins once', () => {
  const { town, buyer } = pair()
  const wanted = {
    id: town.want(buyer),
    slot: { startMs: 0, durationMs: 1 },
    energyWh: 1,
    maxPriceMicro: 1,
    reason: '',
  }
  const before = buyer.store.need(wanted.id)
  town.keep(buyer, buyer.trading.buyOnce(wanted))
  expect(buyer.store.need(wanted.id)).toEqual(before)
})

test('a seller that has sold more than it offers now sells nothing more', () => {
  const { town, buyer, seller } = pair()
  town.offer(seller, { availableWh: 1_000 })
  town.want(buyer, 800)
  town.settle()
  town.pass(SEARCH_MS)
  const select = only(town.take())
  town.deliver(select, seller)
  town.settle()
  town.offer(seller, { availableWh: 500 })
  town.announce(seller, { availableWh: 5_000 }, { version: town.now() + 10 })
  town.settle()
  const need = town.want(buyer, 100)
  town.settle(typeIs('beckn.on_discover'))
  town.pass(LONGEST_SEARCH_MS)
  town.pass(LONGEST_SEARCH_MS)
  town.settle()
  expect(town.refusals.at(-1)).toEqual({ to: buyer.self, type: 'beckn.select', code: 'BIZ_QUANTITY_UNAVAILABLE' })
  expect(buyer.store.need(need)).toMatchObject({ state: 'failed', reason: '100 Wh asked, -300 Wh left' })
  expect(seller.store.tradesInState('active').map(({ energyWh }) => energyWh)).toEqual([800])
})
