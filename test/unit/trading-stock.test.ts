import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { backstopId } from '../../src/domains/trading/stock.ts'
import type { Catalog, Offer, Trade } from '../../src/domains/trading/trade.ts'
import type { Snapshot } from '../../src/harness/judge/snapshot.ts'
import { oversoldWh } from '../../src/harness/judge/trade-checks.ts'
import { type Log, silentLog } from '../../src/kernel/log.ts'
import { createTown, type Party, SEARCH_MS, SLOT, START_MS } from '../support/two-markets.ts'

const SLOT_MS = SLOT.durationMs
const NEXT = SLOT.startMs / SLOT_MS

/** Where the slot begins that is so many after the next. */
const later = (slots: number): number => SLOT.startMs + slots * SLOT_MS

/** A household of a town whose agent trades, with 1,000 Wh above its line; the buyers around it have nothing. */
async function home(household: object = {}, roles: readonly string[] = ['household']) {
  const town = createTown(['seller', 'one', 'two'])
  const [seller, ...buyers] = town.parties as [Party, Party, Party]
  const warned: string[] = []
  const log: Log = { ...silentLog, child: () => log, warn: (about: object) => void warned.push(JSON.stringify(about)) }
  const set = { trade: true, capacityWh: 10_000, socPercent: 70, cRate: 4, ...household }
  const options = {
    roles,
    'market.autoOpen': false,
    ...Object.fromEntries(Object.entries(set).map(([key, value]) => [`household.${key}`, value])),
  }
  const { commands, decides } = await town.moveIn(seller, { options, log })

  const offered = (): Record<string, number> =>
    Object.fromEntries((seller.store.catalog(seller.self)?.offers ?? []).map(one => [one.offerId, one.availableWh]))
  return {
    town,
    seller,
    buyers,
    commands,
    warned,
    offered,
    /** The agent decides about the next slot. */
    async decides() {
      await commands.open()
      await decides()
    },
    /** Both buyers want all they can get. */
    soldOut(): number {
      for (const buyer of buyers) town.want(buyer, 5_000)
      for (let turn = 0; turn < 4; turn++) {
        town.settle()
        town.pass(SEARCH_MS)
      }
      return seller.store.tradesInState('active').reduce((sum, trade) => sum + trade.energyWh, 0)
    },
  }
}

describe('what a household offers by itself and what is offered by hand', () => {
  test('is one stock, when the hand comes after the agent: no kWh is sold twice', async () => {
    const { decides, commands, offered, soldOut } = await home()
    await decides()
    expect(offered()).toEqual({ [`household-${NEXT}`]: 1_000 })
    await commands.sell({ energyWh: 400 })
    expect(offered()).toEqual({ [`household-${NEXT}`]: 600, [`manual-${SLOT.startMs}`]: 400 })
    await commands.sell({ energyWh: 300 })
    expect(offered()).toEqual({ [`household-${NEXT}`]: 700, [`manual-${SLOT.startMs}`]: 300 })
    await commands.sell({ energyWh: 1_000 })
    expect(offered()).toEqual({ [`household-${NEXT}`]: 0, [`manual-${SLOT.startMs}`]: 1_000 })
    expect(soldOut()).toBe(1_000)
  })

  test('and when the hand comes first', async () => {
    const { decides, commands, offered, soldOut } = await home()
    await commands.sell({ energyWh: 400 })
    await decides()
    expect(offered()).toEqual({ [`household-${NEXT}`]: 600, [`manual-${SLOT.startMs}`]: 400 })
    expect(soldOut()).toBe(1_000)
  })

  test('what the agent has sold stays sold', async () => {
    const { decides, commands, offered, soldOut } = await home()
    await decides()
    expect(soldOut()).toBe(1_000)
    await commands.sell({ energyWh: 500 })
    expect(offered()).toEqual({ [`household-${NEXT}`]: 1_000, [`manual-${SLOT.startMs}`]: 500 })
  })

  test('what cannot be delivered beside what is sold is refused, and nothing changes', async () => {
    const { decides, commands, offered, soldOut } = await home()
    await decides()
    soldOut()
    // 6,000 Wh above the reserve, 1,000 of them sold.
    await expect(commands.sell({ energyWh: 5_001 })).rejects.toMatchObject({
      code: 'TRADE_NOT_DELIVERABLE',
      message: expect.stringContaining('1 Wh too much'),
    })
    expect(offered()).toEqual({ [`household-${NEXT}`]: 1_000 })
    await commands.sell({ energyWh: 5_000 })
  })

  test('a series is out of one battery: what an early slot takes a later one has no more', async () => {
    const { commands, offered } = await home()
    await expect(commands.sell({ energyWh: 2_001, slots: 3 })).rejects.toMatchObject({
      code: 'TRADE_NOT_DELIVERABLE',
      message: expect.stringContaining('3 Wh too much'),
    })
    await commands.sell({ energyWh: 2_000, slots: 3 })
    expect(Object.values(offered())).toEqual([2_000, 2_000, 2_000])
  })

  test('a later slot that is promised is not sold in an earlier one', async () => {
    const { commands, offered } = await home()
    await commands.sell({ energyWh: 6_000, slotStartMs: later(5) })
    await expect(commands.sell({ energyWh: 1 })).rejects.toMatchObject({ code: 'TRADE_NOT_DELIVERABLE' })
    expect(offered()).toEqual({ [`manual-${later(5)}`]: 6_000 })
    // Less of the later one is more for this one.
    await commands.sell({ energyWh: 5_000, slotStartMs: later(5) })
    await commands.sell({ energyWh: 1_000 })
  })

  test('what is sold of a later slot is promised, on offer or not', async () => {
    const { commands, town, seller, buyers } = await home()
    await commands.sell({ energyWh: 6_000, slotStartMs: later(5) })
    const [buyer] = buyers
    const slot = { ...SLOT, startMs: later(5) }
    town.keep(
      buyer,
      buyer.trading.buy({ id: randomUUID(), slot, energyWh: 6_000, maxPriceMicro: 300_000, reason: 'a test' }),
    )
    town.settle()
    town.pass(SEARCH_MS)
    town.settle()
    expect(seller.store.tradesInState('active')).toMatchObject([{ energyWh: 6_000, slot }])
    await commands.withdraw()
    await expect(commands.sell({ energyWh: 1 })).rejects.toMatchObject({ code: 'TRADE_NOT_DELIVERABLE' })
  })

  test('the agent offers what later promises leave, whichever was first', async () => {
    const before = await home()
    await before.commands.sell({ energyWh: 5_600, slotStartMs: later(5) })
    await before.decides()
    expect(before.offered()).toMatchObject({ [`household-${NEXT}`]: 400 })
    const after = await home()
    await after.decides()
    await after.commands.sell({ energyWh: 5_500, slotStartMs: later(5) })
    expect(after.offered()).toMatchObject({ [`household-${NEXT}`]: 500 })
  })

  test('what nobody bought until its slot began is free again', async () => {
    const { commands, town, offered } = await home()
    await commands.sell({ energyWh: 6_000 })
    const again = () => commands.sell({ energyWh: 6_000, slotStartMs: later(1) })
    await expect(again()).rejects.toMatchObject({ code: 'TRADE_NOT_DELIVERABLE' })
    town.pass(SLOT.startMs - START_MS)
    await again()
    expect(offered()).toMatchObject({ [`manual-${later(1)}`]: 6_000 })
  })

  test('has no room for more than a catalog holds: nothing goes off the market without a word', async () => {
    const { commands, offered } = await home()
    await commands.sell({ energyWh: 100, slots: 12 })
    const before = offered()
    await expect(commands.sell({ energyWh: 100, slots: 12, slotStartMs: later(12) })).rejects.toMatchObject({
      code: 'SCH_INVALID',
      message: expect.stringContaining('12 are on offer already: offer fewer slots'),
    })
    expect(offered()).toEqual(before)
    await commands.sell({ energyWh: 100, slots: 4, slotStartMs: later(12) })
    expect(Object.keys(offered())).toHaveLength(16)
  })

  test('and the agent pushes out nothing that is offered by hand', async () => {
    const { commands, decides, offered, warned } = await home()
    await commands.sell({ energyWh: 10, slots: 12, slotStartMs: later(1) })
    await commands.sell({ energyWh: 10, slots: 4, slotStartMs: later(13) })
    const before = offered()
    await decides()
    expect(warned).toEqual([expect.stringContaining('16 are on offer already')])
    expect(offered()).toEqual(before)
  })

  test('a household whose agent does not trade knows best itself', async () => {
    const { commands, offered } = await home({ trade: false })
    await commands.sell({ energyWh: 50_000 })
    expect(Object.values(offered())).toEqual([50_000])
  })
})

test('a peer that is neither household nor utility sells nothing, and calls itself neither', async () => {
  const { commands, seller } = await home({ trade: false }, ['compute'])
  await expect(commands.sell({ energyWh: 100 })).rejects.toMatchObject({ code: 'TRADE_NO_SELLER' })
  expect(seller.store.catalog(seller.self)).toBeUndefined()
})

test('what is on offer is told with what it costs here, and not once its slot has begun', async () => {
  const { commands, town } = await home({ trade: false })
  await commands.sell({ energyWh: 100, priceMicro: 120_000 })
  expect((await commands.catalogs()).flatMap(({ offers }) => offers)).toMatchObject([
    { availableWh: 100, priceMicro: 120_000, gridFeeMicro: 0, landedMicro: 120_000 },
  ])
  town.pass(SLOT.startMs - START_MS)
  expect((await commands.catalogs()).flatMap(({ offers }) => offers)).toEqual([])
})

test('a utility is never sold out: what one buyer has taken is there for the next', () => {
  const town = createTown(['utility', 'one', 'two', 'three'])
  const [utility, ...buyers] = town.parties as [Party, ...Party[]]
  town.offer(utility, { offerId: backstopId(NEXT), availableWh: 1_000 }, { role: 'utility', sourceType: 'GRID' })
  const needs = buyers.map(buyer => town.want(buyer, 800))
  town.settle()
  town.pass(SEARCH_MS)
  town.settle()
  expect(buyers.map((buyer, i) => buyer.store.need(needs[i] ?? '')?.state)).toEqual(['bought', 'bought', 'bought'])
  expect(utility.store.tradesInState('active').map(({ energyWh }) => energyWh)).toEqual([800, 800, 800])
  // And for the one who searches next.
  expect(town.refusals).toEqual([])
})

describe('a household that is a utility as well', () => {
  const both = () => home({}, ['household', 'utility'])

  test('stays a utility, whatever it offers', async () => {
    const { commands, decides, seller } = await both()
    const said = () => seller.store.catalog(seller.self)
    await decides()
    expect(said()).toMatchObject({ role: 'utility', sourceType: 'GRID', tariff: expect.anything() })
    await commands.sell({ energyWh: 400 })
    expect(said()).toMatchObject({ role: 'utility', sourceType: 'GRID', tariff: expect.anything() })
    expect(
      said()
        ?.offers.map(({ offerId }) => offerId)
        .toSorted(),
    ).toEqual([...[`household-${NEXT}`, `manual-${SLOT.startMs}`, backstopId(NEXT)]])
  })

  test('sells its own kWh once', async () => {
    const { town, commands, decides, seller, buyers } = await both()
    await commands.sell({ energyWh: 400, priceMicro: 1 })
    await decides()
    for (const buyer of buyers) town.want(buyer, 400)
    town.settle()
    town.pass(SEARCH_MS)
    town.settle()
    const byHand = seller.store.tradesInState('active').filter(({ priceMicro }) => priceMicro === 1)
    expect(byHand.map(({ energyWh }) => energyWh)).toEqual([400])
  })

  test('and those of the grid to everybody, which are not out of its battery', async () => {
    const { town, commands, decides, seller, buyers } = await home({ sellPriceMicro: 290_000 }, [
      'household',
      'utility',
    ])
    await decides()
    for (const buyer of buyers) town.want(buyer, 4_000)
    town.settle()
    town.pass(SEARCH_MS)
    town.settle()
    expect(seller.store.tradesInState('active')).toMatchObject([
      { offerId: backstopId(NEXT), energyWh: 4_000 },
      { offerId: backstopId(NEXT), energyWh: 4_000 },
    ])
    await expect(commands.sell({ energyWh: 6_001 })).rejects.toMatchObject({ code: 'TRADE_NOT_DELIVERABLE' })
    await commands.sell({ energyWh: 6_000 })
  })
})

describe('the judge', () => {
  const offer = (offerId: string, availableWh: number): Offer => ({ offerId, slot: SLOT, priceMicro: 1, availableWh })
  const sold = (offerId: string, energyWh: number) =>
    ({ role: 'seller', state: 'active', offerId, slot: SLOT, energyWh }) as Trade
  const peer = (more: Partial<Snapshot>) =>
    ({ roles: ['household'], trades: [], published: [], slots: [], ...more }) as unknown as Snapshot
  const catalogs = (...offers: Offer[][]) => offers.map(one => ({ offers: one }) as unknown as Catalog)

  test('counts a slot over all its offers: what one offer gave up to another was sold once', () => {
    const published = catalogs([offer('own', 1_000)], [offer('own', 0), offer('manual', 1_000)])
    expect(oversoldWh([peer({ published, trades: [sold('manual', 1_000)] })])).toBe(0)
    expect(oversoldWh([peer({ published, trades: [sold('own', 1_000), sold('manual', 1_000)] })])).toBe(1_000)
  })

  test('counts what a household sold and had not, however much it offered; a utility has it', () => {
    const slots = [{ soldWh: 2_000, importedWh: 700 }] as unknown as Snapshot['slots']
    const published = catalogs([offer('own', 1_000), offer('manual', 1_000)])
    const trades = [sold('own', 1_000), sold('manual', 1_000)]
    expect(oversoldWh([peer({ published, trades, slots })])).toBe(700)
    expect(oversoldWh([peer({ published: [], trades, roles: ['utility'] })])).toBe(0)
  })
})
