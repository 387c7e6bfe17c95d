import type { Clock } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import type { Decided } from '../kernel/outcome.ts'
import type { Round } from './domain.ts'

export interface TickerDeps {
  readonly commit: (decide: () => Decided<never>) => Promise<Decided<never>>
  readonly clock: Clock
  readonly log: Log
}

export interface Ticker extends Part {
  add(domain: string, round: Round<never>): void
  /** Something has changed that a round may be waiting for. */
  changed(): void
  /** Should something have changed, each round that is idle is asked again when it is due. */
  look(): void
  start(): void
  stop(): Promise<void>
}

/** After a round failed it is not tried again before this. */
const FAILED_MS = 1_000

interface Entry {
  readonly domain: string
  readonly round: Round<never>
  running: Promise<void> | undefined
  /** Not before; set when it failed. */
  notBeforeMs: number
  /** Its last turn changed nothing: it rests until something has changed since, or a later moment has come. */
  restsSince: number | undefined
  ranAtMs: number
}

/** When the rounds are asked again though nothing changes. */
interface Alarm {
  readonly atMs: number
  readonly off: AbortController
}

/** What all rounds share. */
interface Ticking extends TickerDeps {
  readonly stopping: AbortController
  /** Counts changes: of memory in a write still open too, which a round may have decided before. */
  changes: number
}

/**
 * Sleeps until the first round is due, and asks again after every change: so no wake-up is lost between a look and its
 * commit, and nobody polls. A round never overlaps itself; one that changes nothing rests until something changes.
 */
export function createTicker({ commit, clock, log }: TickerDeps): Ticker {
  const entries: Entry[] = []
  const stopping = new AbortController()
  const ticking: Ticking = { commit, clock, log, stopping, changes: 0 }
  let started = false
  let alarm: Alarm | undefined
  let looking = false
  /** The changes that were seen when the rounds were asked last. */
  let asked = -1

  /** After a group of writes: one that only the journal knows of brings no moment nearer. */
  function look(): void {
    if (ticking.changes !== asked) askSoon()
  }

  /** Once for all that changes in this turn of the event loop. */
  function askSoon(): void {
    if (looking || !started || stopping.signal.aborted) return
    looking = true
    setImmediate(() => {
      looking = false
      beginWhatIsDue()
    })
  }

  function beginWhatIsDue(): void {
    if (stopping.signal.aborted) return
    asked = ticking.changes
    let nextMs = Number.POSITIVE_INFINITY
    for (const entry of entries) {
      const dueMs = dueOf(entry, ticking)
      if (dueMs <= clock.now()) begin(entry)
      else nextMs = Math.min(nextMs, dueMs)
    }
    if (nextMs < (alarm?.atMs ?? Number.POSITIVE_INFINITY)) arm(nextMs)
  }

  /** An alarm that is not needed any more rings for nothing: most moments come and go before they are waited for. */
  function arm(atMs: number): void {
    alarm?.off.abort()
    const armed: Alarm = { atMs, off: new AbortController() }
    alarm = armed
    void clock.sleep(Math.max(1, atMs - clock.now()), armed.off.signal).then(() => {
      if (armed.off.signal.aborted) return
      alarm = undefined
      beginWhatIsDue()
    })
  }

  function begin(entry: Entry): void {
    entry.running = run(entry, ticking).finally(() => {
      entry.running = undefined
      askSoon()
    })
  }

  return {
    name: 'ticker',
    add: (domain, round) => void entries.push(idle(domain, round)),
    changed: () => void ticking.changes++,
    look,
    start() {
      started = true
      askSoon()
    },
    async stop() {
      stopping.abort()
      alarm?.off.abort()
      await Promise.all(entries.flatMap(({ running }) => running ?? []))
    },
  }
}

function idle(domain: string, round: Round<never>): Entry {
  return { domain, round, running: undefined, notBeforeMs: 0, restsSince: undefined, ranAtMs: 0 }
}

/** Infinity: it runs, rests, or waits for no moment. */
function dueOf(entry: Entry, ticking: Ticking): number {
  if (entry.running !== undefined) return Number.POSITIVE_INFINITY
  try {
    const dueMs = entry.round.due() ?? Number.POSITIVE_INFINITY
    if (entry.restsSince === ticking.changes && dueMs <= entry.ranAtMs) return Number.POSITIVE_INFINITY
    return Math.max(entry.notBeforeMs, dueMs)
  } catch (error) {
    return failed(entry, error, ticking)
  }
}

async function run(entry: Entry, ticking: Ticking): Promise<void> {
  const { round } = entry
  const { commit, clock, stopping } = ticking
  entry.ranAtMs = clock.now()
  let seen = ticking.changes
  try {
    const turn = round.plan === undefined ? round.turn : await round.plan(stopping.signal)
    if (turn !== undefined && !stopping.signal.aborted) {
      await commit(() => {
        stopping.signal.throwIfAborted()
        // A plan has looked before it began to think; what has changed meanwhile it has not seen.
        if (round.plan === undefined) seen = ticking.changes
        return turn()
      })
    }
    // A turn that changed something has counted as a change itself.
    entry.restsSince = seen
  } catch (error) {
    if (!stopping.signal.aborted) failed(entry, error, ticking)
  }
}

function failed(entry: Entry, error: unknown, { clock, log }: Ticking): number {
  entry.notBeforeMs = clock.now() + FAILED_MS
  entry.restsSince = undefined
  const fields = { domain: entry.domain, round: entry.round.name, reason: messageOf(error), err: error }
  log.warn(fields, 'a round failed; it is tried again')
  return entry.notBeforeMs
}
