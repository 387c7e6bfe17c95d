import { meanWatts } from '../../kernel/energy.ts'
import { unroundedCostMicro } from '../../kernel/money.ts'
import { slotStartMs } from '../../kernel/slot.ts'
import type { Machine, WaitingWork } from './conditions.ts'
import { nothingSensed } from './conditions.ts'
import { type History, noHistory, remember, spareWatts } from './history.ts'
import type { Preferences } from './preferences.ts'
import { mayWork, type Willingness } from './willingness.ts'

export interface SlotEnergy {
  readonly loadWh: number
  readonly solarWh: number
}

/** Millionths a kWh. */
export interface SlotPrices {
  /** The best a neighbour pays; without one, the utility's feed-in. */
  readonly sellMicro?: number | undefined
  readonly feedInMicro: number
  readonly buyMicro: number
}

export interface SurplusJob {
  readonly slotMs: number
  readonly preferences: Preferences
  readonly machine: Machine
  /** How much energy the waiting work takes in all. */
  readonly workWh: number
  /** After the first slot's start; work left then no longer waits for a surplus. */
  readonly latestStartMs?: number | undefined
}

export interface SurplusSlot {
  /** Of the household alone, before any computing; negative: it lacks. */
  readonly surplusW: number
  readonly computedWh: number
  /** The part of it that was not covered by the surplus: what ran on until the stop. */
  readonly uncoveredWh: number
  /** Computed because work must not wait longer; not in `computedWh`. */
  readonly forcedWh: number
  readonly soldWh: number
  /** By computing and selling, less what the computing that was not forced bought. */
  readonly earnedMicro: number
  /** By selling all of the surplus. */
  readonly exportOnlyMicro: number
  /** The last decision of the slot. */
  readonly sentence: string
}

/** How often the simulated daemon looks. Every 5 s as the real one would change nothing: both times are multiples of it. */
const STEP_MS = 30_000
const MS_OF_HOUR = 3_600_000

/**
 * What mode `surplus` makes of a household's day, slot by slot: the daemon's own `remember` and `mayWork`, fed with what
 * its meter would have shown. Load and generation are even within a slot. Energy in Wh (a fraction is left where a slot
 * is not even), money in whole millionths, rounded at each slot's end.
 */
export function surplusDay(
  profile: readonly SlotEnergy[],
  prices: (slot: number) => SlotPrices,
  job: SurplusJob,
): SurplusSlot[] {
  const steps = Math.max(1, Math.round(job.slotMs / STEP_MS))
  const stepMs = job.slotMs / steps
  let day: Day = { history: noHistory, drawW: 0, leftWh: job.workWh }
  return profile.map((energy, slot) => {
    const tally = emptyTally()
    const surplusW = meanWatts(energy.solarWh - energy.loadWh, job.slotMs)
    for (let step = 0; step < steps; step++) {
      const at = { atMs: slotStartMs(slot, job.slotMs) + step * stepMs, surplusW, prices: prices(slot) }
      day = oneStep(day, at, { job, tally, hours: stepMs / MS_OF_HOUR })
    }
    const { earned, exportOnly, ...sums } = tally
    return { surplusW, ...sums, earnedMicro: Math.round(earned), exportOnlyMicro: Math.round(exportOnly) }
  })
}

interface Day {
  readonly history: History
  /** What computing draws since the last decision. */
  readonly drawW: number
  readonly leftWh: number
}

type Tally = ReturnType<typeof emptyTally>

function emptyTally() {
  return { computedWh: 0, uncoveredWh: 0, forcedWh: 0, soldWh: 0, earned: 0, exportOnly: 0, sentence: '' }
}

function oneStep(
  day: Day,
  at: { atMs: number; surplusW: number; prices: SlotPrices },
  { job, tally, hours }: { job: SurplusJob; tally: Tally; hours: number },
): Day {
  const { prices, surplusW } = at
  const energy = { ...prices, surplusW: surplusW - day.drawW, computingW: day.drawW }
  const conditions = {
    atMs: at.atMs,
    minuteOfDay: 0,
    sensed: nothingSensed,
    machine: job.machine,
    energy,
    waiting: day.leftWh > 0 ? waitingOf(job) : undefined,
  }
  const history = remember(day.history, conditions, job.preferences)
  const verdict = mayWork(job.preferences, conditions, history)
  const drawW = Math.min(drawnWatts(verdict, job), day.leftWh / hours)
  const spareWh = Math.max(0, spareWatts(energy) ?? 0) * hours
  const computedWh = drawW * hours
  const soldWh = Math.max(0, spareWh - computedWh)
  const exportMicro = Math.max(prices.sellMicro ?? 0, prices.feedInMicro)
  const forced = verdict.allowed && verdict.forced
  const uncoveredWh = Math.max(0, computedWh - spareWh)

  tally.sentence = verdict.sentence
  tally.exportOnly += unroundedCostMicro(spareWh, exportMicro)
  // A forced start is paid by who wanted it by then, not by the surplus: it leaves the export as it was.
  tally.soldWh += forced ? spareWh : soldWh
  tally.earned += unroundedCostMicro(forced ? spareWh : soldWh, exportMicro)
  if (forced) tally.forcedWh += computedWh
  else {
    tally.computedWh += computedWh
    tally.uncoveredWh += uncoveredWh
    tally.earned += unroundedCostMicro(computedWh, job.preferences.worthMicro)
    tally.earned -= unroundedCostMicro(uncoveredWh, prices.buyMicro)
  }
  return { history, drawW, leftWh: day.leftWh - computedWh }
}

/** The work is there from the first slot on. */
function waitingOf({ latestStartMs }: SurplusJob): WaitingWork | undefined {
  return latestStartMs === undefined ? undefined : { sinceMs: 0, latestStartMs }
}

function drawnWatts(verdict: Willingness, { preferences }: SurplusJob): number {
  return verdict.allowed ? verdict.limits.threads * preferences.taskPowerW : 0
}
