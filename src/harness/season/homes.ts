import { CodedError } from '../../kernel/errors.ts'
import { columnsOf } from '../scenario/columns.ts'

/** Homes over a season, hour by hour, and what a kWh costs from the utility and brings. */
export interface Season {
  readonly homes: readonly SeasonHome[]
  readonly buy: readonly number[]
  readonly sell: readonly number[]
  /** The hours that count; those before are only looked back at. */
  readonly from: number
  readonly to: number
}

export interface SeasonHome {
  readonly name: string
  /** Load less sun, kWh in each hour. */
  readonly netKwh: readonly number[]
}

const LOAD = 'households_us_load_hourly_kwh.csv'
const SOLAR = 'households_us_pv_hourly_kwh.csv'
const TARIFF = 'tariff_carbon_hourly_us.csv'
const PRICE = 'import_price_usd_per_kwh'

/** What neighbours' exports bring where nothing else is said. */
export const FEED_IN = 0.08

/** Hours of those homes, by the tables of that name. @throws HARNESS_DATA */
export function readHomes(names: readonly string[], dataFile: (name: string) => string): SeasonHome[] {
  const [load, solar] = [columnsOf(dataFile(LOAD)), columnsOf(dataFile(SOLAR))]
  return names.map(name => {
    const [used, made] = [load.get(name), solar.get(name)]
    if (used === undefined || made === undefined)
      throw new CodedError('HARNESS_DATA', `${LOAD} and ${SOLAR} have no home ${name} in common`)
    return { name, netKwh: used.map((kwh, hour) => kwh - (made[hour] ?? 0)) }
  })
}

/** The time-of-use price of each hour. @throws HARNESS_DATA */
export function readPrices(dataFile: (name: string) => string): readonly number[] {
  const prices = columnsOf(dataFile(TARIFF)).get(PRICE)
  if (prices === undefined) throw new CodedError('HARNESS_DATA', `${TARIFF} has no column ${PRICE}`)
  return prices
}
