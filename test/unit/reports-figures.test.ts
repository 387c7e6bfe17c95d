import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  billOf,
  deliveredWh,
  isBinding,
  localShare,
  SILENT_TOO,
  saving,
  selfSufficiency,
  sourcesOf,
  totalsOf,
  tradedWh,
} from '../../src/reports/figures.ts'
import type { BalanceRow, PriceRow, ReportTrade } from '../../src/reports/report-data.ts'

const SLOT_MS = 900_000

function trade(more: Partial<ReportTrade> = {}): ReportTrade {
  return {
    slotStartMs: 0,
    durationMs: SLOT_MS,
    buyer: 'b',
    seller: 's',
    energyWh: 1000,
    priceMicro: 150_000,
    fromUtility: false,
    state: 'active',
    ...more,
  }
}

const row = (more: Partial<BalanceRow> = {}): BalanceRow => ({
  slotStartMs: 0,
  loadWh: 0,
  solarWh: 0,
  boughtWh: 0,
  soldWh: 0,
  importedWh: 0,
  exportedWh: 0,
  ...more,
})

const RETAIL: readonly PriceRow[] = [{ slotStartMs: 0, retailMicro: 250_000 }]

const trades = fc.array(
  fc.record({
    slotStartMs: fc.nat(96).map(slot => slot * SLOT_MS),
    durationMs: fc.constant(SLOT_MS),
    buyer: fc.constantFrom('a', 'b'),
    seller: fc.constantFrom('c', 'd'),
    energyWh: fc.nat(1_000_000),
    priceMicro: fc.nat(1_000_000),
    fromUtility: fc.boolean(),
    state: fc.constantFrom('active', 'settled', 'cancelled', 'quoted'),
  }),
)

test('the reference street comes out as its arithmetic says: two thirds local, 26.7 % saved', () => {
  // 0.15 kWh used a cycle, of which 0.10 can come from neighbours at 0.15, the rest from the utility at 0.25.
  const street = [
    trade({ energyWh: 100 }),
    trade({ energyWh: 50, priceMicro: 250_000, fromUtility: true, seller: 'utility' }),
  ]
  const totals = totalsOf({ trades: street, balance: [row({ loadWh: 150, importedWh: 50 })], prices: RETAIL })
  expect(totals.localShare).toBeCloseTo(2 / 3, 10)
  expect(totals.selfSufficiency).toBeCloseTo(2 / 3, 10)
  expect(totals.saving).toBeCloseTo(0.26667, 4)
  expect(totals).toMatchObject({ tradedWh: 150, billMicro: 27_500, baselineMicro: 37_500 })
  expect(totals.baseline).toContain('retail tariff')
})

test('what was metered counts before what was agreed, also when nothing came', () => {
  expect(deliveredWh({ energyWh: 500, settledWh: 480 })).toBe(480)
  expect(deliveredWh({ energyWh: 500, settledWh: 0 })).toBe(0)
  expect(deliveredWh({ energyWh: 500 })).toBe(500)
})

test.each(['selecting', 'quoted', 'reserved', 'confirming', 'cancelled', 'expired', 'refused'])(
  'a trade that is %s counts for nothing',
  state => {
    expect(isBinding({ state })).toBe(false)
    expect(totalsOf({ trades: [trade({ state })], balance: [], prices: RETAIL })).toEqual({ tradedWh: 0 })
  },
)

test('energy that came through the meter without a trade counts as the utility’s', () => {
  const sources = sourcesOf({ trades: [trade({ energyWh: 300 })], balance: [row({ importedWh: 100 })] })
  expect(sources).toEqual({ neighboursWh: 300, utilityWh: 100, untradedWh: 100, drawnWh: 0 })
  expect(localShare(sources)).toBe(0.75)
})

test('a trade with the utility and the same energy in the balance are not counted twice', () => {
  const bought = trade({ energyWh: 100, fromUtility: true })
  expect(sourcesOf({ trades: [bought], balance: [row({ importedWh: 100 })] }).utilityWh).toBe(100)
})

test('a trade is held against the tariff of its own slot; a slot without a tariff takes the one before it', () => {
  const prices = [
    { slotStartMs: 2 * SLOT_MS, retailMicro: 400_000 },
    { slotStartMs: 0, retailMicro: 200_000 },
  ]
  const at = (slot: number) => billOf([trade({ slotStartMs: slot * SLOT_MS })], prices)?.baselineMicro
  expect([0, 1, 2, 3].map(at)).toEqual([200_000, 200_000, 400_000, 400_000])
})

test('a trade whose price or tariff nobody knows is on neither side of the comparison', () => {
  const { priceMicro: _, ...unpriced } = trade()
  expect(billOf([unpriced], RETAIL)).toBeUndefined()
  expect(billOf([trade()], [])).toBeUndefined()
  expect(billOf([unpriced, trade()], RETAIL)).toEqual(billOf([trade()], RETAIL))
})

test('shares of nothing are unknown, not zero and not NaN', () => {
  expect(localShare({ neighboursWh: 0, utilityWh: 0, drawnWh: 0 })).toBeUndefined()
  expect(selfSufficiency(0, 0)).toBeUndefined()
  expect(saving({ billMicro: 0, baselineMicro: 0 })).toBeUndefined()
})

test('property: whatever was traded, shares lie between 0 and 1 and the parts add up to the whole', () => {
  fc.assert(
    fc.property(trades, some => {
      const { neighboursWh, utilityWh } = sourcesOf({ trades: some, balance: [] })
      expect(neighboursWh + utilityWh).toBe(tradedWh(some))
      const share = localShare({ neighboursWh, utilityWh, drawnWh: 0 })
      expect(share === undefined).toBe(tradedWh(some) === 0)
      expect(share ?? 0).toBeGreaterThanOrEqual(0)
      expect(share ?? 0).toBeLessThanOrEqual(1)
    }),
  )
})

test('property: the order of trades changes nothing', () => {
  fc.assert(
    fc.property(trades, some => {
      const parts = { balance: [], prices: RETAIL }
      expect(totalsOf({ ...parts, trades: some.toReversed() })).toEqual(totalsOf({ ...parts, trades: some }))
    }),
  )
})

test('property: who pays the retail tariff saves nothing, who pays less saves, who pays more loses', () => {
  fc.assert(
    fc.property(trades, fc.integer({ min: 1, max: 1_000_000 }), (some, retailMicro) => {
      const at = (priceMicro: number) => {
        const bill = billOf(
          some.map(one => ({ ...one, priceMicro })),
          [{ slotStartMs: 0, retailMicro }],
        )
        return bill === undefined ? undefined : saving(bill)
      }
      const same = at(retailMicro)
      if (same === undefined) return
      expect(same).toBe(0)
      expect(at(retailMicro - 1)).toBeGreaterThanOrEqual(0)
      expect(at(retailMicro + 1)).toBeLessThanOrEqual(0)
    }),
  )
})

test('what batteries lost counts as used and not local, and is bought back at retail on both sides of the saving', () => {
  const traded = [trade({ energyWh: 600, priceMicro: 150_000 })]
  const totals = totalsOf({ trades: traded, balance: [row({ loadWh: 900 })], prices: RETAIL, drawnWh: 300 })
  expect(totals.localShare).toBeCloseTo(600 / 900, 12)
  expect(totals.selfSufficiency).toBeCloseTo(1 - 300 / 900, 12)
  expect(totals.billMicro).toBe(90_000 + 75_000)
  expect(totals.baselineMicro).toBe(150_000 + 75_000)
  expect(totals.baseline).toBe(SILENT_TOO)
})
