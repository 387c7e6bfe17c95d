import type { Clock } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/outcome.ts'

/** What became true, for observers: told after it was kept, numbered, in the past tense. */
export interface DaemonEvent {
  /** `epoch.sequence`: the epoch is the start of this daemon, so that a cursor of a former life is known as one. */
  readonly id: string
  readonly atMs: number
  /** Who tells it: a domain. */
  readonly domain: string
  readonly event: string
  readonly data: JsonObject
}

/** What a cursor missed, because it came back too late: events are kept for a while only. */
export interface Missed {
  readonly from: string
  readonly to: string
}

/** So far everything was told: said where a reader begins, and while nothing happens. */
export interface Reached {
  readonly cursor: string
}

/** What somebody reads: from a cursor on, else from now on; all events, or those of a name, or of a pattern of names: `trade.*`. */
export interface Wanted {
  readonly after?: string | undefined
  readonly event?: string | undefined
}

export type Line = DaemonEvent | { readonly missed: Missed } | Reached

export interface Events {
  tell(told: Omit<DaemonEvent, 'id' | 'atMs'>): void
  /** Those after a cursor, the oldest first, and what was missed before them. */
  after(cursor: string, limit: number): { readonly events: DaemonEvent[]; readonly missed?: Missed }
  /** Where a reader that wants only what is new begins. */
  cursor(): string
  /** Every event that is wanted, as it comes, until the signal. */
  read(wanted: Wanted, signal: AbortSignal): AsyncGenerator<Line, void>
}

const MAX_KEPT = 4_096
const PAGE = 256
/** Whoever reads may take a line for broken that is silent for minutes. */
const HEARTBEAT_MS = 15_000

/** A bounded ring: observers read at their own pace, and never hold anything up. */
export function createEvents({ epochMs, clock }: { readonly epochMs: number; readonly clock: Clock }): Events {
  const kept: DaemonEvent[] = []
  const waiting = new Set<() => void>()
  let last = 0
  const idOf = (sequence: number): string => `${epochMs}.${sequence}`

  function after(cursor: string, limit: number): { events: DaemonEvent[]; missed?: Missed } {
    const oldest = last - kept.length
    const [epoch, sequence = 0] = cursor.split('.').map(Number)
    if (epoch !== epochMs || !(sequence <= last)) {
      // Of another life: what was told there is gone, and of this one all is new.
      return { events: kept.slice(0, limit), missed: { from: cursor, to: idOf(oldest) } }
    }
    const events = kept.slice(Math.max(0, sequence - oldest)).slice(0, limit)
    return sequence >= oldest ? { events } : { events, missed: { from: idOf(sequence + 1), to: idOf(oldest) } }
  }

  /** Waits until something is told. @returns whether nothing was, for a while */
  async function isQuiet(signal: AbortSignal): Promise<boolean> {
    const over = new AbortController()
    const wake = (): void => over.abort()
    waiting.add(wake)
    signal.addEventListener('abort', wake)
    await clock.sleep(HEARTBEAT_MS, over.signal)
    signal.removeEventListener('abort', wake)
    waiting.delete(wake)
    return !over.signal.aborted
  }

  async function* readAll(cursor: string, signal: AbortSignal): AsyncGenerator<Line, void> {
    yield { cursor }
    for (let at = cursor; !signal.aborted; ) {
      const lines = linesAfter(at)
      // In the same turn as the look, so that nothing is told between the two and slept through.
      if (lines.length === 0 && (await isQuiet(signal))) yield { cursor: at }
      yield* lines
      at = lines.map(cursorOf).at(-1) ?? at
    }
  }

  function linesAfter(cursor: string): Line[] {
    const { events, missed } = after(cursor, PAGE)
    return missed === undefined ? events : [{ missed }, ...events]
  }

  return {
    tell(told) {
      last++
      kept.push({ id: idOf(last), atMs: clock.now(), ...told })
      if (kept.length > MAX_KEPT) kept.shift()
      for (const wake of waiting) wake()
    },
    after,
    cursor: () => idOf(last),
    async *read({ after: from = idOf(last), event }, signal) {
      const isWanted = matcher(event)
      let saidMs = clock.now()
      for await (const line of readAll(from, signal)) {
        const isForHere = !('event' in line) || isWanted(line)
        // Others are told much, and whoever reads would hear nothing for minutes.
        if (!isForHere && clock.now() - saidMs < HEARTBEAT_MS) continue
        saidMs = clock.now()
        yield isForHere ? line : { cursor: cursorOf(line) }
      }
    },
  }
}

/** Where whoever has read a line is. */
function cursorOf(line: Line): string {
  if ('missed' in line) return line.missed.to
  return 'id' in line ? line.id : line.cursor
}

/** `trade.*` is whatever begins with `trade.`. */
function matcher(pattern: string | undefined): (one: DaemonEvent) => boolean {
  if (pattern === undefined) return () => true
  if (!pattern.endsWith('*')) return ({ event }) => event === pattern
  const beginning = pattern.slice(0, -1)
  return ({ event }) => event.startsWith(beginning)
}
