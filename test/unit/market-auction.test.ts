import { describe, expect, test } from 'vitest'
import { auction, resultHash } from '../../src/domains/market/auction.ts'
import { type Book, idsOf, rootOf } from '../../src/domains/market/book.ts'
import { isOrder, type Order, orderId, type Step } from '../../src/domains/market/order.ts'
import type { Line } from '../../src/domains/market/pairing.ts'
import { orderSides, orderSteps } from '../../src/domains/market/steps.ts'
import { type Random, seededRandom, shuffled } from '../../src/kernel/random.ts'
import { book, buyer, order, SLOT, seller, tariff } from '../support/market-orders.ts'

const contractsOf = (one: Book) => auction(one).result.contracts
const pricesOf = (one: Book) => auction(one).result.prices

describe('an order', () => {
  test.each<[string, object, boolean]>([
    ['with both sides', { buy: [[200_000, 100]], sell: [[210_000, 100]] }, true],
    ['with nothing, which withdraws', {}, true],
    ['that would trade with itself', { buy: [[210_000, 1]], sell: [[210_000, 1]] }, false],
    [
      'whose limits to buy rise',
      {
        buy: [
          [1, 1],
          [2, 1],
        ],
      },
      false,
    ],
    [
      'whose limits to sell fall',
      {
        sell: [
          [2, 1],
          [1, 1],
        ],
      },
      false,
    ],
    ['of nine steps', { sell: Array.from({ length: 9 }, (_, i) => [i, 1]) }, false],
    ['of less than nothing', { buy: [[1, -1]] }, false],
    ['of a part of a watt-hour', { buy: [[1, 0.5]] }, false],
    ['beyond all bounds', { buy: [[1_000_000_001, 1]] }, false],
    ['of a number too high', { seq: 1_000_001 }, false],
    ['of a zone that is no name', { zone: 'ü' }, false],
    ['that says more', { tip: 1 }, false],
    ['of a slot of no length', { slot: { ...SLOT, durationMs: 0 } }, false],
  ])('%s: %o is valid: %s', (_, more, valid) => {
    expect(isOrder({ ...order('a'), ...more })).toBe(valid)
  })

  test('is no text, no list and nothing', () => {
    for (const value of ['', [], null, undefined, 7]) expect(isOrder(value)).toBe(false)
  })
})

describe('inside a zone', () => {
  test('as much as pays is traded, at the middle of what nobody outside would upset', () => {
    const one = book([buyer('b', [200_000, 300]), seller('s', [100_000, 300]), seller('dear', [190_000, 100])])
    // The dear seller stays out as long as the price is not above its limit.
    expect(pricesOf(one)).toEqual([['', 145_000]])
    expect(contractsOf(one)).toEqual([['b', 's', 300, 145_000, 0, 0]])
  })

  test('what is short is shared in proportion, and the dearest ask above the price is left alone', () => {
    const one = book([buyer('x', [250_000, 300]), buyer('y', [250_000, 100]), seller('s', [90_000, 200])])
    expect(contractsOf(one).map(([who, , wh]) => [who, wh])).toEqual([
      ['x', 150],
      ['y', 50],
    ])
    // The street is short: a kWh is worth what it costs at the utility.
    expect(pricesOf(one)).toEqual([['', 250_000]])
  })

  test('a unit that cannot be divided goes to the largest remainder, by lot among equals', () => {
    const one = book([...['x', 'y', 'z'].map(who => buyer(who, [250_000, 100])), seller('s', [90_000, 100])])
    const shares = contractsOf(one).map(([, , wh]) => wh)
    expect(shares.toSorted((a, b) => a - b)).toEqual([30, 30, 40])
  })

  test('the tariff bounds both sides: who asks less than feed-in or bids more than retail wins nothing by it', () => {
    const honest = book([buyer('b', [250_000, 100]), seller('s', [80_000, 100])])
    const greedy = book([buyer('b', [900_000, 100]), seller('s', [0, 100])])
    expect(pricesOf(greedy)).toEqual(pricesOf(honest))
    expect(pricesOf(honest)).toEqual([['', 165_000]])
  })

  test('the utility has its share of each kWh, which the buyer pays', () => {
    const one = book([buyer('b', [200_000, 100]), seller('s', [100_000, 100])], [tariff({ shareMicro: 20_000 })])
    expect(contractsOf(one)).toEqual([['b', 's', 100, 140_000, 0, 20_000]])
  })

  test('less than ten watt-hours are not traded', () => {
    expect(contractsOf(book([buyer('b', [200_000, 19]), seller('s', [100_000, 9])]))).toEqual([])
    expect(contractsOf(book([buyer('b', [200_000, 19]), seller('s', [100_000, 19])]))[0]?.[2]).toBe(10)
  })
})

describe('between zones', () => {
  const here = (who: string, ...buy: readonly Step[]): Order => order(who, { zone: 'here', buy })
  const there = (who: string, ...sell: readonly Step[]): Order => order(who, { zone: 'there', sell })

  test('energy goes where it is worth more than the fee, and the prices differ by just that', () => {
    const one = book([here('b', [200_000, 100]), there('s', [100_000, 100])], [tariff({ gridFeeMicro: 30_000 })])
    const { result, gainsMicroWh } = auction(one)
    const prices = new Map(result.prices)
    expect((prices.get('here') ?? 0) - (prices.get('there') ?? 0)).toBe(30_000)
    expect(result.contracts).toEqual([['b', 's', 100, prices.get('there'), 30_000, 0]])
    expect(gainsMicroWh).toBe(BigInt(100 * (200_000 - 100_000 - 30_000)))
  })

  test('it does not where the fee eats the gain', () => {
    const one = book([here('b', [120_000, 100]), there('s', [100_000, 100])], [tariff({ gridFeeMicro: 20_000 })])
    expect(contractsOf(one)).toEqual([])
  })

  test('without a tariff zones are apart', () => {
    expect(contractsOf(book([here('b', [200_000, 100]), there('s', [100_000, 100])], []))).toEqual([])
  })
})

describe('who has said more than one thing', () => {
  const s = seller('s', [100_000, 100])

  test('is taken at the latest', () => {
    const late = { ...buyer('b', [200_000, 50]), seq: 2 }
    expect(contractsOf(book([buyer('b', [200_000, 100]), late, s]))[0]?.[2]).toBe(50)
  })

  test('under one number is out, and so is who has said too much', () => {
    const twice = [buyer('b', [200_000, 100]), buyer('b', [200_000, 90])]
    expect(contractsOf(book([...twice, s]))).toEqual([])
    const often = [1, 2, 3, 4].map(seq => ({ ...buyer('b', [200_000, 100]), seq }))
    expect(contractsOf(book([...often.slice(0, 3), s]))).toHaveLength(1)
    expect(contractsOf(book([...often, s]))).toEqual([])
  })

  test('is in the root all the same: all that was said is', () => {
    const said = [buyer('b', [1, 1]), buyer('b', [2, 1])]
    expect(idsOf(book(said, []))).toEqual(said.map(orderId).toSorted())
    expect(rootOf(SLOT, idsOf(book(said, [])))).not.toBe(rootOf(SLOT, idsOf(book(said.slice(1), []))))
  })
})

/** Any book: several zones, one or two sides each, many steps. */
function anyBook(random: Random): Book {
  const int = (below: number): number => Math.floor(random() * below)
  const orders = Array.from({ length: 2 + int(14) }, (_, i): Order => {
    const middle = 60_000 + int(220_000)
    const steps = (down: boolean): Step[] =>
      Array.from({ length: int(4) }, (_unused, k) => [
        down ? middle - 1 - k * (1 + int(20_000)) * 1 - k : middle + k * (1 + int(20_000)) + k,
        int(900),
      ])
    const buy = orderSteps('buy', steps(true))
    const sell = orderSteps('sell', steps(false))
    return order(`p${i}`, { zone: `z${int(3)}`, buy, sell })
  })
  return book(orders, [tariff({ gridFeeMicro: int(3) * 15_000, shareMicro: int(2) * 5_000 })])
}

describe('any book', () => {
  const books = Array.from({ length: 300 }, (_, i) => anyBook(seededRandom(i)))

  test('is cleared alike in whatever order it was heard', () => {
    for (const [i, one] of books.entries()) {
      const other = { ...one, orders: shuffled(one.orders, seededRandom(i + 1_000)) }
      expect(resultHash(auction(other).result)).toBe(resultHash(auction(one).result))
    }
  })

  test('fills no order beyond what it says', () => {
    for (const one of books) {
      for (const { peer, buy, sell } of one.orders) {
        expect(tradedWh(one, line => line[0] === peer)).toBeLessThanOrEqual(offeredWh(buy))
        expect(tradedWh(one, line => line[1] === peer)).toBeLessThanOrEqual(offeredWh(sell))
      }
    }
  })

  test('makes nobody trade with himself, nor beyond the limits of his order', () => {
    for (const one of books) {
      const limits = new Map(one.orders.map(({ peer, buy, sell }) => [peer, { buy, sell }]))
      for (const [bought, sold, , price, fee, share] of contractsOf(one)) {
        expect(bought).not.toBe(sold)
        expect(price + fee + share).toBeLessThanOrEqual(limits.get(bought)?.buy[0]?.[0] ?? 0)
        expect(price).toBeGreaterThanOrEqual(limits.get(sold)?.sell[0]?.[0] ?? Number.POSITIVE_INFINITY)
      }
    }
  })

  test('gains as much as a plain search of the best matches inside one zone', () => {
    for (const one of books) {
      const together = { ...one, tariffs: one.tariffs.map(t => ({ ...t, gridFeeMicro: 0 })) }
      expect(auction(together).gainsMicroWh).toBe(bestOf(together))
    }
  })
})

function tradedWh(one: Book, isHis: (line: Line) => boolean): number {
  return contractsOf(one)
    .filter(isHis)
    .reduce((sum, [, , energyWh]) => sum + energyWh, 0)
}

function offeredWh(steps: readonly Step[]): number {
  return steps.reduce((sum, [, energyWh]) => sum + energyWh, 0)
}

/** Unit by unit: the dearest bid against the cheapest ask, as long as both gain. */
function bestOf({ orders, tariffs: [t] }: Book): bigint {
  if (t === undefined) return 0n
  const units = (side: 'buy' | 'sell', worth: (limit: number) => number): number[] =>
    orders.flatMap(one => one[side].flatMap(([limit, wh]) => Array(Math.floor(wh / 10)).fill(worth(limit)) as number[]))
  const bids = units('buy', limit => Math.min(limit, t.retailMicro) - t.shareMicro).sort((a, b) => b - a)
  const asks = units('sell', limit => Math.max(limit, t.feedInMicro)).sort((a, b) => a - b)
  return bids.reduce((sum, bid, i) => {
    const ask = asks[i]
    return ask === undefined || bid < ask ? sum : sum + BigInt(10 * (bid - ask))
  }, 0n)
}

test('who would buy and sell at one limit buys just below it, and at none there buys nothing', () => {
  const sides = orderSides({
    buy: [
      [200_000, 10],
      [100_000, 20],
    ],
    sell: [[100_000, 30]],
  })
  expect(sides).toEqual({ buy: [[99_999, 30]], sell: [[100_000, 30]] })
  expect(isOrder(order('a', sides))).toBe(true)
  expect(orderSides({ buy: [[5, 10]], sell: [[0, 10]] })).toEqual({ buy: [], sell: [[0, 10]] })
})

test('an order carries eight steps: what is nearest is joined at the limit that promises less', () => {
  const many = Array.from({ length: 12 }, (_, i): Step => [100_000 + i * i * 1_000, 10])
  const sells = orderSteps('sell', many)
  expect(sells).toHaveLength(8)
  expect(sells.reduce((sum, [, wh]) => sum + wh, 0)).toBe(120)
  expect(sells[0]?.[0]).toBeGreaterThanOrEqual(100_000)
  const buys = orderSteps('buy', many)
  expect(buys.map(([limit]) => limit)).toEqual(buys.map(([limit]) => limit).toSorted((a, b) => b - a))
  expect(isOrder(order('a', { buy: buys })) && isOrder(order('a', { sell: sells }))).toBe(true)
  expect(orderSteps('buy', [[5, 0.9]])).toEqual([])
})
