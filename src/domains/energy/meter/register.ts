import { wattHoursOver } from '../../../kernel/energy.ts'
import { slotNumberAt, slotStartMs } from '../../../kernel/slot.ts'

/** One counting register of a meter: Wh since ever, sampled now and then. */
export interface Register {
  /** Takes a value seen at `atMs` of market time; answers what is wrong with it, if anything. */
  sample(atMs: number, wh: number): Break | undefined
  /** What it counted in a slot; 'BROKEN': the count breaks off within it; undefined: an edge of the slot is not known. */
  countedWh(slotNumber: number): number | 'BROKEN' | undefined
}

/** A register cannot run backwards, nor faster than the house connection carries: a reset, a new meter or a defect. */
export type Break = 'backwards' | 'jump'

/** How many edges are remembered: a day of quarter-hours, and some. */
const MAX_EDGES = 128

/** More than a house connection carries, and the step of a register that counts whole kWh only. */
const MAX_POWER_W = 100_000
const MAX_STEP_WH = 1_000

interface Sample {
  readonly atMs: number
  readonly wh: number
}

/** The register's value when a slot began, in whole Wh, and how often its count had broken off until then. */
interface Edge {
  readonly wh: number
  readonly breaks: number
}

/**
 * Keeps what the register stood at when each slot began: the value between the samples before and after, by time. Only
 * these edges are rounded, so what is rounded off in one slot is counted in the next. Across a silence longer than a
 * slot nothing is interpolated: nobody knows when the energy flowed.
 */
export function createRegister(slotMs: number): Register {
  const edges = new Map<number, Edge | 'BROKEN'>()
  let last: Sample | undefined
  let breaks = 0

  function remember(before: Sample, after: Sample, broken: boolean): void {
    for (const slot of edgesBetween(before.atMs, after.atMs, slotMs))
      edges.set(slot, broken ? 'BROKEN' : { wh: between(before, after, slotStartMs(slot, slotMs)), breaks })
    for (const oldest of edges.keys()) {
      if (edges.size <= MAX_EDGES) break
      edges.delete(oldest)
    }
  }

  return {
    sample(atMs, wh) {
      const before = last
      const after = { atMs, wh }
      last = after
      // The first one, or a clock that was set back: nothing can be said about the time between.
      if (before === undefined || atMs < before.atMs) return undefined
      const found = breakBetween(before, after)
      if (found !== undefined) breaks++
      if (found !== undefined || atMs - before.atMs <= slotMs) remember(before, after, found !== undefined)
      return found
    },
    countedWh(slotNumber) {
      const [from, to] = [edges.get(slotNumber), edges.get(slotNumber + 1)]
      if (from === 'BROKEN' || to === 'BROKEN') return 'BROKEN'
      if (from === undefined || to === undefined) return undefined
      return from.breaks === to.breaks ? to.wh - from.wh : 'BROKEN'
    },
  }
}

function breakBetween(before: Sample, after: Sample): Break | undefined {
  if (after.wh < before.wh) return 'backwards'
  const possibleWh = MAX_STEP_WH + wattHoursOver(MAX_POWER_W, after.atMs - before.atMs)
  return after.wh - before.wh > possibleWh ? 'jump' : undefined
}

/** The slots that began after `fromMs` and not after `toMs`; of very many, the last. */
function edgesBetween(fromMs: number, toMs: number, slotMs: number): number[] {
  const lastSlot = slotNumberAt(toMs, slotMs)
  const first = Math.max(slotNumberAt(fromMs, slotMs) + 1, lastSlot - MAX_EDGES + 1)
  return Array.from({ length: Math.max(0, lastSlot - first + 1) }, (_, i) => first + i)
}

function between(before: Sample, after: Sample, atMs: number): number {
  const share = (atMs - before.atMs) / (after.atMs - before.atMs)
  return Math.round(before.wh + (after.wh - before.wh) * share)
}
