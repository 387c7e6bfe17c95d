import { unitsOf } from '../../kernel/money.ts'
import type { EnergyConditions } from './conditions.ts'
import type { Preferences } from './preferences.ts'

/** What to do with a kWh of surplus, and what each way brings, in millionths. */
export interface BestUse {
  readonly use: 'computing' | 'selling' | 'storing'
  /** Of computing, less what its stop costs. */
  readonly computingMicro: number
  /** The best of the other ways. */
  readonly other: 'selling' | 'storing'
  readonly otherMicro: number
}

/**
 * Computes when, a kWh,
 *
 *     worth − stop  >  max(sell, feed-in, store)      stop = max(0, buy − worth) × deficitSeconds / surplus time
 *
 * `worth` is what the work pays, or what the preferences say, `sell` what a neighbour pays as the slot's contracts prove,
 * `feed-in` what the utility pays for what nobody bought, `store` what the kWh saves later after the battery's losses. The
 * stop: when the surplus ends, work goes on for up to `deficitSeconds` on bought energy; that loss is set against the
 * shortest time a surplus was seen to last, `surplusMinutes`. On equal terms it sells, for that wears nothing; but where
 * no other way brings anything, the surplus would be lost, and any computing is better.
 */
export function bestUse(energy: EnergyConditions, preferences: Preferences): BestUse {
  const { deficitSeconds, surplusMinutes } = preferences
  const worthMicro = energy.workMicro ?? preferences.worthMicro
  const lossMicro = Math.max(0, (energy.buyMicro ?? worthMicro) - worthMicro)
  const share = Math.min(1, deficitSeconds / Math.max(deficitSeconds, surplusMinutes * 60, 1))
  const computingMicro = worthMicro - Math.ceil(lossMicro * share)
  const sellingMicro = Math.max(energy.sellMicro ?? 0, energy.feedInMicro ?? 0)
  const storingMicro = energy.storeMicro ?? 0
  const other = storingMicro > sellingMicro ? 'storing' : 'selling'
  const otherMicro = Math.max(storingMicro, sellingMicro)
  const use = otherMicro === 0 || computingMicro > otherMicro ? 'computing' : other
  return { use, computingMicro, other, otherMicro }
}

/** `0.15`: money a kWh as people write it. */
export function amount(micro: number): string {
  return String(Number(unitsOf(micro).toFixed(4)))
    .replace(/^(-?\d+)$/, '$1.00')
    .replace(/(\.\d)$/, '$10')
}
