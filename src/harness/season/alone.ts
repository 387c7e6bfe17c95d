import { type Battery, gridKwh } from '../../domains/control/offline.ts'
import type { Season } from './homes.ts'
import { DEMAND_CHARGE, type HomeOfSeason, PERIOD_HOURS, type Policy, tariffAt } from './policy.ts'

/** What a battery holds as the season begins. */
export const FIRST_KWH = 0.6

/** What a season came to, each home by itself. */
export interface AloneOutcome {
  readonly total: number
  readonly perHome: Readonly<Record<string, number>>
  /** In all batteries at the end; nobody values it. */
  readonly leftKwh: number
  /** With what is left over in an hour traded among the homes. */
  readonly withTrade: number
  readonly tradedKwh: number
}

export interface AloneOptions {
  readonly battery: Battery
  /** Whether the highest hour of each period costs extra. */
  readonly demandCharge: boolean
  readonly policy: (home: HomeOfSeason) => Policy
  /** What each battery holds as the season begins. */
  readonly firstKwh?: number
}

/** Every home follows the policy by itself through the season. */
export function runAlone(season: Season, options: AloneOptions): AloneOutcome {
  const { battery, demandCharge, policy, firstKwh = FIRST_KWH } = options
  const runs = season.homes.map(({ name, netKwh }) => {
    const run = homeRun({ battery, season, netKwh }, policy({ battery, season, netKwh }), firstKwh)
    const extra = demandCharge ? DEMAND_CHARGE * sum(peaksOf(season, run.grid)) : 0
    return { name, ...run, cost: run.cost + extra }
  })
  const total = sum(runs.map(({ cost }) => cost))
  const { gained, tradedKwh } = traded(season, runs)
  return {
    total,
    perHome: Object.fromEntries(runs.map(({ name, cost }) => [name, cost])),
    leftKwh: sum(runs.map(({ storedKwh }) => storedKwh)),
    withTrade: total - gained,
    tradedKwh,
  }
}

interface HomeRun {
  readonly cost: number
  readonly storedKwh: number
  /** Through the connection, by hour of the season. */
  readonly grid: readonly number[]
}

function homeRun({ battery, season, netKwh }: HomeOfSeason, policy: Policy, firstKwh: number): HomeRun {
  let [cost, storedKwh] = [0, firstKwh]
  const grid: number[] = []
  for (let hour = season.from; hour < season.to; hour++) {
    const end = policy.decide(hour, storedKwh)
    const flow = gridKwh(battery, netKwh[hour] ?? 0, end - storedKwh)
    const { buy, sell } = tariffAt(season, hour)
    const given = end < storedKwh ? (storedKwh - end) * battery.efficiency : 0
    cost += (flow > 0 ? flow * buy : flow * sell) + battery.wear * given
    grid[hour] = flow
    storedKwh = end
    policy.booked?.(hour, flow)
  }
  return { cost, storedKwh, grid }
}

function peaksOf({ from, to }: Season, grid: readonly number[]): number[] {
  const peaks: number[] = []
  for (let hour = from; hour < to; hour++) {
    const period = Math.floor((hour - from) / PERIOD_HOURS)
    peaks[period] = Math.max(peaks[period] ?? 0, grid[hour] ?? 0)
  }
  return peaks
}

function traded(season: Season, runs: readonly HomeRun[]): { readonly gained: number; readonly tradedKwh: number } {
  let [gained, tradedKwh] = [0, 0]
  for (let hour = season.from; hour < season.to; hour++) {
    const flows = runs.map(({ grid }) => grid[hour] ?? 0)
    const kwh = Math.min(sum(flows.filter(flow => flow > 0)), -sum(flows.filter(flow => flow < 0)))
    const { buy, sell } = tariffAt(season, hour)
    gained += kwh * (buy - sell)
    tradedKwh += kwh
  }
  return { gained, tradedKwh }
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
