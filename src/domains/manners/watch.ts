import { type Clock, repeat } from '../../kernel/clock.ts'
import { messageOf } from '../../kernel/errors.ts'
import type { Part } from '../../kernel/lifecycle.ts'
import type { Log } from '../../kernel/log.ts'
import { type Outcome, outcome, refused } from '../../kernel/outcome.ts'
import { type Conditions, type EnergyConditions, type Machine, nothingSensed, type Sensed } from './conditions.ts'
import { type History, noHistory, remember } from './history.ts'
import { type Preferences, parseHours } from './preferences.ts'
import { afterAsking, afterLook, type Waiting, waitingAt } from './waiting.ts'
import { mayWork, type Willingness } from './willingness.ts'

/** A person's word, kept over restarts. A pause that is over, and one taken back, ended at `untilMs`. */
export interface Pause {
  readonly untilMs: number
  readonly saidMs: number
}

export type MannersFact = { readonly kind: 'manners.pause'; readonly pause: Pause }

export interface WatchDeps {
  /** Whether this peer works for others at all; false: the verdict says so, whatever the machine is like. */
  readonly offered?: boolean
  readonly preferences: Preferences
  readonly machine: Machine
  /** Looks at the machine; absent where the owner wants that nobody looks. */
  readonly sense?: (() => Promise<Sensed>) | undefined
  /** Absent where there is no household. */
  readonly energy?: (() => EnergyConditions) | undefined
  /** How long work may be held back for its energy alone; 0: for ever. */
  readonly maxWaitMs: number
  /** Whether work of others lies on the desk. */
  readonly hasWork: () => boolean
  readonly store: { pause(): Pause | undefined }
  readonly graceMs: number
  readonly clock: Clock
  /** Minutes since local midnight. */
  readonly minuteOfDay: (atMs: number) => number
  /** The verdict is another one: tell the neighbours, look for work or stop looking. */
  readonly changed: (verdict: Willingness) => void
  readonly log: Log
}

export interface Watch extends Part {
  verdict(): Willingness
  conditions(): Conditions
  /** Threads that may work for others now; 0 while paused. What is on the desk keeps its thread until the grace is over. */
  threads(): number
  /**
   * Somebody asks whether work is taken: what it is told while it is not; undefined: it is. That it asked is remembered,
   * over no restart: work refused for its energy alone for `maxWaitMs` is taken all the same.
   */
  asked(): { readonly sentence: string; readonly retryAfterMs: number } | undefined
  /**
   * When what still runs for others is given back, so that it is leased elsewhere: when the grace of a pause is over.
   * undefined: work is allowed.
   */
  giveBackAt(): { readonly atMs: number; readonly sentence: string } | undefined
  /** What neighbours may know: never watts, hours or who is at home. */
  availability(): 'open' | 'limited' | 'closed'
  paused(): Pause | undefined
  pause(forMs: number): Outcome<MannersFact>
  resume(): Outcome<MannersFact>
  /** Looks again, now: after a pause was kept. */
  look(): Promise<void>
}

export const SAMPLE_MS = 5_000
/** Who was refused may ask again after this, or when the pause ends before. */
const ASK_AGAIN_MS = 60_000
/** Longer is no pause but another configuration. */
const MAX_PAUSE_MS = 30 * 24 * 3_600_000

const STARTING: Willingness = { allowed: false, code: 'MANNERS_STARTING', sentence: 'paused: just starting' }
const NOT_OFFERED: Willingness = {
  allowed: false,
  code: 'MANNERS_NOT_OFFERED',
  sentence: 'this peer offers nothing: it does its own jobs and takes no tasks of others',
}

/** What was seen and decided last. */
interface Watching extends WatchDeps {
  readonly offered: boolean
  sensed: Sensed
  history: History
  verdict: Willingness
  waiting: Waiting | undefined
  /** undefined: work is allowed. */
  closedSinceMs: number | undefined
}

/** Decides every 5 s whether this machine works for others, and tells when that changes. */
export function createWatch(deps: WatchDeps): Watch {
  const { store, clock, log } = deps
  // What is mistyped stops the start, and not the first night.
  parseHours(deps.preferences.hours)
  const watching = beginning(deps)
  let looking: Promise<void> | undefined
  let stopping: AbortController | undefined

  /** One look at a time; who asks meanwhile waits for one that begins after it asked. */
  async function lookInTurn(): Promise<void> {
    while (looking !== undefined) await looking
    looking = look(watching).finally(() => {
      looking = undefined
    })
    await looking
  }

  return {
    name: 'manners',
    async start() {
      stopping = new AbortController()
      await lookInTurn()
      deps.changed(watching.verdict)
      void repeat(clock, SAMPLE_MS, stopping.signal, () =>
        lookInTurn().catch((error: unknown) =>
          log.warn({ reason: messageOf(error) }, 'manners could not decide; it will again'),
        ),
      )
    },
    stop: () => stopping?.abort(),
    verdict: () => watching.verdict,
    conditions: () => conditionsNow(watching),
    threads: () => threadsOf(watching.verdict),
    asked: () => refusalNow(watching),
    giveBackAt: () => giveBackAt(watching),
    availability: () => availability(watching),
    paused() {
      const pause = store.pause()
      return pause !== undefined && pause.untilMs > clock.now() ? pause : undefined
    },
    pause: forMs => pauseFor(forMs, clock.now()),
    resume() {
      const saidMs = clock.now()
      return saidPause({ untilMs: saidMs, saidMs })
    },
    look: lookInTurn,
  }
}

function beginning(deps: WatchDeps): Watching {
  const { offered = true } = deps
  return {
    ...deps,
    offered,
    sensed: nothingSensed,
    history: noHistory,
    verdict: offered ? STARTING : NOT_OFFERED,
    waiting: undefined,
    closedSinceMs: undefined,
  }
}

async function look(watching: Watching): Promise<void> {
  const { preferences, sense, log } = watching
  try {
    if (sense !== undefined) watching.sensed = await sense()
  } catch (error) {
    watching.sensed = nothingSensed
    log.warn({ reason: messageOf(error) }, 'the machine could not be looked at; its state counts as unknown')
  }
  if (!watching.offered) return
  const now = conditionsNow(watching)
  watching.history = remember(watching.history, now, preferences)
  const next = mayWork(preferences, now, watching.history)
  watching.waiting = afterLook(watching.waiting, next, { atMs: now.atMs, hasWork: watching.hasWork() })
  decide(next, now.atMs, watching)
}

function conditionsNow(watching: Watching): Conditions {
  const atMs = watching.clock.now()
  return {
    atMs,
    minuteOfDay: watching.minuteOfDay(atMs),
    sensed: watching.sensed,
    machine: watching.machine,
    energy: watching.energy?.(),
    pausedUntilMs: watching.store.pause()?.untilMs,
    waiting: waitingAt(watching.waiting, watching.maxWaitMs, atMs),
  }
}

function decide(next: Willingness, atMs: number, watching: Watching): void {
  const before = watching.verdict
  watching.verdict = next
  watching.closedSinceMs = next.allowed ? undefined : (watching.closedSinceMs ?? atMs)
  if (isOther(before, next)) {
    watching.log.info({ allowed: next.allowed, reason: next.sentence }, 'manners decided anew about working for others')
    watching.changed(next)
  }
}

/** Sentences carry numbers that change at every look; codes and limits are what others act upon. */
function isOther(a: Willingness, b: Willingness): boolean {
  if (a.allowed && b.allowed) return a.limits.threads !== b.limits.threads || a.forced !== b.forced
  return a.allowed !== b.allowed || (!a.allowed && !b.allowed && a.code !== b.code)
}

function threadsOf(verdict: Willingness): number {
  return verdict.allowed ? verdict.limits.threads : 0
}

/** What whoever asks for work now is told, and that it asked is remembered. */
function refusalNow(watching: Watching): ReturnType<Watch['asked']> {
  const { verdict, clock } = watching
  watching.waiting = afterAsking(watching.waiting, verdict, clock.now())
  if (verdict.allowed) return undefined
  const leftMs = (verdict.untilMs ?? Number.POSITIVE_INFINITY) - clock.now()
  return { sentence: verdict.sentence, retryAfterMs: Math.min(ASK_AGAIN_MS, Math.max(SAMPLE_MS, leftMs)) }
}

function giveBackAt({ verdict, closedSinceMs, graceMs }: Watching): ReturnType<Watch['giveBackAt']> {
  if (verdict.allowed || closedSinceMs === undefined) return undefined
  return { atMs: closedSinceMs + graceMs, sentence: verdict.sentence }
}

function availability({ verdict, machine }: Watching): ReturnType<Watch['availability']> {
  if (!verdict.allowed) return 'closed'
  return verdict.limits.threads < machine.maxThreads ? 'limited' : 'open'
}

function pauseFor(forMs: number, saidMs: number): Outcome<MannersFact> {
  if (!Number.isSafeInteger(forMs) || forMs <= 0 || forMs > MAX_PAUSE_MS) {
    return refused('MANNERS_BAD_PAUSE', 'a pause lasts from a moment to 30 days; for longer, take the role away')
  }
  return saidPause({ untilMs: saidMs + forMs, saidMs })
}

function saidPause(pause: Pause): Outcome<MannersFact> {
  return outcome([{ kind: 'manners.pause', pause }])
}
