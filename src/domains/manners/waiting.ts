import type { WaitingWork } from './conditions.ts'
import type { PauseCode, Willingness } from './willingness.ts'

/** Work of others that was held back for its energy alone. Nobody waits: undefined. */
export interface Waiting {
  /** The first refusal. */
  readonly sinceMs: number
  /** When somebody asked last, had work here, or was about to get it. */
  readonly askedMs: number
  /** When it had waited too long, and was taken all the same. */
  readonly takenMs?: number
}

/** Who was refused asks again within minutes; who has not for an hour found somebody else, or this machine slept. */
const GONE_MS = 3_600_000
/** A forced start is over when nobody has asked for this long, and nothing is left to do. */
const QUIET_MS = 5 * 60_000

/** What no wait overrules: a person's word, the machine's good and the comfort of who uses it. */
const IS_FOR_ENERGY: Readonly<Record<PauseCode, boolean>> = {
  MANNERS_STARTING: false,
  MANNERS_NOT_OFFERED: false,
  MANNERS_PAUSED: false,
  MANNERS_HOURS: false,
  MANNERS_ON_BATTERY: false,
  MANNERS_TOO_HOT: false,
  MANNERS_METERED: false,
  MANNERS_NO_MEMORY: false,
  MANNERS_USER_ACTIVE: false,
  MANNERS_CPU_BUSY: false,
  MANNERS_SURPLUS_UNKNOWN: true,
  MANNERS_NO_SURPLUS: true,
  MANNERS_BETTER_USE: true,
  MANNERS_PRICE_UNKNOWN: true,
  MANNERS_PRICE_HIGH: true,
}

/** After somebody asked for work and was answered by this verdict. Who is let in because the energy allows it ends the wait. */
export function afterAsking(waiting: Waiting | undefined, verdict: Willingness, atMs: number): Waiting | undefined {
  if (verdict.allowed && !verdict.forced) return undefined
  const before = isGone(waiting, atMs) ? undefined : waiting
  if (before !== undefined) return { ...before, askedMs: atMs }
  return !verdict.allowed && IS_FOR_ENERGY[verdict.code] ? { sinceMs: atMs, askedMs: atMs } : undefined
}

/** After a look. A forced start ends when the energy allows work again, or when what came is done and nobody asks. */
export function afterLook(
  waiting: Waiting | undefined,
  verdict: Willingness,
  { atMs, hasWork }: { readonly atMs: number; readonly hasWork: boolean },
): Waiting | undefined {
  if (waiting === undefined || isGone(waiting, atMs)) return undefined
  if (!verdict.allowed) return waiting
  if (!verdict.forced) return waiting.takenMs === undefined ? waiting : undefined
  const { takenMs, askedMs } = waiting
  // Who waits hears of it within a minute.
  if (takenMs === undefined || hasWork) return { ...waiting, takenMs: takenMs ?? atMs, askedMs: atMs }
  return atMs - askedMs >= QUIET_MS ? undefined : waiting
}

/** What a decision must know of it. `maxWaitMs` 0: it may wait for ever. */
export function waitingAt(waiting: Waiting | undefined, maxWaitMs: number, atMs: number): WaitingWork | undefined {
  if (maxWaitMs === 0 || waiting === undefined || isGone(waiting, atMs)) return undefined
  const { sinceMs, takenMs } = waiting
  return { sinceMs, latestStartMs: sinceMs + maxWaitMs, ...(takenMs === undefined ? {} : { takenMs }) }
}

/** A clock that was set back tells nothing of how long somebody has waited. */
function isGone(waiting: Waiting | undefined, atMs: number): boolean {
  return waiting !== undefined && (atMs - waiting.askedMs > GONE_MS || atMs < waiting.askedMs)
}
