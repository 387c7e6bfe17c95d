import { type Clock, repeat } from '../../kernel/clock.ts'
import { messageOf } from '../../kernel/errors.ts'
import type { Part } from '../../kernel/lifecycle.ts'
import type { Log } from '../../kernel/log.ts'
import { type Outcome, outcome, refused } from '../../kernel/outcome.ts'
import { type Conditions, type EnergyConditions, type Machine, nothingSensed, type Sensed } from './conditions.ts'
import { noHistory, remember } from './history.ts'
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
  /** Whether this peer works for others at all; false: nobody looks at the machine, and the verdict says so. */
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

/** Decides every 5 s whether this machine works for others, and tells when that changes. */
export function createWatch(deps: WatchDeps): Watch {
  const { preferences, clock, log } = deps
  // What is mistyped stops the start, and not the first night.
  parseHours(preferences.hours)
  let history = noHistory
  let sensed: Sensed = nothingSensed
  const { offered = true } = deps
  let verdict: Willingness = offered ? STARTING : NOT_OFFERED
  let waiting: Waiting | undefined
  let pausedSinceMs: number | undefined
  let looking: Promise<void> | undefined
  let stopping: AbortController | undefined

  function conditions(): Conditions {
    const atMs = clock.now()
    return {
      atMs,
      minuteOfDay: deps.minuteOfDay(atMs),
      sensed,
      machine: deps.machine,
      energy: deps.energy?.(),
      pausedUntilMs: deps.store.pause()?.untilMs,
      waiting: waitingAt(waiting, deps.maxWaitMs, atMs),
    }
  }

  async function look(): Promise<void> {
    try {
      if (deps.sense !== undefined) sensed = await deps.sense()
    } catch (error) {
      sensed = nothingSensed
      log.warn({ reason: messageOf(error) }, 'the machine could not be looked at; its state counts as unknown')
    }
    if (!offered) return
    const now = conditions()
    history = remember(history, now, preferences)
    const next = mayWork(preferences, now, history)
    waiting = afterLook(waiting, next, { atMs: now.atMs, hasWork: deps.hasWork() })
    decide(next, now.atMs)
  }

  function decide(next: Willingness, atMs: number): void {
    const before = verdict
    verdict = next
    if (next.allowed) pausedSinceMs = undefined
    else if (pausedSinceMs === undefined) pausedSinceMs = atMs
    if (isOther(before, next)) {
      log.info({ allowed: next.allowed, reason: next.sentence }, 'manners decided anew about working for others')
      deps.changed(next)
    }
  }

  /** One look at a time; who asks meanwhile waits for one that begins after it asked. */
  async function lookInTurn(): Promise<void> {
    while (looking !== undefined) await looking
    looking = look().finally(() => {
      looking = undefined
    })
    await looking
  }

  return {
    name: 'manners',
    async start() {
      stopping = new AbortController()
      await lookInTurn()
      deps.changed(verdict)
      void repeat(clock, SAMPLE_MS, stopping.signal, () =>
        lookInTurn().catch((error: unknown) =>
          log.warn({ reason: messageOf(error) }, 'manners could not decide; it will again'),
        ),
      )
    },
    stop: () => stopping?.abort(),
    verdict: () => verdict,
    conditions,
    threads: () => (verdict.allowed ? verdict.limits.threads : 0),
    asked() {
      waiting = afterAsking(waiting, verdict, clock.now())
      if (verdict.allowed) return undefined
      const leftMs = (verdict.untilMs ?? Number.POSITIVE_INFINITY) - clock.now()
      return { sentence: verdict.sentence, retryAfterMs: Math.min(ASK_AGAIN_MS, Math.max(SAMPLE_MS, leftMs)) }
    },
    giveBackAt: () =>
      verdict.allowed || pausedSinceMs === undefined
        ? undefined
        : { atMs: pausedSinceMs + deps.graceMs, sentence: verdict.sentence },
    availability() {
      if (!verdict.allowed) return 'closed'
      return verdict.limits.threads < deps.machine.maxThreads ? 'limited' : 'open'
    },
    paused() {
      const pause = deps.store.pause()
      return pause !== undefined && pause.untilMs > clock.now() ? pause : undefined
    },
    pause(forMs) {
      if (!Number.isSafeInteger(forMs) || forMs <= 0 || forMs > MAX_PAUSE_MS) {
        return refused('MANNERS_BAD_PAUSE', 'a pause lasts from a moment to 30 days; for longer, take the role away')
      }
      const saidMs = clock.now()
      return outcome([{ kind: 'manners.pause', pause: { untilMs: saidMs + forMs, saidMs } }])
    },
    resume() {
      const saidMs = clock.now()
      return outcome([{ kind: 'manners.pause', pause: { untilMs: saidMs, saidMs } }])
    },
    look: lookInTurn,
  }
}

/** Sentences carry numbers that change at every look; codes and limits are what others act upon. */
function isOther(a: Willingness, b: Willingness): boolean {
  if (a.allowed && b.allowed) return a.limits.threads !== b.limits.threads || a.forced !== b.forced
  return a.allowed !== b.allowed || (!a.allowed && !b.allowed && a.code !== b.code)
}
