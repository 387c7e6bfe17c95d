import { type Battery, bestEnd, bidOf, gridKwh, type StoredValue, type Tariff } from '../../domains/control/offline.ts'
import { auction, type Order, type Outturn, orderSides } from '../../domains/market/offline.ts'
import { unitsOf } from '../../kernel/money.ts'
import { FIRST_KWH, sum } from './alone.ts'
import type { Season } from './homes.ts'
import { tariffAt, valueAhead } from './policy.ts'

/** What a season came to where every home bids what its battery is worth to it. */
export interface StreetOutcome {
  readonly total: number
  readonly perHome: Readonly<Record<string, number>>
  readonly tradedKwh: number
  readonly leftKwh: number
  /** Of each hour of the season, a kWh. */
  readonly prices: readonly number[]
}

interface Home {
  readonly name: string
  readonly netKwh: readonly number[]
  storedKwh: number
  cost: number
}

const HOUR_MS = 3_600_000
const MICRO = 1_000_000
const WH = 1_000
const UTILITY = 'utility'

/** The street's auction, hour by hour, cleared by what every peer runs; what it leaves is the utility's. */
export function runStreet(season: Season, battery: Battery): StreetOutcome {
  const homes = season.homes.map(({ name, netKwh }): Home => ({ name, netKwh, storedKwh: FIRST_KWH, cost: 0 }))
  const prices: number[] = []
  for (let hour = 0; hour < season.from; hour++) prices[hour] = guess(season, hour)
  let tradedKwh = 0
  for (let hour = season.from; hour < season.to; hour++) {
    const after = valueAhead({ battery, season }, hour, (at, before) => {
      const price = within(prices[before] ?? 0, tariffAt(season, at))
      return { netKwh: 0, tariff: { buy: price, sell: price } }
    })
    const now: Now = { hour, after, battery, tariff: tariffAt(season, hour) }
    const outturn = clearHour(homes, now)
    prices[hour] = unitsOf(outturn.worth.get('') ?? 0)
    tradedKwh += outturn.tradedWh / WH
    for (const home of homes) live(home, now, boughtBy(home, outturn))
  }
  return {
    total: sum(homes.map(({ cost }) => cost)),
    perHome: Object.fromEntries(homes.map(({ name, cost }) => [name, cost])),
    tradedKwh,
    leftKwh: sum(homes.map(({ storedKwh }) => storedKwh)),
    prices,
  }
}

interface Now {
  readonly hour: number
  readonly after: StoredValue
  readonly battery: Battery
  readonly tariff: Tariff
}

/** Before there were auctions: the utility is the other side of what the street lacks or has left. */
function guess(season: Season, hour: number): number {
  const { buy, sell } = tariffAt(season, hour)
  return sum(season.homes.map(({ netKwh }) => netKwh[hour] ?? 0)) > 0 ? buy : sell
}

function within(price: number, { buy, sell }: Tariff): number {
  return Math.min(buy, Math.max(sell, price))
}

function clearHour(homes: readonly Home[], { hour, after, battery, tariff: { buy, sell } }: Now): Outturn {
  const slot = { startMs: hour * HOUR_MS, durationMs: HOUR_MS }
  const orders = homes.map(({ name, netKwh, storedKwh }): Order => {
    const bid = bidOf(battery, after, { netKwh: netKwh[hour] ?? 0, storedKwh, between: [sell, buy] })
    const sides = orderSides({ buy: bid.buy.map(inMicro), sell: bid.sell.map(inMicro) })
    return { slot, peer: name, zone: 'street', seq: 1, ...sides, utility: UTILITY }
  })
  const tariff = {
    slot,
    utility: UTILITY,
    seq: 1,
    feedInMicro: Math.round(sell * MICRO),
    retailMicro: Math.round(buy * MICRO),
    gridFeeMicro: 0,
    shareMicro: 0,
  }
  return auction({ slot, utility: UTILITY, orders, tariffs: [tariff] })
}

function inMicro([limit, kwh]: readonly [number, number]): readonly [number, number] {
  return [Math.round(limit * MICRO), kwh * WH]
}

/** What a home buys of its neighbours; below 0: sells. And what it pays. */
function boughtBy({ name }: Home, { result }: Outturn): { readonly kwh: number; readonly paid: number } {
  let [kwh, paid] = [0, 0]
  for (const [buyer, seller, energyWh, priceMicro] of result.contracts) {
    const sign = buyer === name ? 1 : seller === name ? -1 : 0
    kwh += (sign * energyWh) / WH
    paid += ((sign * energyWh) / WH) * unitsOf(priceMicro)
  }
  return { kwh, paid }
}

/** The battery follows the meter; what was not traded is taken from the utility, or given to it. */
function live(home: Home, { hour, after, battery, tariff }: Now, bought: { kwh: number; paid: number }): void {
  const netKwh = (home.netKwh[hour] ?? 0) - bought.kwh
  const end = bestEnd(battery, after, { netKwh, storedKwh: home.storedKwh, tariff })
  const grid = gridKwh(battery, netKwh, end - home.storedKwh)
  home.cost += bought.paid + (grid > 0 ? grid * tariff.buy : grid * tariff.sell)
  home.storedKwh = end
}
