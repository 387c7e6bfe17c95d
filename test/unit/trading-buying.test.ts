import { describe, expect, test } from 'vitest'
import { catalogMessage } from '../../src/domains/trading/beckn/catalog-body.ts'
import type { Catalog, Need } from '../../src/domains/trading/trade.ts'
import { flowDraft } from '../../src/domains/trading/trader.ts'
import { peerText, type TransactionId } from '../../src/kernel/ids.ts'
import { asBuyer } from '../support/agreed-trade.ts'
import {
  ALL,
  createTown,
  idOf,
  type Party,
  RESERVATION_MS,
  SEARCH_MS,
  type Sent,
  SLOT,
  STEP_MS,
  type TownOptions,
} from '../support/two-markets.ts'

function town(names: readonly string[], options: TownOptions = {}) {
  const town = createTown(names, options)
  const party = (name: string): Party => town.parties.find(one => one.name === name) ?? expect.fail(`no ${name}`)
  return { town, party, search: () => searched(town) }
}

function searched(town: ReturnType<typeof createTown>, lose?: (sent: Sent) => boolean): void {
  town.settle(lose)
  town.pass(SEARCH_MS)
  town.settle(lose)
}

const only = <T>(items: readonly T[]): T => {
  expect(items).toHaveLength(1)
  return items[0] as T
}

const typeIs =
  (type: string) =>
  ({ draft }: Sent): boolean =>
    draft.type === `beckn.${type}`

const purchases = (buyer: Party) =>
  buyer.store.tradesInState('active').map(({ counterparty, energyWh }) => [counterparty, energyWh])

describe('splitting a need', () => {
  test('takes from the cheapest what it has, the rest from the next, the utility last', () => {
    const { town: street, party, search } = town(['buyer', 'a', 'b', 'c', 'utility'])
    street.offer(
      party('utility'),
      { priceMicro: 250_000, availableWh: 10_000 },
      { role: 'utility', sourceType: 'GRID' },
    )
    street.offer(party('c'), { priceMicro: 120_000, availableWh: 200 })
    street.offer(party('a'), { priceMicro: 90_000, availableWh: 300 })
    street.offer(party('b'), { priceMicro: 100_000, availableWh: 400 })
    const need = street.want(party('buyer'), 1_000)
    search()
    expect(purchases(party('buyer'))).toEqual([
      ...[
        [idOf('a'), 300],
        [idOf('b'), 400],
      ],
      ...[
        [idOf('c'), 200],
        [idOf('utility'), 100],
      ],
    ])
    expect(party('buyer').store.need(need)).toMatchObject({ state: 'bought', boughtWh: 1_000 })
    expect(party('buyer').store.tradesOfNeed(need)).toHaveLength(4)
  })

  test('ends in part when not enough is for sale, and says how much is missing and why', () => {
    const { town: street, party, search } = town(['buyer', 'a', 'b'])
    street.offer(party('a'), { availableWh: 300 })
    street.offer(party('b'), { availableWh: 100 })
    const need = street.want(party('buyer'), 1_000)
    search()
    expect(party('buyer').store.need(need)).toMatchObject({
      state: 'part',
      boughtWh: 400,
      reason: '0.6 kWh of 1 kWh are missing: no other offer is left',
    })
  })

  test('is quoted what is left by a seller that has less than its catalog said', () => {
    const { town: street, party, search } = town(['buyer', 'other', 'a', 'b'])
    street.offer(party('a'), { priceMicro: 90_000, availableWh: 1_000 })
    street.offer(party('b'), { priceMicro: 100_000, availableWh: 1_000 })
    street.want(party('buyer'), 800)
    street.settle()
    street.want(party('other'), 700)
    street.settle()
    street.pass(SEARCH_MS)
    // The other is done before the buyer's select arrives.
    const waiting = street.take()
    const [mine, theirs] = [party('buyer'), party('other')].map(from => waiting.filter(sent => sent.from === from))
    for (const sent of theirs ?? []) street.deliver(sent, party('a'))
    street.settle()
    for (const sent of mine ?? []) street.deliver(sent, party('a'))
    street.settle()
    expect(street.refusals).toEqual([])
    expect(purchases(party('other'))).toEqual([[idOf('a'), 700]])
    expect(purchases(party('buyer'))).toEqual([
      [idOf('a'), 300],
      [idOf('b'), 500],
    ])
    search()
  })

  test('prefers an equally dear neighbour to the utility, whatever chance says', () => {
    for (let seed = 0; seed < 8; seed++) {
      const { town: street, party, search } = town(['buyer', 'utility', `neighbour-${seed}`])
      street.offer(party('utility'), { priceMicro: 100_000 }, { role: 'utility' })
      street.offer(party(`neighbour-${seed}`), { priceMicro: 100_000 })
      street.want(party('buyer'))
      search()
      expect(purchases(party('buyer'))).toEqual([[idOf(`neighbour-${seed}`), 1_000]])
    }
  })
})

describe('a search', () => {
  test('closes as soon as every seller the index knows for the slot has answered', () => {
    const { town: street, party } = town(['buyer', 'a', 'b'])
    street.offer(party('a'))
    street.offer(party('b'))
    street.settle()
    const need = street.want(party('buyer'))
    street.settle(({ from, draft }) => from === party('b') && draft.type === 'beckn.on_discover')
    expect(party('buyer').store.need(need)?.searchUntilMs).toBe(street.now() + SEARCH_MS)
    const again = street.want(party('buyer'))
    street.settle()
    expect(party('buyer').store.need(again)?.searchUntilMs).toBe(street.now())
    street.pass(0)
    street.settle()
    expect(party('buyer').store.need(again)?.state).toBe('bought')
  })

  test('asks connected peers of other zones one by one, and waits for them', () => {
    const { town: street, party } = town(['buyer', 'near', 'far'], {
      beyondZone: name => (name === 'buyer' ? [idOf('far')] : []),
      gridFeeMicro: seller => (seller === idOf('far') ? 30_000 : 0),
    })
    street.offer(party('near'), { priceMicro: 140_000 })
    street.settle()
    street.offer(party('far'), { priceMicro: 100_000 })
    street.take()
    const need = street.want(party('buyer'))
    const searches = street.sent.filter(typeIs('discover')).map(({ draft }) => [draft.to, draft.carrier])
    expect(searches).toEqual([
      [undefined, 'orders'],
      [idOf('far'), 'stream'],
    ])
    street.settle(({ from, draft }) => from === party('far') && draft.replyTo === undefined)
    street.pass(SEARCH_MS)
    street.settle()
    expect(party('buyer').store.need(need)?.answered.toSorted()).toEqual([idOf('near'), idOf('far')].toSorted())
    expect(purchases(party('buyer'))).toEqual([[idOf('far'), 1_000]])
  })

  test('that no topic carried, by one who has heard of no seller, goes straight to connected traders', () => {
    const { town: street, party } = town(['buyer', 'seller'], {
      nearby: name => (name === 'buyer' ? [idOf('seller')] : []),
    })
    street.offer(party('seller'))
    const need = street.want(party('buyer'))
    // Neither the catalog nor the search arrives.
    street.take()
    street.pass(SEARCH_MS)
    const [first, ...again] = street.sent.filter(typeIs('discover')).map(({ draft }) => [draft.to, draft.carrier])
    expect([first, again]).toEqual([
      [undefined, 'orders'],
      [
        [undefined, 'orders'],
        [idOf('seller'), 'stream'],
      ],
    ])
    street.settle()
    street.pass(SEARCH_MS)
    street.settle()
    expect(party('buyer').store.need(need)?.state).toBe('bought')
  })

  test('names the slot, and no price', () => {
    const { town: street, party } = town(['buyer', 'seller'])
    street.offer(party('seller'), { offerId: 'late', slot: { ...SLOT, startMs: SLOT.startMs + SLOT.durationMs } })
    street.settle()
    street.want(party('buyer'), 777, 123_456)
    const search = only(street.sent.filter(typeIs('discover')))
    expect(JSON.stringify(search.draft.payload['message'])).toContain('2026-06-01T12:15:00.000Z')
    expect(JSON.stringify(search.draft.payload['message'])).not.toMatch(/123456|0\.123|777/)
    // A seller that has nothing for that slot is silent.
    street.settle()
    expect(street.sent.filter(typeIs('on_discover'))).toEqual([])
  })

  test('of a slot that has begun is refused, and no select follows once it begins', () => {
    const { town: street, party } = town(['buyer', 'seller'])
    street.offer(party('seller'))
    const need = street.want(party('buyer'))
    street.settle()
    street.pass(SLOT.startMs - street.now())
    expect(party('buyer').store.need(need)).toMatchObject({ state: 'failed', reason: 'the slot has begun' })
    expect(street.sent.filter(typeIs('select'))).toEqual([])
    const wanted = { id: crypto.randomUUID(), slot: SLOT, energyWh: 1, maxPriceMicro: 1, reason: '' }
    expect(party('buyer').trading.buy(wanted).answer).toMatchObject({ error: { code: 'BIZ_QUOTE_EXPIRED_OR_CHANGED' } })
  })
})

describe('an answer that does not count', () => {
  const LONGEST_SEARCH_MS = 4 * SEARCH_MS

  test('is that of a peer this one avoids: the search goes on until somebody else is heard', () => {
    const { town: street, party } = town(['buyer', 'avoided', 'slow'], {
      limits: { buyer: { avoidPeers: [idOf('avoided')] } },
    })
    street.offer(party('avoided'), { priceMicro: 1 })
    street.offer(party('slow'))
    street.settle()
    const need = street.want(party('buyer'))
    street.settle(({ from, draft }) => from === party('slow') && draft.type === 'beckn.on_discover')
    expect(street.refusals).toEqual([{ to: idOf('avoided'), type: 'beckn.on_discover', code: 'POL_COUNTERPARTY' }])
    street.pass(SEARCH_MS)
    expect(party('buyer').store.need(need)).toMatchObject({ state: 'searching', answered: [] })
    street.settle()
    street.pass(LONGEST_SEARCH_MS)
    street.settle()
    expect(purchases(party('buyer'))).toEqual([[idOf('slow'), 1_000]])
  })

  test('is a catalog with nothing left for the slot, of whomever; nothing of it is kept', () => {
    const { town: street, party } = town(['buyer', 'loud', 'slow'])
    street.offer(party('slow'))
    street.settle()
    const need = street.want(party('buyer'))
    street.take()
    const later = { ...SLOT, startMs: SLOT.startMs + SLOT.durationMs }
    for (const [i, offer] of [{ slot: later }, { availableWh: 0 }].entries()) {
      const catalog: Catalog = {
        seller: idOf('loud'),
        version: street.now() + i,
        role: 'household',
        sourceType: 'SOLAR',
        currency: 'USD',
        validUntilMs: street.now() + 3_600_000,
        offers: [{ offerId: 'noon', slot: SLOT, priceMicro: 1, availableWh: 1_000, ...offer }],
      }
      const trade = { transactionId: need as TransactionId, role: 'seller', counterparty: idOf('buyer') } as const
      const message = catalogMessage(catalog, 'loud')
      const draft = flowDraft(party('loud').market, trade, 'on_discover', { message })
      expect(street.deliver({ from: party('loud'), draft }, party('buyer')).status).toBe('ACK')
    }
    expect(party('buyer').store.catalog(idOf('loud'))).toBeUndefined()
    street.pass(SEARCH_MS)
    street.settle()
    street.pass(LONGEST_SEARCH_MS)
    street.settle()
    expect(purchases(party('buyer'))).toEqual([[idOf('slow'), 1_000]])
  })
})

describe('a quote at another price than the offer', () => {
  /** A buyer has heard `a` at 0.10 and `b` at 0.12; `a` now asks something else. */
  function changed(priceMicro: number, { energyWh = 1_000, bHasWh = 1_000, maxPriceMicro = 300_000 } = {}) {
    const { town: street, party } = town(['buyer', 'a', 'b'], { gridFeeMicro: () => 5_000 })
    street.offer(party('a'), { priceMicro: 100_000 })
    street.offer(party('b'), { priceMicro: 120_000, availableWh: bHasWh })
    const need = street.want(party('buyer'), energyWh, maxPriceMicro)
    street.settle()
    street.offer(party('a'), { priceMicro }, { version: street.now() + 1 })
    street.take()
    street.pass(SEARCH_MS)
    street.settle()
    const bought = party('buyer')
      .store.tradesInState('active')
      .map(({ counterparty, energyWh: wh, contract }) => [counterparty, wh, contract?.terms.priceMicro])
    return { bought, need: party('buyer').store.need(need) ?? expect.fail('no need'), street, party }
  }
  const told = ({ steps }: Need) => steps.map(({ text }) => text).join('\n')

  test('that is lower is taken', () => {
    const { bought, need } = changed(90_000)
    expect(bought).toEqual([[idOf('a'), 1_000, 90_000]])
    expect(told(need)).toContain('0.095 USD/kWh instead of 0.105 USD/kWh')
  })

  test('that is higher, and still the cheapest, is taken', () => {
    const { bought, need } = changed(119_999)
    expect(bought).toEqual([[idOf('a'), 1_000, 119_999]])
    expect(told(need)).toContain('0.124999 USD/kWh instead of 0.105 USD/kWh')
  })

  test('that is dearer than the next is not, until what the next has is bought', () => {
    expect(changed(130_000).bought).toEqual([[idOf('b'), 1_000, 120_000]])
    const { bought, need } = changed(130_000, { bHasWh: 300 })
    expect(bought).toEqual([
      [idOf('b'), 300, 120_000],
      [idOf('a'), 700, 130_000],
    ])
    expect(need.state).toBe('bought')
  })

  test('that is more than the buyer pays is refused', () => {
    const { bought, need } = changed(130_000, { bHasWh: 300, maxPriceMicro: 134_999 })
    expect(bought).toEqual([[idOf('b'), 300, 120_000]])
    expect(need).toMatchObject({ state: 'part', boughtWh: 300 })
  })

  test('is not gone after without end when sellers raise it each time', () => {
    const { town: street, party } = town(['buyer', 'a', 'b'])
    street.offer(party('a'), { priceMicro: 100_000 })
    street.offer(party('b'), { priceMicro: 110_000 })
    const need = street.want(party('buyer'))
    street.settle()
    street.pass(SEARCH_MS)
    let priceMicro = 110_000
    // Whoever is asked is dearer than the other by then.
    street.settle(({ draft }) => {
      const seller = street.parties.find(one => one.self === draft.to)
      if (draft.type === 'beckn.select' && seller !== undefined) {
        priceMicro += 1_000
        street.offer(seller, { priceMicro }, { version: street.now() + priceMicro })
      }
      return draft.type === 'beckn.catalog_publish'
    })
    expect(street.sent.filter(typeIs('select'))).toHaveLength(6)
    // Three times each, and then it takes what is left, at what it costs.
    expect(purchases(party('buyer'))).toEqual([[idOf('b'), 1_000]])
    expect(party('buyer').store.need(need)).toMatchObject({ state: 'bought' })
  })
})

describe('limits', () => {
  test('a buyer with a list of neighbours buys of nobody else, and never of whom it avoids', () => {
    const limits = { buyer: { neighbours: [idOf('b'), idOf('c')], avoidPeers: [idOf('c')] } }
    const { town: street, party, search } = town(['buyer', 'a', 'b', 'c'], { limits })
    street.offer(party('a'), { priceMicro: 1 })
    street.offer(party('b'), { priceMicro: 3 })
    street.offer(party('c'), { priceMicro: 2 })
    street.want(party('buyer'))
    search()
    expect(purchases(party('buyer'))).toEqual([[idOf('b'), 1_000]])
  })

  test('a seller does not trade with whom it avoids, whatever it is asked', () => {
    const { town: street, party } = town(['buyer', 'seller'], { limits: { seller: { avoidPeers: [idOf('buyer')] } } })
    street.offer(party('seller'))
    street.want(party('buyer'))
    street.settle()
    street.pass(4 * SEARCH_MS)
    street.pass(4 * SEARCH_MS)
    street.settle()
    expect(street.refusals).toEqual([{ to: idOf('buyer'), type: 'beckn.select', code: 'POL_COUNTERPARTY' }])
    expect(party('seller').store.trades(ALL)).toEqual([])
  })

  test('no more is bought in a slot than the limit says, open needs counted', () => {
    const { town: street, party, search } = town(['buyer', 'seller'], { limits: { buyer: { maxBuyWh: 1_500 } } })
    street.offer(party('seller'), { availableWh: 5_000 })
    street.want(party('buyer'), 1_000)
    const more = { id: crypto.randomUUID(), slot: SLOT, energyWh: 501, maxPriceMicro: 300_000, reason: '' }
    const refusal = { status: 'NACK', error: { code: 'POL_QUANTITY_LIMIT' } }
    expect(party('buyer').trading.buy(more).answer).toMatchObject(refusal)
    search()
    expect(purchases(party('buyer'))).toEqual([[idOf('seller'), 1_000]])
    expect(party('buyer').trading.buy(more).answer).toMatchObject(refusal)
    expect(party('buyer').trading.buy({ ...more, energyWh: 500 }).answer.status).toBe('ACK')
  })

  test('a buyer whose credit does not cover the trade is refused, and goes on with the next seller', () => {
    const { town: street, party, search } = town(['buyer', 'strict', 'kind'], { creditMicro: 99_999 })
    street.offer(party('strict'), { priceMicro: 100_000 })
    street.offer(party('kind'), { priceMicro: 100_001, availableWh: 900 })
    street.want(party('buyer'), 1_000)
    search()
    expect(street.refusals).toEqual([{ to: idOf('buyer'), type: 'beckn.init', code: 'POL_CREDIT_LIMIT' }])
    expect(purchases(party('buyer'))).toEqual([[idOf('kind'), 900]])
  })
})

describe('gate closure', () => {
  test.each(['init', 'confirm'] as const)('a seller refuses %s once the slot has begun', step => {
    const { town: street, party } = town(['buyer', 'seller'])
    street.pass(SLOT.startMs - street.now() - 2 * SEARCH_MS)
    street.offer(party('seller'))
    street.want(party('buyer'))
    street.settle()
    const held: Sent[] = []
    street.pass(SEARCH_MS)
    street.settle(sent => typeIs(step)(sent) && held.push(sent) > 0)
    street.pass(SEARCH_MS)
    const answer = street.deliver(only(held), party('seller'))
    expect(answer).toMatchObject({ error: { code: 'BIZ_QUOTE_EXPIRED_OR_CHANGED', message: 'the slot has begun' } })
    expect(party('seller').store.tradesInState('active')).toEqual([])
    expect(only(party('buyer').store.needs(ALL))).toMatchObject({ state: 'failed', reason: 'the slot has begun' })
  })
})

describe('a buyer that was away', () => {
  test.each(['selecting', 'quoted', 'confirming'] as const)('goes on with the trade it was in: %s', state => {
    const step = { selecting: 'on_select', quoted: 'on_init', confirming: 'on_confirm' }[state]
    const { town: street, party } = town(['buyer', 'seller'])
    street.offer(party('seller'))
    const need = street.want(party('buyer'))
    street.settle()
    street.pass(SEARCH_MS)
    const held: Sent[] = []
    street.settle(sent => typeIs(step)(sent) && held.push(sent) > 0)
    expect(only(party('buyer').store.trades(ALL)).state).toBe(state)
    street.restart(party('buyer'))
    street.deliver(only(held), party('buyer'))
    street.settle()
    expect(party('buyer').store.need(need)).toMatchObject({ state: 'bought', boughtWh: 1_000 })
    expect(only(party('buyer').store.trades(ALL)).state).toBe('active')
  })

  test('goes on with the next offer when the trade it was in is gone', () => {
    const { town: street, party } = town(['buyer', 'a', 'b'])
    street.offer(party('a'), { priceMicro: 1 })
    street.offer(party('b'), { priceMicro: 2 })
    const need = street.want(party('buyer'))
    street.settle()
    street.pass(SEARCH_MS)
    street.take()
    const lost = only(party('buyer').store.trades(ALL))
    party('buyer').apply([{ kind: 'trading.trade', trade: { ...lost, state: 'expired' } }])
    street.restart(party('buyer'))
    street.pass(0)
    street.settle()
    expect(purchases(party('buyer'))).toEqual([[idOf('b'), 1_000]])
    expect(party('buyer').store.need(need)?.state).toBe('bought')
  })

  test('and vanishes after init loses its reservation, is told so, and the next buyer gets the energy', () => {
    const { town: street, party, search } = town(['gone', 'next', 'seller'])
    street.offer(party('seller'))
    street.want(party('gone'))
    searched(street, typeIs('confirm'))
    expect(only(party('seller').store.trades(ALL)).state).toBe('reserved')
    street.pass(RESERVATION_MS + 1)
    expect(only(party('seller').store.trades(ALL))).toMatchObject({ state: 'expired' })
    street.settle(typeIs('status'))
    expect(only(party('gone').store.trades(ALL)).state).toBe('expired')
    street.want(party('next'))
    search()
    expect(purchases(party('next'))).toEqual([[idOf('seller'), 1_000]])
  })
})

test('a need remembers what was decided on its way, and why', () => {
  const { town: street, party } = town(['buyer', 'cheap', 'dear'], { gridFeeMicro: () => 5_000 })
  street.offer(party('cheap'), { priceMicro: 90_000, availableWh: 400 })
  street.offer(party('dear'), { priceMicro: 120_000 })
  const need = street.want(party('buyer'))
  searched(street, ({ from, draft }) => from === party('cheap') && draft.type === 'beckn.on_init')
  street.pass(STEP_MS)
  street.settle()
  const shown = (name: string) => peerText(idOf(name))
  expect(
    party('buyer')
      .store.need(need)
      ?.steps.map(({ text }) => text),
  ).toEqual([
    'wants 1 kWh for at most 0.3 USD/kWh: a test',
    expect.stringContaining('answered the search'),
    `cheapest first: ${shown('cheap')} 0.4 kWh at 0.095 USD/kWh with the grid fee; ${shown('dear')} 1 kWh at 0.125 USD/kWh with the grid fee`,
    `selects 0.4 kWh of ${shown('cheap')} at 0.095 USD/kWh: the cheapest not tried yet`,
    `${shown('cheap')} expired: the seller did not answer in time`,
    `selects 1 kWh of ${shown('dear')} at 0.125 USD/kWh: the cheapest not tried yet`,
    `bought 1 kWh of ${shown('dear')}`,
    'has all it wanted: 1 kWh',
  ])
})

test('a neighbour that has overheard a transaction id cannot occupy it', () => {
  const { town: street, party } = town(['buyer', 'seller', 'squatter'])
  street.offer(party('seller'))
  street.want(party('buyer'))
  street.settle()
  street.pass(SEARCH_MS)
  const select = only(street.take())
  expect(street.deliver(asBuyer(party('squatter'), select), party('seller')).status).toBe('ACK')
  street.take()
  street.deliver(select, party('seller'))
  street.settle()
  expect(purchases(party('buyer'))).toEqual([[idOf('seller'), 1_000]])
})
