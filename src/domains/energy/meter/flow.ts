import { meanWatts } from '../../../kernel/energy.ts'
import type { NetPower } from './meter.ts'

/** What a register counted between two of its samples. */
interface Counted {
  readonly wh: number
  readonly fromMs: number
  readonly toMs: number
}

/** The last minutes of one counting register. */
export interface RecentFlow {
  sample(atMs: number, wh: number): void
  /** Its count broke off: what was before tells nothing any more. */
  forget(): void
  /** The newest stretch of at least `windowMs`; undefined: it was not heard for so long, or is silent now. */
  over(windowMs: number, nowMs: number): Counted | undefined
}

/** Who says nothing for this long is silent, and what it says afterwards is a new beginning. */
const SILENT_MS = 120_000
/** Over how long a mean is taken, at least and at most, and how much longer it is tried next. */
const SHORTEST_MS = 60_000
const LONGEST_MS = 300_000
const LONGER_MS = 10_000
const ENOUGH_WH = 10
/** Of a register that speaks many times a second no more samples are kept than these apart, and the newest. */
const APART_MS = 1_000

export function createFlow(): RecentFlow {
  let samples: { readonly atMs: number; readonly wh: number }[] = []

  return {
    sample(atMs, wh) {
      const [before, last] = [samples.at(-2), samples.at(-1)]
      if (last !== undefined && isFar(atMs, last.atMs)) samples = []
      else if (before !== undefined && last !== undefined && last.atMs - before.atMs < APART_MS) samples.pop()
      samples.push({ atMs, wh })
      // The one at which the longest window begins stays.
      while ((samples[1]?.atMs ?? atMs) <= atMs - LONGEST_MS) samples.shift()
    },
    forget() {
      samples = []
    },
    over(windowMs, nowMs) {
      const last = samples.at(-1)
      if (last === undefined || Math.abs(nowMs - last.atMs) > SILENT_MS) return undefined
      const first = samples.findLast(({ atMs }) => atMs <= last.atMs - windowMs)
      return first && { wh: last.wh - first.wh, fromMs: first.atMs, toMs: last.atMs }
    },
  }
}

/** After a silence, or after a clock that was set back. */
function isFar(atMs: number, lastMs: number): boolean {
  return atMs < lastMs || atMs - lastMs > SILENT_MS
}

/**
 * The power through a connection with a register for each way; one that is not there counts nothing. Most registers
 * count whole Wh, and one of them in a minute is 60 W: as much as a task draws. So the mean is taken over as little of
 * the last one to five minutes as has counted 10 Wh, both ways together, and over five where fewer were counted. Strong
 * flows are known after a minute, to about a tenth; weak ones after five, to some 12 W a register. Undefined before
 * that, and while either register is silent.
 */
export function netPower(
  importing: RecentFlow | undefined,
  exporting: RecentFlow | undefined,
  nowMs: number,
): NetPower | undefined {
  for (let windowMs = SHORTEST_MS; windowMs <= LONGEST_MS; windowMs += LONGER_MS) {
    const nothing = { wh: 0, fromMs: nowMs - windowMs, toMs: nowMs }
    const inward = importing === undefined ? nothing : importing.over(windowMs, nowMs)
    const outward = exporting === undefined ? nothing : exporting.over(windowMs, nowMs)
    if (inward === undefined || outward === undefined) return undefined
    if (inward.wh + outward.wh < ENOUGH_WH && windowMs < LONGEST_MS) continue
    const [fromMs, toMs] = [Math.min(inward.fromMs, outward.fromMs), Math.max(inward.toMs, outward.toMs)]
    return { exportW: watts(outward) - watts(inward), fromMs, toMs }
  }
  return undefined
}

function watts({ wh, fromMs, toMs }: Counted): number {
  return meanWatts(wh, toMs - fromMs)
}
