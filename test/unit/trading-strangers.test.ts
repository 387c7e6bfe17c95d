import { describe, expect, test } from 'vitest'
import { contractMessage, readContract } from '../../src/domains/trading/beckn/contract-body.ts'
import { keepAnswer } from '../../src/domains/trading/catalogs/publish.ts'
import { contractIdOf, draftBody, selectDraft } from '../../src/domains/trading/flows/drafts.ts'
import type { Trade } from '../../src/domains/trading/trade.ts'
import { flowDraft } from '../../src/domains/trading/trader.ts'
import type { PeerId, TransactionId } from '../../src/kernel/ids.ts'
import type { JsonObject } from '../../src/kernel/outcome.ts'
import { canonical } from '../../src/protocol/canonical.ts'
import { MAX_LIFETIME_MS } from '../../src/protocol/limits.ts'
import { agreedTrade, holdBack, OK, withMessage } from '../support/agreed-trade.ts'
import {
  ALL,
  createTown,
  idOf,
  type Party,
  SEARCH_MS,
  type Sent,
  SLOT,
  STEP_MS,
  type TownOptions,
} from '../support/two-markets.ts'

const only = <T>(items: readonly T[]): T => {
  expect(items).toHaveLength(1)
  return items[0] as T
}
const nack = (code: string) => ({ status: 'NACK', error: { code } })

function street(names: readonly string[] = [], options: TownOptions = {}) {
  const town = createTown(['buyer', 'seller', ...names], options)
  const [buyer, seller, ...others] = town.parties as [Party, Party, ...Party[]]
  return { town, buyer, seller, others }
}

/** A trade as its buyer knows it, of which the seller has not heard. */
function unheard(buyer: Party, seller: Party): Trade {
  return {
    transactionId: crypto.randomUUID() as TransactionId,
    role: 'buyer',
    counterparty: seller.self,
    offerId: 'noon',
    slot: SLOT,
    energyWh: 1,
    priceMicro: 100_000,
    gridFeeMicro: 0,
    state: 'selecting',
    deadlineMs: buyer.market.now(),
    startedMs: buyer.market.now(),
  }
}

describe('a shortfall in the terms of on_init', () => {
  const confirms = (change: { penaltyMicro?: number; tolerancePercent?: number }) => {
    const { town, buyer, seller } = street()
    town.offer(seller)
    town.want(buyer)
    town.settle()
    town.pass(SEARCH_MS)
    const onInit = only(holdBack(town, 'on_init'))
    const said = readContract(onInit.draft.payload['message'])
    if (typeof said === 'string' || said.shortfall === undefined) return expect.fail('no shortfall')
    const changed = contractMessage({ ...said, shortfall: { ...said.shortfall, ...change } })
    town.deliver(withMessage(onInit, changed), buyer)
    return { trade: only(buyer.store.trades(ALL)), said: town.take().map(({ draft }) => draft.type) }
  }

  test.each([
    [{ penaltyMicro: 50_001 }, 'a penalty of 0.050001 USD/kWh, and here it is 0.05 USD/kWh'],
    [{ penaltyMicro: 0 }, 'a penalty of 0 USD/kWh, and here it is 0.05 USD/kWh'],
    [{ tolerancePercent: 4 }, 'the seller tolerates 4 % missing, and here it is 5 %'],
    [{ tolerancePercent: 100 }, 'the seller tolerates 100 % missing, and here it is 5 %'],
  ])('that is not the law of the network is not signed (%o)', (change, reason) => {
    const { trade, said } = confirms(change)
    expect(trade).toMatchObject({ state: 'refused', reason: expect.stringContaining(reason) })
    expect(said).toEqual([])
  })

  test('that is the law of the network is signed', () => {
    const { trade, said } = confirms({})
    expect(trade.state).toBe('confirming')
    expect(said).toEqual(['beckn.confirm'])
  })
})

describe('a seller with many offers', () => {
  const offers = Array.from({ length: 5 }, (_, i) => ({
    offerId: `offer ${i}`,
    slot: SLOT,
    priceMicro: 1 + i,
    availableWh: 1_000,
  }))

  test('that is silent is waited for once, not at each of them', () => {
    const { town, buyer, seller, others } = street(['honest'])
    town.offer(seller, {}, { offers })
    town.offer(others[0] as Party)
    const need = town.want(buyer)
    town.settle()
    town.pass(SEARCH_MS)
    const silent = ({ from }: { from: Party }) => from === seller
    town.settle(silent)
    town.pass(STEP_MS)
    town.settle(silent)
    expect(buyer.store.need(need)).toMatchObject({ state: 'bought' })
    expect(buyer.store.tradesInState('expired')).toHaveLength(1)
  })

  test('that refuses one is not asked for the others', () => {
    const { town, buyer, seller, others } = street(['honest'])
    town.offer(seller, {}, { offers })
    town.offer(others[0] as Party)
    town.want(buyer)
    town.settle()
    const none = offers.map(offer => ({ ...offer, availableWh: 0 }))
    town.offer(seller, {}, { offers: none, version: town.now() + 1 })
    town.take()
    town.pass(SEARCH_MS)
    town.settle()
    expect(town.refusals).toHaveLength(1)
    expect(only(buyer.store.tradesInState('active')).counterparty).toBe(idOf('honest'))
  })

  test('cannot name a slot of one of them twice', () => {
    const { town, buyer, seller } = street()
    town.offer(seller)
    const published = only(town.take())
    const message = structuredClone(published.draft.payload['message']) as { catalogs: { offers: object[] }[] }
    const [catalog] = message.catalogs
    catalog?.offers.push(...catalog.offers)
    expect(town.deliver(withMessage(published, message), buyer)).toMatchObject(nack('SCH_INVALID'))
    expect(buyer.store.catalogs()).toEqual([])
    const own = { ...(seller.store.catalog(seller.self) ?? expect.fail('no catalog')), offers: [offers, offers].flat() }
    expect(seller.trading.publishCatalog(own as never).answer).toMatchObject(nack('SCH_INVALID'))
  })
})

describe('a cancellation of what is not known', () => {
  const cancelDraft = (from: Party, trade: Trade) =>
    flowDraft(from.market, trade, 'cancel', {
      message: contractMessage({ ...draftBody(from.market, trade), contractId: contractIdOf(trade) }),
    })

  test('is refused to whom this peer does not trade with', () => {
    const { town, buyer, seller } = street([], { limits: { seller: { avoidPeers: [idOf('buyer')] } } })
    const draft = cancelDraft(buyer, unheard(buyer, seller))
    expect(town.deliver({ from: buyer, draft }, seller)).toMatchObject(nack('POL_COUNTERPARTY'))
  })

  test('is taken a few times in a short time, and never written down', () => {
    const { town, buyer, seller } = street()
    const answers = Array.from({ length: 30 }, () => {
      const draft = cancelDraft(buyer, unheard(buyer, seller))
      return town.deliver({ from: buyer, draft }, seller).status
    })
    expect(answers.filter(status => status === 'ACK')).toHaveLength(10)
    expect(town.refusals.at(-1)?.code).toBe('AUT_RATE_LIMITED')
    expect(seller.store.trades(ALL)).toEqual([])
  })

  test('is remembered for minutes', () => {
    const { town, buyer, seller } = street()
    town.offer(seller)
    town.take()
    const trade = unheard(buyer, seller)
    town.deliver({ from: buyer, draft: cancelDraft(buyer, trade) }, seller)
    const select = () => town.deliver({ from: buyer, draft: selectDraft(buyer.market, trade) }, seller)
    town.pass(60_000)
    expect(select()).toMatchObject(nack('BIZ_ALREADY_CANCELLED'))
    town.pass(10 * 60_000)
    expect(select().status).toBe('ACK')
  })
})

describe('a flood', () => {
  test('of receipts is cut off for its sender, and for nobody else', () => {
    const { town, buyer, seller, others, deliver } = agreedTrade(['neighbour'])
    deliver(OK(1_000, 0), OK(0, 1_000))
    town.settle()
    const { draft } = only(town.sent.filter(one => one.draft.type === 'receipt.published'))
    const [neighbour] = others as [Party]
    const say = (from: Party) => town.deliver({ from, draft }, neighbour)
    for (let i = 0; i < 100; i++) say(buyer)
    expect(say(buyer)).toMatchObject(nack('AUT_RATE_LIMITED'))
    expect(say(seller).status).toBe('ACK')
    expect(neighbour.books.receipts(ALL)).toHaveLength(1)
    town.pass(1_000)
    expect(say(buyer).status).toBe('ACK')
  })

  test('of searches is answered for a while, and others are answered all the same', () => {
    const { town, buyer, seller, others } = street(['other'])
    town.offer(seller)
    town.take()
    for (let i = 0; i < 120; i++) town.want(buyer, 1)
    town.want(others[0] as Party, 1)
    for (const sent of town.take()) town.deliver(sent, seller)
    const answers = town.take().map(({ draft }) => draft.to)
    expect(answers.filter(to => to === buyer.self)).toHaveLength(100)
    expect(answers.filter(to => to === idOf('other'))).toHaveLength(1)
  })

  test('of quotes costs the one who has the most its oldest, and a newcomer gets one', () => {
    const { town, buyer, seller } = street()
    town.offer(seller)
    town.take()
    const quote = (counterparty: string, startedMs: number): Trade => ({
      ...unheard(buyer, seller),
      transactionId: crypto.randomUUID() as TransactionId,
      role: 'seller',
      state: 'quoted',
      counterparty: counterparty as PeerId,
      startedMs,
      deadlineMs: town.now() + 30_000,
    })
    const greedy = Array.from({ length: 20 }, (_, i) => quote('greedy', 900 - i))
    const many = Array.from({ length: 480 }, (_, i) => quote(`stranger ${i % 32}`, i))
    seller.apply([...greedy, ...many].map(trade => ({ kind: 'trading.trade', trade })))
    const draft = selectDraft(buyer.market, unheard(buyer, seller))
    expect(town.deliver({ from: buyer, draft }, seller).status).toBe('ACK')
    expect(only(seller.store.tradesInState('expired'))).toMatchObject({ counterparty: 'greedy', startedMs: 881 })
    expect(seller.store.tradesInState('quoted')).toHaveLength(500)
  })
})

describe('a refusal of confirm', () => {
  const refusedWith = (code: string) => {
    const { town, buyer, seller } = street()
    town.offer(seller)
    town.want(buyer)
    town.settle()
    town.pass(SEARCH_MS)
    const { draft } = only(holdBack(town, 'confirm'))
    const envelope = town.envelopeOf(buyer, draft)
    const row = buyer.trading.messages.get('beckn.confirm')
    town.keep(buyer, row?.undelivered?.({ envelope, refusal: { code, message: 'no' } }) ?? expect.fail('no row'))
    return { town, buyer }
  }

  test.each([
    'BIZ_QUOTE_EXPIRED_OR_CHANGED',
    'POL_COUNTERPARTY',
    'CTX_TRANSACTION_ID_UNKNOWN',
    'AUT_SIGNATURE_INVALID',
  ])('that judges the trade ends it (%s)', code => {
    expect(only(refusedWith(code).buyer.store.trades(ALL)).state).toBe('refused')
  })

  test.each(['ENV_EXPIRED', 'ENV_TOO_LARGE', 'INBOX_BUSY', 'INBOX_FAILED', 'CTX_TTL_EXPIRED', 'AUT_RATE_LIMITED'])(
    'that is about the message alone leaves it open, and the seller is asked (%s)',
    code => {
      const { town, buyer } = refusedWith(code)
      expect(only(buyer.store.trades(ALL)).state).toBe('confirming')
      town.pass(STEP_MS)
      expect(town.take().map(({ draft }) => draft.type)).toEqual(['beckn.status'])
    },
  )
})

describe('what is kept of catalogs', () => {
  const slots = (count: number, offerId: string, from = 0) =>
    Array.from({ length: count }, (_, i) => ({
      offerId,
      priceMicro: 100_000,
      availableWh: 1_000,
      slot: { ...SLOT, startMs: SLOT.startMs + (from + i) * SLOT.durationMs },
    }))

  test('of one version grows to what a catalog may hold, without slots that have begun', () => {
    const { town, buyer, seller } = street()
    town.announce(seller, {}, { offers: slots(190, 'known', -3) })
    town.settle()
    const known = buyer.store.catalog(seller.self) ?? expect.fail('no catalog')
    const answered = keepAnswer(buyer.market, { ...known, offers: slots(100, 'more') })
    const fact = answered.facts[0]
    if (fact?.kind !== 'trading.catalog') return expect.fail('nothing kept')
    expect(fact.catalog.offers).toHaveLength(192)
    expect(fact.catalog.offers.filter(({ slot }) => slot.startMs <= town.now())).toEqual([])
    const few = keepAnswer(buyer.market, { ...known, offers: slots(1, 'more') }).facts[0]
    expect(few?.kind === 'trading.catalog' && few.catalog.offers).toHaveLength(1 + 187)
  })

  test('counts for a day at most', () => {
    const { town, buyer, seller } = street()
    town.announce(seller, {}, { validUntilMs: town.now() + 40 * 86_400_000 })
    town.settle()
    const known = buyer.store.catalog(seller.self) ?? expect.fail('no catalog')
    expect(known.validUntilMs).toBe(town.now() + MAX_LIFETIME_MS)
    const [fact] = keepAnswer(buyer.market, { ...known, validUntilMs: Number.MAX_SAFE_INTEGER }).facts
    expect(fact?.kind === 'trading.catalog' && fact.catalog.validUntilMs).toBe(town.now() + MAX_LIFETIME_MS)
  })

  test('from one page is the highest version of a seller, in whatever order they stand there', () => {
    const { town, buyer, seller, others } = street(['neighbour'])
    const [neighbour] = others as [Party]
    town.announce(seller, { priceMicro: 2 }, { version: town.now() + 2 })
    town.announce(seller, { priceMicro: 1 }, { version: town.now() + 1 })
    const envelopes = town.take().map(({ draft }) => canonical(town.envelopeOf(seller, draft) as never))
    town.keep(buyer, buyer.trading.joined(neighbour.self))
    town.settle(({ draft }) => draft.type === 'catalog.page')
    const page = town.sent.find(({ draft }) => draft.type === 'catalog.page') ?? expect.fail('no page')
    const payload = { ...page.draft.payload, envelopes } as JsonObject
    expect(town.deliver({ from: neighbour, draft: { ...page.draft, payload } }, buyer).status).toBe('ACK')
    expect(buyer.store.catalog(seller.self)?.offers[0]?.priceMicro).toBe(2)
    expect(buyer.store.signedCatalog(seller.self)?.version).toBe(town.now() + 2)
    expect(buyer.trading.offers({})).toHaveLength(1)
  })

  test('an answer to a search for no slot is a sample', () => {
    const { town, buyer, seller } = street()
    town.offer(seller, {}, { offers: slots(40, 'week') })
    town.take()
    town.want(buyer, 1)
    const search = only(town.take())
    const intent = { intent: { filters: { type: 'jsonpath', expression: '$.catalogs[*]' } } }
    town.deliver(withMessage(search, intent), seller)
    const answer = only(town.take())
    town.deliver(answer, buyer)
    expect(buyer.store.catalog(seller.self)?.offers).toHaveLength(16)
  })
})

test('a pull that came to nothing is made of the next that connects', () => {
  const { town, buyer } = street()
  const asks = (name: string): readonly Sent[] => {
    town.keep(buyer, buyer.trading.joined(idOf(name)))
    return town.take()
  }
  const asked = ['a', 'b', 'c'].map(name => only(asks(name)))
  expect(asks('d')).toEqual([])
  town.expire(asked[1] ?? expect.fail('not asked'))
  expect(asks('d')).toHaveLength(1)
  expect(asks('e')).toEqual([])
})

describe('of statements', () => {
  function settled(bought = OK(1_000, 0), sold = OK(0, 1_000)) {
    const all = agreedTrade()
    all.deliver(bought, sold)
    all.town.settle()
    all.town.pass(60_000)
    all.town.settle()
    return all
  }

  test('one that was proposed and not answered is proposed again word for word, until it is agreed', async () => {
    const { town, buyer, seller } = settled()
    const propose = async () => {
      await seller.papers.net({ peer: buyer.self })
      return only(town.take())
    }
    const first = await propose()
    town.pass(60_000)
    const second = await propose()
    expect(second.draft.payload).toEqual(first.draft.payload)
    town.deliver(second, buyer)
    town.settle()
    expect(seller.books.statementsWith(buyer.self)).toEqual(buyer.books.statementsWith(seller.self))
    await expect(propose()).rejects.toMatchObject({ code: 'BIZ_INVALID_STATE_TRANSITION' })
  })

  test('one that is booked as paid is told again to who may have missed it, and booked once', async () => {
    const { town, buyer, seller } = settled()
    const paid = (micro: number) => seller.papers.paid({ peer: buyer.self, micro })
    await seller.papers.net({ peer: buyer.self })
    town.settle()
    await paid(100_000)
    const first = only(town.take())
    const booked = seller.books.batches(ALL)
    await paid(100_000)
    expect(seller.books.batches(ALL)).toEqual(booked)
    const again = only(town.take())
    expect(again.draft.payload).toEqual(first.draft.payload)
    await expect(paid(99_999)).rejects.toMatchObject({ code: 'BIZ_INVALID_STATE_TRANSITION' })
    town.deliver(again, buyer)
    town.deliver(again, buyer)
    expect(buyer.books.batches(ALL).filter(({ kind }) => kind === 'payment')).toHaveLength(1)
  })

  test('one about nothing is not waited for', async () => {
    const { town, buyer, seller } = settled(OK(0, 0), OK(0, 0))
    await seller.papers.net({ peer: buyer.self })
    town.settle()
    expect(only(seller.books.statementsWith(buyer.self)).body.amountMicro).toBe(0)
    for (const [self, other] of [
      [buyer, seller],
      [seller, buyer],
    ] as const) {
      const paid = () => self.papers.paid({ peer: other.self, micro: 1 })
      await expect(paid()).rejects.toMatchObject({ code: 'BIZ_INVALID_STATE_TRANSITION' })
    }
  })
})
