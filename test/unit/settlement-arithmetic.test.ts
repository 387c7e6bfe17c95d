import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { allocate, throughMeter } from '../../src/domains/books/allocation.ts'
import { balances, balanceWith, batchOf, neighbourAccount } from '../../src/domains/books/ledger.ts'
import { receivedMicro, settle } from '../../src/domains/books/settle.ts'
import type { PeerId, TransactionId } from '../../src/kernel/ids.ts'
import { costMicro } from '../../src/kernel/money.ts'
import type { Allocation, Settlement, Terms } from '../../src/protocol/contract.ts'

const EXAMPLE = fileURLToPath(
  new URL('../../../shared/data/beckn/examples/p2p-on-status-response-settled.json', import.meta.url),
)

const buyer = 'buyer' as PeerId
const seller = 'seller' as PeerId
const base: Terms = {
  contractId: '996d1940-7296-58a6-8e61-22d342915277',
  transactionId: 't' as TransactionId,
  buyer,
  seller,
  offerId: 'o',
  slot: { startMs: 0, durationMs: 900_000 },
  energyWh: 1_000,
  priceMicro: 150_000,
  gridFeeMicro: 30_000,
  currency: 'USD',
  revision: 1,
  shortfall: { utilityPriceMicro: 250_000, penaltyMicro: 50_000, tolerancePercent: 10 },
}
const measured = (energyWh: number): Allocation => ({ energyWh, quality: 'OK' })
const between = (terms: Terms, buyerWh: number, sellerWh: number): Settlement =>
  settle(terms, { buyer: measured(buyerWh), seller: measured(sellerWh) })
const received = (settlement: Settlement) => ({
  buyer: receivedMicro(settlement.flows, 'buyer'),
  seller: receivedMicro(settlement.flows, 'seller'),
  utility: receivedMicro(settlement.flows, 'utility'),
})
const inAll = (settlement: Settlement): number => settlement.flows.reduce((sum, flow) => sum + flow.micro, 0)

describe('what each side owes', () => {
  test('a whole delivery costs its energy and the grid fee, and no more', () => {
    const settlement = between(base, 1_000, 1_000)
    expect(settlement).toMatchObject({ finalWh: 1_000, shortfallWh: 0, quality: 'OK' })
    expect(received(settlement)).toEqual({ buyer: -180_000, seller: 150_000, utility: 30_000 })
  })

  test('what the seller did not deliver comes from the utility, and the seller pays what that costs more', () => {
    const settlement = between(base, 1_000, 600)
    expect(settlement).toMatchObject({ finalWh: 600, shortfallWh: 400 })
    // 400 Wh × 0.25: the buyer pays 0.15 of it, the seller 0.10; 300 Wh are missing beyond the tolerance, at 0.05.
    expect(received(settlement)).toEqual({
      seller: 90_000 - 40_000 - 15_000,
      utility: 18_000 + 100_000,
      buyer: -90_000 - 18_000 - 60_000 + 15_000,
    })
  })

  test('a utility cheaper than the contract costs the seller nothing and the buyer only its price', () => {
    const cheap = { ...base, shortfall: { utilityPriceMicro: 100_000, penaltyMicro: 0, tolerancePercent: 10 } }
    expect(received(between(cheap, 1_000, 600))).toEqual({
      seller: 90_000,
      utility: 18_000 + 40_000,
      buyer: -90_000 - 18_000 - 40_000,
    })
  })

  test('within the tolerance there is no penalty; beyond it only what is missing beyond it counts', () => {
    const free = { ...base, gridFeeMicro: 0, shortfall: { ...base.shortfall, utilityPriceMicro: 150_000 } }
    expect(received(between(free, 1_000, 900)).seller).toBe(135_000)
    expect(received(between(free, 1_000, 880)).seller).toBe(132_000 - 1_000)
  })

  test('a buyer that takes less pays the penalty to its seller', () => {
    expect(received(between(base, 500, 1_000))).toEqual({
      buyer: -75_000 - 15_000 - 20_000,
      seller: 75_000 + 20_000,
      utility: 15_000,
    })
  })

  test('one estimated side makes the settlement an estimate', () => {
    const estimated: Allocation = { energyWh: 900, quality: 'ESTIMATED' }
    expect(settle(base, { buyer: measured(1_000), seller: estimated })).toMatchObject({
      quality: 'ESTIMATED',
      seller: estimated,
      finalWh: 900,
    })
  })

  test('an allocation beyond the contract, or below nothing, does not count', () => {
    expect(between(base, 5_000, 7_000).finalWh).toBe(1_000)
    expect(between(base, -5, 1_000)).toMatchObject({ finalWh: 0, shortfallWh: 0 })
  })
})

describe('the worked settlement', () => {
  const slots = [
    { energyWh: 20_500, buyerWh: 18_500, sellerWh: 19_200, priceMicro: 12_500_000 },
    { energyWh: 15_500, buyerWh: 14_200, sellerWh: 14_700, priceMicro: 14_500_000 },
  ]

  test('comes out as 437.15 with flows that sum to zero', () => {
    expect(workedSettlement(slots)).toEqual({ seller: 437_150_000, buyer: -437_150_000, sum: 0, finalWh: 32_700 })
  })

  describe.skipIf(!existsSync(EXAMPLE))('read from the official example (skipped where it is not at hand)', () => {
    test('gives what the example says its parties receive', () => {
      const { intervals, flows } = officialExample()
      expect(intervals).toEqual(slots)
      const worked = workedSettlement(intervals)
      expect(flows['sellerPlatform']).toBe(worked.seller)
      expect(flows['buyerPlatform']).toBe(worked.buyer)
    })
  })
})

interface WorkedSlot {
  energyWh: number
  buyerWh: number
  sellerWh: number
  priceMicro: number
}

function workedSettlement(slots: readonly WorkedSlot[]) {
  const settlements = slots.map(({ energyWh, priceMicro, buyerWh, sellerWh }) =>
    between({ ...base, energyWh, priceMicro, gridFeeMicro: 0 }, buyerWh, sellerWh),
  )
  const flows = settlements.flatMap(settlement => settlement.flows)
  return {
    seller: receivedMicro(flows, 'seller'),
    buyer: receivedMicro(flows, 'buyer'),
    sum: flows.reduce((sum, flow) => sum + flow.micro, 0),
    finalWh: settlements.reduce((sum, settlement) => sum + settlement.finalWh, 0),
  }
}

function officialExample(): { intervals: WorkedSlot[]; flows: Record<string, number> } {
  interface Official {
    message: {
      contract: {
        commitments: [{ commitmentAttributes: { intervals: { payloads: { type: string; values: [number] }[] }[] } }]
        consideration: [{ considerationAttributes: { revenueFlows: { role: string; value: number }[] } }]
      }
    }
  }
  const { contract } = (JSON.parse(readFileSync(EXAMPLE, 'utf8')) as Official).message
  const intervals = contract.commitments[0].commitmentAttributes.intervals.map(({ payloads }) => {
    const value = (type: string, scale: number): number =>
      Math.round((payloads.find(payload => payload.type === type)?.values[0] ?? Number.NaN) * scale)
    return {
      energyWh: value('REQUESTED_QTY', 1_000),
      buyerWh: value('BUYER_DISCOM_ALLOC', 1_000),
      sellerWh: value('SELLER_DISCOM_ALLOC', 1_000),
      priceMicro: value('PRICE_PER_KWH', 1_000_000),
    }
  })
  const { revenueFlows } = contract.consideration[0].considerationAttributes
  return {
    intervals,
    flows: Object.fromEntries(revenueFlows.map(({ role, value }) => [role, Math.round(value * 1_000_000)])),
  }
}

const wh = fc.nat(50_000_000)
const micro = fc.nat(50_000_000)
const terms = fc
  .record({
    energyWh: wh,
    priceMicro: micro,
    gridFeeMicro: micro,
    utilityPriceMicro: micro,
    penaltyMicro: micro,
    tolerancePercent: fc.nat(100),
  })
  .map(
    ({ utilityPriceMicro, penaltyMicro, tolerancePercent, ...deal }): Terms => ({
      ...base,
      ...deal,
      shortfall: { utilityPriceMicro, penaltyMicro, tolerancePercent },
    }),
  )

describe('whatever is traded and metered', () => {
  test('flows sum to zero, and the smaller allocation is settled', () => {
    fc.assert(
      fc.property(terms, wh, wh, (deal, b, s) => {
        const settlement = between(deal, b, s)
        expect(inAll(settlement)).toBe(0)
        expect(settlement.finalWh).toBe(Math.min(b, s, deal.energyWh))
        expect(settlement.finalWh + settlement.shortfallWh).toBe(settlement.buyer.energyWh)
      }),
    )
  })

  test('who delivers more settles no less and is paid no less; who takes more settles no less', () => {
    fc.assert(
      fc.property(terms, wh, wh, wh, (deal, b, s, more) => {
        const [little, much] = [between(deal, b, s), between(deal, b, s + more)]
        expect(much.finalWh).toBeGreaterThanOrEqual(little.finalWh)
        expect(received(much).seller).toBeGreaterThanOrEqual(received(little).seller)
        expect(between(deal, b + more, s).finalWh).toBeGreaterThanOrEqual(little.finalWh)
      }),
    )
  })

  test('a buyer is never worse off because its seller failed', () => {
    fc.assert(
      fc.property(terms, wh, wh, (deal, b, s) => {
        const kept = received(between(deal, b, deal.energyWh)).buyer
        // Two lines instead of one: each rounds by at most half a millionth.
        expect(received(between(deal, b, s)).buyer).toBeGreaterThanOrEqual(kept - 1)
      }),
    )
  })

  test('the utility gets its price for what it filled in, whoever pays it', () => {
    fc.assert(
      fc.property(terms, wh, wh, (deal, b, s) => {
        const settlement = between(deal, b, s)
        const owed =
          costMicro(settlement.shortfallWh, deal.shortfall.utilityPriceMicro) +
          costMicro(settlement.finalWh, deal.gridFeeMicro)
        expect(Math.abs(received(settlement).utility - owed)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('each side’s books sum to zero in every batch and mirror the other’s', () => {
    fc.assert(
      fc.property(terms, wh, wh, (deal, b, s) => {
        const settlement = between(deal, b, s)
        const [bought, sold] = [batchOf(deal, settlement, buyer, 1), batchOf(deal, settlement, seller, 2)]
        for (const batch of [bought, sold])
          expect(batch.postings.reduce((sum, posting) => sum + posting.micro, 0)).toBe(0)
        expect(balanceWith([bought], seller) + balanceWith([sold], buyer)).toBe(0)
        const others = (sums: ReadonlyMap<string, number>): number => sums.get('utility') ?? 0
        const utility = others(balances([bought])) + others(balances([sold]))
        expect(utility + receivedMicro(settlement.flows, 'utility')).toBe(0)
      }),
    )
  })
})

describe('the books', () => {
  test('name each account once, and say what was bought and what is owed', () => {
    const batch = batchOf(base, between(base, 1_000, 600), buyer, 7)
    expect(batch).toMatchObject({ id: base.contractId, counterparty: seller, atMs: 7, kind: 'settlement' })
    expect(balances([batch])).toEqual(
      new Map([
        ['energy bought', 90_000],
        [neighbourAccount(seller), -75_000],
        ['grid fee', 18_000],
        ['utility', -78_000],
        ['imbalance', 60_000],
        ['penalty', -15_000],
      ]),
    )
  })

  test('are kept by the parties only', () => {
    expect(() => batchOf(base, between(base, 1, 1), 'else' as PeerId, 0)).toThrow(/no party/)
  })

  test('hold nothing for a slot in which nothing flowed and nothing is owed', () => {
    const free = { ...base, shortfall: { ...base.shortfall, penaltyMicro: 0 } }
    expect(batchOf(free, between(free, 0, 0), seller, 0).postings).toEqual([])
  })
})

describe('a meter divided among trades', () => {
  const trade = (name: string, energyWh: number) => ({ contractId: name, energyWh })
  const energies = (allocated: ReadonlyMap<string, Allocation>) =>
    Object.fromEntries([...allocated].map(([id, allocation]) => [id, allocation.energyWh]))

  test('covers every trade whole when it saw enough', () => {
    expect(energies(allocate(900, 'OK', [trade('a', 300), trade('b', 500)]))).toEqual({ a: 300, b: 500 })
  })

  test('gives each its share, and the odd watt-hour to the largest remainder', () => {
    expect(energies(allocate(100, 'OK', [trade('a', 100), trade('b', 100), trade('c', 101)]))).toEqual({
      a: 33,
      b: 33,
      c: 34,
    })
    expect(energies(allocate(1, 'OK', [trade('b', 10), trade('a', 10)]))).toEqual({ a: 1, b: 0 })
  })

  test('says that what it divides is an estimate', () => {
    expect(allocate(5, 'ESTIMATED', [trade('a', 10)]).get('a')).toEqual({
      energyWh: 5,
      quality: 'ESTIMATED',
    })
  })

  test('has nothing for nobody, and nothing to give when it saw nothing', () => {
    expect(allocate(500, 'OK', []).size).toBe(0)
    expect(energies(allocate(0, 'OK', [trade('a', 10), trade('b', 0)]))).toEqual({ a: 0, b: 0 })
  })

  test('conserves energy, never gives a trade more than its own, and does not depend on the order', () => {
    const trades = fc.uniqueArray(fc.record({ contractId: fc.uuid(), energyWh: wh }), {
      selector: one => one.contractId,
      maxLength: 12,
    })
    fc.assert(
      fc.property(trades, fc.nat(200_000_000), (all, meteredWh) => {
        const named = all.map(one => trade(one.contractId, one.energyWh))
        const allocated = allocate(meteredWh, 'OK', named)
        const agreed = named.reduce((sum, one) => sum + one.energyWh, 0)
        const given = [...allocated.values()].reduce((sum, one) => sum + one.energyWh, 0)
        expect(given).toBe(Math.min(meteredWh, agreed))
        for (const one of named) {
          const got = allocated.get(one.contractId)?.energyWh ?? expect.fail('a trade was forgotten')
          expect(got).toBeLessThanOrEqual(one.energyWh)
          const exact = agreed === 0 ? 0 : (one.energyWh * given) / agreed
          expect(Math.abs(got - exact)).toBeLessThan(1)
        }
        expect(energies(allocate(meteredWh, 'OK', named.toReversed()))).toEqual(energies(allocated))
      }),
    )
  })

  test('vouches for energy that a household buys and sells on in one slot', () => {
    const seen = (importWh: number, exportWh: number, boughtWh: number, soldWh: number) => {
      const through = throughMeter({ importWh, exportWh, quality: 'OK' }, { boughtWh, soldWh })
      return { boughtWh: through.importWh, soldWh: through.exportWh }
    }
    expect(seen(0, 200, 300, 500)).toEqual({ boughtWh: 300, soldWh: 500 })
    expect(seen(0, 0, 300, 500)).toEqual({ boughtWh: 300, soldWh: 300 })
    expect(seen(900, 0, 300, 0)).toEqual({ boughtWh: 300, soldWh: 0 })
    expect(seen(0, 100, 0, 400)).toEqual({ boughtWh: 0, soldWh: 100 })
  })
})
