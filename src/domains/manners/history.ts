import type { Conditions, EnergyConditions, Sensed } from './conditions.ts'
import type { Preferences } from './preferences.ts'

/** What has to be remembered from sample to sample, so that work does not start and stop with every flicker. */
export interface History {
  /** When the last sample was taken. */
  readonly atMs?: number | undefined
  /** Processor use of others, smoothed. */
  readonly otherCpuPercent?: number | undefined
  /** Other programs need the processor. */
  readonly busy: boolean
  readonly hot: boolean
  readonly surplus: SurplusState
}

/** Whether the surplus carries work, and since when it says otherwise. */
export interface SurplusState {
  readonly carries: boolean
  readonly otherwiseSinceMs?: number | undefined
}

export const noHistory: History = { busy: false, hot: false, surplus: { carries: false } }

/** A compiler's burst of a second is no reason to stop; this is what a sample's weight is measured by. */
const CPU_SMOOTHING_MS = 15_000
/** Busy ends at this share of the limit, hot this much below it. */
const QUIET_SHARE = 0.8
const COOLED_C = 8
/** After a longer silence (a laptop that slept) nothing is known to have lasted. */
const MAX_GAP_MS = 60_000

/** The history after one more sample. */
export function remember(history: History, conditions: Conditions, preferences: Preferences): History {
  const gapMs = history.atMs === undefined ? undefined : conditions.atMs - history.atMs
  const seamless = gapMs !== undefined && gapMs >= 0 && gapMs <= MAX_GAP_MS
  const before = seamless ? history : { ...noHistory, hot: history.hot }
  return {
    atMs: conditions.atMs,
    ...processor(before, conditions.sensed, { elapsedMs: seamless ? gapMs : 0, preferences }),
    hot: isHot(before.hot, conditions.sensed.temperatureC, preferences.maxTemperatureC),
    surplus: nextSurplus(before.surplus, conditions.atMs, conditions.energy, preferences),
  }
}

export function isUserActive({ userIdleMs }: Sensed, { idleMinutes }: Preferences): boolean {
  return userIdleMs !== undefined && userIdleMs < idleMinutes * 60_000
}

export function cpuLimitPercent(sensed: Sensed, preferences: Preferences): number {
  return isUserActive(sensed, preferences) ? preferences.activeCpuPercent : preferences.awayCpuPercent
}

function processor(
  before: History,
  sensed: Sensed,
  { elapsedMs, preferences }: { elapsedMs: number; preferences: Preferences },
): Pick<History, 'otherCpuPercent' | 'busy'> {
  const now = sensed.otherCpuPercent
  if (now === undefined) return { otherCpuPercent: undefined, busy: false }
  const weight = 1 - Math.exp(-elapsedMs / CPU_SMOOTHING_MS)
  const smoothed = before.otherCpuPercent === undefined ? now : before.otherCpuPercent * (1 - weight) + now * weight
  const limit = cpuLimitPercent(sensed, preferences)
  return { otherCpuPercent: smoothed, busy: smoothed > (before.busy ? limit * QUIET_SHARE : limit) }
}

function isHot(wasHot: boolean, temperatureC: number | undefined, maxTemperatureC: number): boolean {
  return temperatureC !== undefined && temperatureC > (wasHot ? maxTemperatureC - COOLED_C : maxTemperatureC)
}

/**
 * Hysteresis: work starts when the surplus has exceeded `taskPowerW × surplusFactor` for `surplusMinutes`, and stops
 * when it has not covered a task for `deficitSeconds`. What computing draws is counted back, so that starting does not
 * eat the surplus it was started for: while a task runs, "not covered" is a meter below zero.
 */
function nextSurplus(
  state: SurplusState,
  atMs: number,
  energy: EnergyConditions | undefined,
  preferences: Preferences,
): SurplusState {
  const spareW = spareWatts(energy)
  if (spareW === undefined) return { carries: false }
  const { taskPowerW } = preferences
  const otherwise = state.carries ? spareW < taskPowerW : spareW > neededWatts(preferences)
  if (!otherwise) return { carries: state.carries }
  const sinceMs = state.otherwiseSinceMs ?? atMs
  const lastedMs = state.carries ? preferences.deficitSeconds * 1000 : preferences.surplusMinutes * 60_000
  return atMs - sinceMs >= lastedMs ? { carries: !state.carries } : { ...state, otherwiseSinceMs: sinceMs }
}

/** What there would be to spare if nothing were computed. */
export function spareWatts(energy: EnergyConditions | undefined): number | undefined {
  return energy?.surplusW === undefined ? undefined : energy.surplusW + energy.computingW
}

export function neededWatts({ taskPowerW, surplusFactor }: Preferences): number {
  return taskPowerW * surplusFactor
}
