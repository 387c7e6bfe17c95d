import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { A2A_STREAM, agentsDomain } from '../../src/domains/agents/agents.ts'
import { decide } from '../../src/domains/agents/household/executor.ts'
import { createClient } from '../../src/domains/agents/utility/client.ts'
import { contractMessage, readContract } from '../../src/domains/trading/beckn/contract-body.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import type { JsonObject } from '../../src/kernel/outcome.ts'
import { signedText } from '../../src/protocol/contract.ts'
import { holdBack, OK, withMessage } from '../support/agreed-trade.ts'
import { marketClockOf } from '../support/market-clock.ts'
import { openDomain } from '../support/open-domain.ts'
import { OPEN } from '../support/soc-memory.ts'
import { scratch } from '../support/storm.ts'
import {
  ALL,
  createTown,
  idOf,
  type Party,
  SEARCH_MS,
  type Sent,
  SLOT,
  type TownOptions,
} from '../support/two-markets.ts'

const only = <T>(items: readonly T[]): T => {
  expect(items).toHaveLength(1)
  return items[0] as T
}
const GRID = { role: 'utility', sourceType: 'GRID' } as const
const TARIFF = { retailMicro: 250_000, feedInMicro: 80_000, gridFeeMicro: 30_000 }

function street(names: readonly string[], options: TownOptions = {}) {
  const town = createTown(names, options)
  const party = (name: string): Party => town.parties.find(one => one.name === name) ?? expect.fail(`no ${name}`)
  const search = (lose?: (sent: Sent) => boolean): void => {
    town.settle(lose)
    town.pass(SEARCH_MS)
    town.settle(lose)
  }
  return { town, party, search }
}

const purchases = (buyer: Party) =>
  buyer.store
    .trades(ALL)
    .filter(({ state }) => state === 'active')
    .map(({ counterparty, energyWh }) => [counterparty, energyWh])

describe('what a shortfall costs, in the terms of a seller', () => {
  /** What becomes of an on_init in which the seller names another price of the utility. */
  const answered = (utilityPriceMicro: number, known = true) => {
    const { town, party, search } = street(['buyer', 'seller', 'utility'])
    if (known) town.offer(party('utility'), { priceMicro: 250_000 }, { ...GRID, tariff: TARIFF })
    town.offer(party('seller'))
    town.settle()
    town.want(party('buyer'), 500)
    town.settle()
    town.pass(SEARCH_MS)
    const onInit = only(holdBack(town, 'on_init'))
    const said = readContract(onInit.draft.payload['message'])
    if (typeof said === 'string' || said.shortfall === undefined) return expect.fail('no shortfall')
    const changed = contractMessage({ ...said, shortfall: { ...said.shortfall, utilityPriceMicro } })
    town.deliver(withMessage(onInit, changed), party('buyer'))
    search()
    return party('buyer')
      .store.trades(ALL)
      .find(({ counterparty }) => counterparty === idOf('seller'))
  }

  test('is not signed with a price of the utility below the lowest believed: it would be written away', () => {
    expect(answered(0)).toMatchObject({
      state: 'refused',
      reason: "the seller names 0 USD/kWh as the utility's price, and 0.25 USD/kWh is the lowest known here",
    })
    expect(answered(249_999)?.state).toBe('refused')
    expect(answered(250_000)?.state).not.toBe('refused')
  })

  test('where no utility is known the contract’s own price takes its place', () => {
    expect(answered(99_999, false)).toMatchObject({
      state: 'refused',
      reason: "the seller names 0.099999 USD/kWh as the utility's price, and 0.1 USD/kWh is the lowest known here",
    })
    expect(answered(100_000, false)?.state).not.toBe('refused')
  })
})

describe('terms that the buyer does not sign', () => {
  /** The buyers believe the utility or not; the seller knows of none. */
  function unsigned() {
    const utilities = { buyer: [idOf('utility')], seller: [], other: [] }
    const { town, party, search } = street(['buyer', 'other', 'seller', 'utility'], { utilities })
    town.offer(party('utility'), { priceMicro: 250_000 }, { ...GRID, tariff: TARIFF })
    town.offer(party('seller'))
    town.settle()
    return { town, party, search }
  }

  test('are known to the seller at once, with the reason, and the energy is free again', () => {
    const { town, party, search } = unsigned()
    town.want(party('buyer'), 1_000)
    search()
    const [sale] = party('seller').store.trades(ALL)
    expect(sale).toMatchObject({
      state: 'refused',
      reason:
        "the buyer does not sign: the seller names 0.1 USD/kWh as the utility's price, and 0.25 USD/kWh is the lowest known here",
    })
    town.want(party('other'), 1_000)
    search()
    expect(purchases(party('other'))).toEqual([[idOf('seller'), 1_000]])
  })

  test('are not those that came twice: the buyer has signed', () => {
    const { town, party, search } = unsigned()
    town.want(party('other'), 1_000)
    town.settle()
    town.pass(SEARCH_MS)
    const onInit = only(holdBack(town, 'on_init'))
    town.deliver(onInit, party('other'))
    town.deliver(onInit, party('other'))
    expect(party('seller').store.trades(ALL)).toMatchObject([{ state: 'reserved' }])
    search()
    expect(purchases(party('other'))).toEqual([[idOf('seller'), 1_000]])
  })
})

describe('a stranger that calls itself a utility', () => {
  test('sets no price in the contracts of those who name theirs', () => {
    const believed = { buyer: [idOf('utility')], seller: [idOf('utility')] }
    const { town, party, search } = street(['buyer', 'seller', 'utility', 'liar'], { utilities: believed })
    const free = { retailMicro: 0, feedInMicro: 0, gridFeeMicro: 0, utilityShareMicro: 90_000 }
    town.offer(party('utility'), { priceMicro: 250_000 }, { ...GRID, tariff: TARIFF })
    town.announce(party('liar'), {}, { ...GRID, tariff: free, offers: [] })
    town.offer(party('seller'))
    town.want(party('buyer'), 500)
    search()
    expect(party('seller').store.catalog(idOf('liar'))?.tariff).toEqual(free)
    const { terms } = only(party('buyer').store.tradesInState('active')).contract ?? expect.fail('no contract')
    expect(terms.shortfall.utilityPriceMicro).toBe(250_000)
    expect(terms.utilityShareMicro).toBeUndefined()
  })

  test('sells like any neighbour: it pays the share, and is not the last among equals', () => {
    const { town, party } = street(['buyer', 'utility', 'liar'], { utilities: { buyer: [idOf('utility')] } })
    const tariff = { ...TARIFF, utilityShareMicro: 20_000 }
    town.offer(party('utility'), { priceMicro: 250_000 }, { ...GRID, tariff })
    town.offer(party('liar'), { priceMicro: 230_000 }, { ...GRID, tariff: { ...tariff, retailMicro: 1 } })
    const need = town.want(party('buyer'), 500)
    town.settle()
    town.pass(SEARCH_MS)
    const ranked = party('buyer')
      .store.need(need)
      ?.ranked.map(one => [one.seller, one.role, one.landedMicro])
    expect(ranked).toEqual([
      [idOf('liar'), 'household', 250_000],
      [idOf('utility'), 'utility', 250_000],
    ])
  })
})

describe('the utility as the last resort', () => {
  const lost =
    (...names: string[]) =>
    ({ from, draft }: Sent): boolean =>
      names.includes(from.name) && draft.type === 'beckn.on_discover'

  test('is bought from although its answer was lost, after those who answered', () => {
    const { town, party, search } = street(['buyer', 'a', 'utility'])
    town.offer(party('utility'), { priceMicro: 120_000, availableWh: 5_000 }, GRID)
    town.offer(party('a'), { priceMicro: 150_000, availableWh: 300 })
    town.settle()
    const need = town.want(party('buyer'), 1_000)
    search(lost('utility'))
    expect(purchases(party('buyer'))).toEqual([
      [idOf('a'), 300],
      [idOf('utility'), 700],
    ])
    expect(party('buyer').store.need(need)?.state).toBe('bought')
  })

  test('comes before a cheaper neighbour that did not answer either: that one is likelier gone', () => {
    const { town, party, search } = street(['buyer', 'a', 'b', 'utility'])
    town.offer(party('utility'), { priceMicro: 250_000, availableWh: 5_000 }, GRID)
    town.offer(party('a'), { priceMicro: 150_000, availableWh: 300 })
    town.offer(party('b'), { priceMicro: 140_000, availableWh: 200 })
    town.settle()
    town.want(party('buyer'), 1_000)
    search(lost('utility', 'b'))
    expect(purchases(party('buyer'))).toEqual([
      [idOf('a'), 300],
      [idOf('utility'), 700],
    ])
  })

  /** How a need is ranked in a street of many who offer for less than the utility, when of these only some answer. */
  const rankedAmong = (...answering: string[]) => {
    const ghosts = Array.from({ length: 20 }, (_, i) => `ghost ${i}`)
    const { town, party } = street(['buyer', 'a', 'utility', ...ghosts])
    for (const name of ['a', ...ghosts]) town.offer(party(name), { priceMicro: 100_000 })
    town.offer(party('utility'), { priceMicro: 250_000 }, GRID)
    town.settle()
    const need = town.want(party('buyer'), 1_000)
    const silent = ({ from, draft }: Sent) => draft.type === 'beckn.on_discover' && !answering.includes(from.name)
    for (const ms of [SEARCH_MS, 4 * SEARCH_MS]) {
      town.settle(silent)
      town.pass(ms)
    }
    const sellers =
      party('buyer')
        .store.need(need)
        ?.ranked.map(({ seller }) => seller) ?? []
    return { sellers, utilityAt: sellers.indexOf(idOf('utility')) }
  }

  test('is not behind all who are silent, and of these no more are kept than can be tried', () => {
    const { sellers, utilityAt } = rankedAmong('a')
    expect([sellers.length, sellers[0], utilityAt]).toEqual([17, idOf('a'), 1])
  })

  test('has its place among the few that are kept when nobody answered', () => {
    const { sellers, utilityAt } = rankedAmong()
    expect([sellers.length, utilityAt]).toEqual([16, 15])
  })
})

describe('the utility’s share of a kWh between neighbours', () => {
  const share = { ...TARIFF, utilityShareMicro: 20_000 }

  function traded(sellerMicro = 150_000) {
    const made = street(['buyer', 'seller', 'utility'], {
      gridFeeMicro: seller => (seller === idOf('seller') ? 5_000 : 0),
    })
    const { town, party, search } = made
    town.offer(party('utility'), { priceMicro: 250_000, availableWh: 5_000 }, { ...GRID, tariff: share })
    town.offer(party('seller'), { priceMicro: sellerMicro })
    town.settle()
    const need = town.want(party('buyer'), 1_000)
    search()
    return { ...made, need }
  }

  test('is published with the tariff', () => {
    const { party } = traded()
    expect(party('buyer').store.catalog(idOf('utility'))?.tariff).toEqual(share)
  })

  test('counts in the landed cost: a neighbour dearer with it than the utility is left for the utility', () => {
    const { party, need } = traded(230_001)
    expect(purchases(party('buyer'))).toEqual([[idOf('utility'), 1_000]])
    expect(
      party('buyer')
        .store.need(need)
        ?.ranked.map(({ landedMicro }) => landedMicro),
    ).toEqual([250_000, 255_001])
    expect(purchases(traded(225_000).party('buyer'))).toEqual([[idOf('seller'), 1_000]])
  })

  test('stands in the quote as a line of its own, and in the terms both sign', () => {
    const { town, party } = traded()
    const quote = town.sent.find(({ draft }) => draft.type === 'beckn.on_select')?.draft.payload[
      'message'
    ] as JsonObject
    expect(JSON.stringify(quote)).toContain(
      '"breakup":[{"title":"energy","value":0.15,"currency":"USD"},{"title":"grid fee","value":0.005,"currency":"USD"},' +
        '{"title":"utility share","value":0.02,"currency":"USD"},{"title":"platform fee","value":0,"currency":"USD"}]',
    )
    expect(JSON.stringify(quote)).toContain('"value":0.175,')
    const contract = only(party('seller').store.tradesInState('active')).contract ?? expect.fail('no contract')
    expect(contract.terms).toMatchObject({ priceMicro: 150_000, gridFeeMicro: 5_000, utilityShareMicro: 20_000 })
    expect(party('buyer').store.trades(ALL)[0]?.contract).toEqual(contract)
    expect(signedText(contract.terms)).toContain('"utilityShareMicro":20000')
  })

  test('is no seller’s to change', () => {
    const { town, party } = street(['buyer', 'seller', 'utility'])
    town.offer(party('utility'), { priceMicro: 250_000 }, { ...GRID, tariff: share })
    town.offer(party('seller'))
    town.settle()
    town.want(party('buyer'), 1_000)
    town.settle()
    town.pass(SEARCH_MS)
    const onInit = only(holdBack(town, 'on_init'))
    const said = readContract(onInit.draft.payload['message'])
    if (typeof said === 'string') return expect.fail(said)
    town.deliver(withMessage(onInit, contractMessage({ ...said, utilityShareMicro: 10_000 })), party('buyer'))
    expect(party('buyer').store.trades(ALL)[0]).toMatchObject({
      state: 'refused',
      reason: 'the seller named other terms than it quoted',
    })
  })

  test('is settled with what was delivered; the flows sum to zero and both books know it', () => {
    const { town, party, search } = traded()
    const [buyer, seller] = [party('buyer'), party('seller')]
    buyer.meter = OK(800, 0)
    seller.meter = OK(0, 800)
    town.pass(SLOT.startMs + SLOT.durationMs - town.now())
    search()
    const { settlement } = only(buyer.store.tradesInState('settled'))
    const flows = settlement?.flows ?? expect.fail('no settlement')
    expect(flows.reduce((sum, { micro }) => sum + micro, 0)).toBe(0)
    expect(flows).toContainEqual({
      role: 'utility',
      micro: 16_000,
      description: "the utility's share: 0.8 kWh × 0.02 USD",
    })
    const [batch] = buyer.books.batches(ALL)
    expect(batch?.postings).toContainEqual({ account: 'utility share', micro: 16_000 })
    expect(batch?.postings.reduce((sum, { micro }) => sum + micro, 0)).toBe(0)
    expect(seller.books.batches(ALL)[0]?.postings.map(({ account }) => account)).not.toContain('utility share')
  })

  test('stays in a contract that is made smaller', () => {
    const { town, party } = traded()
    const { transactionId } = only(party('buyer').store.tradesInState('active'))
    town.keep(party('buyer'), party('buyer').trading.reduceTrade(transactionId, 400))
    town.settle()
    const { contract } = only(party('seller').store.tradesInState('active'))
    expect(contract?.terms).toMatchObject({ energyWh: 400, revision: 2, utilityShareMicro: 20_000 })
  })

  test('is told of every offer before it is bought', () => {
    const { party } = traded()
    const { trading } = party('buyer')
    const told = trading.offers({ slot: SLOT }).map(trading.costs())
    expect(told.toSorted((a, b) => a.landedMicro - b.landedMicro)).toEqual([
      { priceMicro: 150_000, gridFeeMicro: 5_000, utilityShareMicro: 20_000, landedMicro: 175_000 },
      { priceMicro: 250_000, gridFeeMicro: 0, landedMicro: 250_000 },
    ])
  })
})

test('a strategy sees the cheapest neighbour with its fees', async () => {
  const { town, party } = street(['home', 'near', 'utility'], { beyondZone: () => [idOf('near')] })
  const tariff = { ...TARIFF, gridFeeMicro: 5_000, utilityShareMicro: 20_000 }
  using folder = scratch()
  const strategyFile = folder.path('strategy.mjs')
  writeFileSync(
    strategyFile,
    `export default ({ prices }) => ({ action: 'wait', reason: String(prices.bestOfferMicro) })`,
  )
  const options = { roles: ['household'], 'household.strategyFile': strategyFile, 'market.autoOpen': false }
  const { commands, decides, energy } = await town.moveIn(party('home'), { options })
  town.offer(party('utility'), { priceMicro: 100_000 }, { ...GRID, tariff })
  town.offer(party('near'), { priceMicro: 150_000 })
  town.settle()
  await commands.open()
  await decides()
  expect(energy.read.decisions(9)).toMatchObject([{ action: 'wait', reason: '175000' }])
})

describe('a household’s state of charge', () => {
  const [home, named, other] = ['home', 'named', 'other'].map(idOf) as [PeerId, PeerId, PeerId]

  /** What a utility gets that asks a daemon's agents. */
  async function told(asker: PeerId, household: Readonly<Record<string, unknown>>) {
    const zone = loadConfig('/nowhere', {}).options.network.zone
    const set = Object.entries(household).map(([key, value]) => [`household.${key}`, value])
    const market = marketClockOf(systemClock)
    const { opened, peer } = await openDomain(
      agentsDomain,
      {
        version: '1',
        peer: one => ({ peer: one, roles: ['utility'], zone }),
        peers: () => [],
        nameOf: () => '',
        household: () => ({ socWh: 4_200, nextSlot: market.slotNumber() }),
        request: () => Promise.reject(new Error('a household asks nobody')),
      },
      { name: 'home', clock: systemClock, market, options: { roles: ['household'], ...Object.fromEntries(set) } },
    )
    using _ = peer
    const answer = opened.streams?.[A2A_STREAM] ?? expect.fail('no agent answers')
    const client = createClient({
      send: (_, bytes) => answer(bytes, asker),
      now: systemClock.now,
      newId: randomUUID,
      timeoutMs: 5_000,
      cardAgeMs: 60_000,
      currentSlot: () => market.slot(market.slotNumber() - 1),
    })
    const reply = await client.ask(home, undefined, new AbortController().signal)
    return reply.outcome === 'answered' ? reply.soc.socWh : { asked: reply.asked, card: reply.cardHash !== undefined }
  }

  test('goes to the utility it names, and to nobody else who says to be one', async () => {
    expect(await told(named, { shareSoc: true, utilities: [named] })).toBe(4_200)
    // No matter of its card, so that it is not asked again.
    expect(await told(other, { shareSoc: true, utilities: [named] })).toEqual({ asked: true, card: true })
  })

  test('goes to nobody when it names none, and its card does not offer it', async () => {
    expect(await told(named, { shareSoc: true })).toEqual({ asked: false, card: true })
    expect(await told(named, { utilities: [named] })).toEqual({ asked: false, card: true })
  })

  test('is refused for want of consent, not as to a stranger', () => {
    expect(decide({ ...OPEN, sharesWith: peer => peer === named }, other)).toMatchObject({
      state: 'rejected',
      rejection: 'NO_CONSENT',
      words: expect.stringContaining('the utility it names'),
    })
  })
})
