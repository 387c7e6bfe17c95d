import {
  type Battery,
  bestEnd,
  expectedValue,
  greedyEnd,
  type Scenario,
  type StoredValue,
  slotBefore,
  type Tariff,
  valueAtEnd,
} from '../../domains/control/offline.ts'
import type { Season } from './homes.ts'

/** What a home's battery does in an hour: the store at its end. */
export interface Policy {
  decide(hour: number, storedKwh: number): number
  /** The hour is over, and so much was taken. */
  booked?(hour: number, gridKwh: number): void
}

/** Everything a policy may know of its home. */
export interface HomeOfSeason {
  readonly battery: Battery
  readonly season: Season
  readonly netKwh: readonly number[]
}

export type PolicyName = 'none' | 'greedy' | 'scenarios' | 'perfect' | 'scenarios minding the peak'

/** How many of the last days stand for what may come. */
export const DAYS = 14
const DAY = 24
/** A charge on the highest hour of each of these periods. */
export const PERIOD_HOURS = 730
export const DEMAND_CHARGE = 10
/** Of last period's peak so much is taken to come again. */
const LIKELY_PEAK = 0.8

export const policies: Readonly<Record<PolicyName, (home: HomeOfSeason) => Policy>> = {
  none: () => ({ decide: (_, storedKwh) => storedKwh }),
  greedy: ({ battery, netKwh }) => ({
    decide: (hour, storedKwh) => greedyEnd(battery, netKwh[hour] ?? 0, storedKwh),
  }),
  scenarios: home => ({ decide: (hour, storedKwh) => reacted(home, hour, { storedKwh }) }),
  perfect,
  'scenarios minding the peak': mindingThePeak,
}

export function tariffAt({ buy, sell }: Season, hour: number): Tariff {
  return { buy: buy[hour] ?? 0, sell: sell[hour] ?? 0 }
}

/** The value of stored energy once this hour is over, from the last days as scenarios of the hours to come. */
export function valueAhead(
  { battery, season }: Pick<HomeOfSeason, 'battery' | 'season'>,
  hour: number,
  scenarioOf: (hour: number, hourBefore: number) => Scenario,
): StoredValue {
  const ahead = Array.from({ length: DAY - 1 }, (_, i) =>
    Array.from({ length: DAYS }, (_, k) => scenarioOf(hour + i + 1, hour + i + 1 - (k + 1) * DAY)),
  )
  return expectedValue(battery, ahead, (season.sell[hour + DAY] ?? 0) * battery.efficiency)
}

interface Now {
  readonly storedKwh: number
  readonly peak?: Tariff['peak']
}

function reacted({ battery, season, netKwh }: HomeOfSeason, hour: number, { storedKwh, peak }: Now): number {
  const priced = (at: number): Tariff => ({
    ...tariffAt(season, at),
    ...(peak === undefined ? {} : { peak }),
  })
  const after = valueAhead({ battery, season }, hour, (at, before) => ({
    netKwh: netKwh[before] ?? 0,
    tariff: priced(at),
  }))
  return bestEnd(battery, after, { netKwh: netKwh[hour] ?? 0, storedKwh, tariff: priced(hour) })
}

/** Knows what comes: what no policy can beat. */
function perfect({ battery, season, netKwh }: HomeOfSeason): Policy {
  const values: StoredValue[] = []
  let after = valueAtEnd(battery, 0)
  for (let hour = season.to - 1; hour >= season.from; hour--) {
    values[hour] = after
    after = slotBefore(after, battery, netKwh[hour] ?? 0, tariffAt(season, hour))
  }
  return {
    decide: (hour, storedKwh) =>
      bestEnd(battery, values[hour] ?? after, {
        netKwh: netKwh[hour] ?? 0,
        storedKwh,
        tariff: tariffAt(season, hour),
      }),
  }
}

function mindingThePeak(home: HomeOfSeason): Policy {
  let [period, highest, lastHighest] = [0, 0, 0]
  return {
    decide(hour, storedKwh) {
      const now = Math.floor((hour - home.season.from) / PERIOD_HOURS)
      if (now > period) [period, highest, lastHighest] = [now, 0, highest]
      const peak = { aboveKwh: Math.max(highest, LIKELY_PEAK * lastHighest), extra: DEMAND_CHARGE }
      return reacted(home, hour, { storedKwh, peak })
    },
    booked(_, gridKwh) {
      highest = Math.max(highest, gridKwh)
    },
  }
}
