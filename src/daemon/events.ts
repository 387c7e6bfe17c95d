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

/** What was told, the newest of it, and who waits for more. */
interface Ring {
  readonly epochMs: number
  readonly clock: Clock
  readonly kept: DaemonEvent[]
  readonly waiting: Set<() => void>
  /** How many were told in all. */
  last: number
}

/** A bounded ring: observers read at their own pace, and never hold anything up. */
export function createEvents({ epochMs, clock }: { readonly epochMs: number; readonly clock: Clock }): Events {
  const ring: Ring = { epochMs, clock, kept: [], waiting: new Set(), last: 0 }
  return {
    tell: event => tell(event, ring),
    after: (cursor, limit) => after(cursor, limit, ring),
    cursor: () => idOf(ring.last, ring),
    read: ({ after: from = idOf(ring.last, ring), event }, signal) =>
      onlyWanted(event, readAll(from, signal, ring), clock),
  }
}

function idOf(sequence: number, { epochMs }: Ring): string {
  return `${epochMs}.${sequence}`
}

function tell(event: Omit<DaemonEvent, 'id' | 'atMs'>, ring: Ring): void {
  ring.last++
  ring.kept.push({ id: idOf(ring.last, ring), atMs: ring.clock.now(), ...event })
  if (ring.kept.length > MAX_KEPT) ring.kept.shift()
  for (const wake of ring.waiting) wake()
}

function after(cursor: string, limit: number, ring: Ring): ReturnType<Events['after']> {
  const { kept, last, epochMs } = ring
  const oldest = last - kept.length
  const [epoch, sequence = 0] = cursor.split('.').map(Number)
  if (epoch !== epochMs || !(sequence <= last)) {
    // Of another life: what was told there is gone, and of this one all is new.
    return { events: kept.slice(0, limit), missed: { from: cursor, to: idOf(oldest, ring) } }
  }
  const events = kept.slice(Math.max(0, sequence - oldest)).slice(0, limit)
  if (sequence >= oldest) return { events }
  return { events, missed: { from: idOf(sequence + 1, ring), to: idOf(oldest, ring) } }
}

async function* readAll(cursor: string, signal: AbortSignal, ring: Ring): AsyncGenerator<Line, void> {
  yield { cursor }
  for (let at = cursor; !signal.aborted; ) {
    const lines = linesAfter(at, ring)
    // In the same turn as the look, so that nothing is told between the two and slept through.
    if (lines.length === 0 && (await isQuiet(signal, ring))) yield { cursor: at }
    yield* lines
    at = lines.map(cursorOf).at(-1) ?? at
  }
}

function linesAfter(cursor: string, ring: Ring): Line[] {
  const { events, missed } = after(cursor, PAGE, ring)
  return missed === undefined ? events : [{ missed }, ...events]
}

/** Waits until something is told. @returns whether nothing was, for a while */
async function isQuiet(signal: AbortSignal, { waiting, clock }: Ring): Promise<boolean> {
  const over = new AbortController()
  const wake = (): void => over.abort()
  waiting.add(wake)
  signal.addEventListener('abort', wake)
  await clock.sleep(HEARTBEAT_MS, over.signal)
  signal.removeEventListener('abort', wake)
  waiting.delete(wake)
  return !over.signal.aborted
}

/** The lines for whoever wants only some events. */
async function* onlyWanted(
  pattern: string | undefined,
  lines: AsyncIterable<Line>,
  clock: Clock,
): AsyncGenerator<Line, void> {
  const isWanted = matcher(pattern)
  let saidMs = clock.now()
  for await (const line of lines) {
    const isForHere = !('event' in line) || isWanted(line)
    // Others are told much, and whoever reads would hear nothing for minutes.
    if (!isForHere && clock.now() - saidMs < HEARTBEAT_MS) continue
    saidMs = clock.now()
    yield isForHere ? line : { cursor: cursorOf(line) }
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
