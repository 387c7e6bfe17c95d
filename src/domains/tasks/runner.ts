import { type Clock, repeat } from '../../kernel/clock.ts'
import { codeOf, messageOf } from '../../kernel/errors.ts'
import type { PeerId } from '../../kernel/ids.ts'
import type { Part } from '../../kernel/lifecycle.ts'
import type { Log } from '../../kernel/log.ts'
import type { Json } from '../../kernel/outcome.ts'
import { type Beat, MAX_TASKS_A_MESSAGE } from './messages.ts'
import type { Work, WorkResult } from './task.ts'

export interface RunnerDeps {
  readonly self: PeerId
  readonly openWork: () => Work[]
  readonly run: (
    work: Work,
    options: { signal: AbortSignal; onStarted: () => void; onProgress: (done: number, total: number) => void },
  ) => Promise<unknown>
  /** Keeps what came of it; what ends while this waits comes together with the next call. */
  readonly worked: (results: readonly WorkResult[]) => Promise<void>
  /** Tells whose tasks they are that they are being worked on. */
  readonly alive: (beats: readonly Beat[]) => void
  /** Hands all work of others back, and waits a short time until these, who had work here, have heard of it. */
  readonly leave: (submitters: ReadonlySet<PeerId>) => Promise<void>
  readonly heartbeatMs: number
  /**
   * Worker threads that may be busy now: with anything, and with the work of others, which are fewer while the machine is
   * needed (0: none of it begins anew). Own work goes first: it may wait for a thread beside what else the owner wants
   * of them (`queued`), that of others begins only when one is `free`.
   */
  readonly threads: { own(): number; others(): number; free(): number; queued(): number }
  readonly clock: Clock
  readonly log: Log
}

export interface Runner extends Part {
  /** Looks at the desk: starts what is new, aborts what is gone. */
  wake(): void
  /** Tasks that a thread works on now. */
  running(): number
  /** The owner's own work has all threads, or waits for one: what of others came now would only lie there. */
  ownFirst(): boolean
}

interface Entry {
  readonly work: Work
  readonly abort: AbortController
  /** When a thread took it; undefined: it waits for one. */
  startedMs: number | undefined
  done: number
  total: number
}

/** How long results gather after some were sent. */
const GATHER_MS = 20
/** How soon results that could not be kept (a full disk) are tried again. */
const KEEP_AGAIN_MS = 5_000

/** Takes work from the desk to the worker threads and back, and tells the submitters that it is alive. */
export function createRunner(deps: RunnerDeps): Runner {
  const { log, clock } = deps
  const running = new Map<string, Entry>()
  const ending = new Set<Promise<void>>()
  /** Finished, and not kept yet: still on the desk, but not to be begun again. */
  const tray = new Map<string, WorkResult>()
  let stopping: AbortController | undefined
  let emptying: Promise<void> | undefined

  const keyOf = ({ taskId, leaseEpoch }: Pick<Work, 'taskId' | 'leaseEpoch'>): string => `${taskId}/${leaseEpoch}`

  const isOwn = ({ submitter }: Work): boolean => submitter === deps.self

  function wake(): void {
    if (stopping?.signal.aborted !== false) return
    const open = deps.openWork()
    abortAllBut(new Set(open.map(keyOf)))
    const waiting = open.filter(work => !running.has(keyOf(work)) && !tray.has(keyOf(work)))
    const [own, others] = [waiting.filter(isOwn), waiting.filter(work => !isOwn(work))]
    for (const work of own.slice(0, Math.max(0, deps.threads.own() - running.size))) start(work)
    const { own: all, others: theirs, free } = deps.threads
    const room = Math.min(all() - running.size, theirs() - foreign(), free())
    for (const work of others.slice(0, Math.max(0, room))) start(work)
  }

  const foreign = (): number => [...running.values()].filter(({ work }) => !isOwn(work)).length

  function start(work: Work): void {
    const entry: Entry = { work, abort: new AbortController(), startedMs: undefined, done: 0, total: 1 }
    running.set(keyOf(work), entry)
    const carried = carryOut(entry).finally(() => ending.delete(carried))
    ending.add(carried)
  }

  function abortAllBut(wanted: ReadonlySet<string>): void {
    for (const [key, { abort }] of running) if (!wanted.has(key)) abort.abort()
  }

  async function carryOut(entry: Entry): Promise<void> {
    const { work, abort } = entry
    const result = await outcomeOf(entry)
    const busyMs = entry.startedMs === undefined ? 0 : clock.now() - entry.startedMs
    running.delete(keyOf(work))
    if (!abort.signal.aborted) {
      const { taskId, leaseEpoch } = work
      tray.set(keyOf(work), { taskId, leaseEpoch, busyMs, result })
      emptying ??= empty().finally(() => {
        emptying = undefined
      })
    }
    // The thread goes on while the result is being kept.
    wake()
  }

  async function outcomeOf(entry: Entry): Promise<WorkResult['result']> {
    const { work, abort } = entry
    try {
      const onProgress = (done: number, total: number) => Object.assign(entry, { done, total })
      const onStarted = () => {
        entry.startedMs = clock.now()
      }
      const output = await deps.run(work, { signal: abort.signal, onStarted, onProgress })
      return { output: output as Json }
    } catch (error) {
      const failure = { code: codeOf(error) ?? 'TASK_FAILED', message: messageOf(error).slice(0, 2_000) }
      if (!abort.signal.aborted) log.warn({ task: work.taskId, ...failure }, 'a task failed')
      return { error: failure }
    }
  }

  async function empty(): Promise<void> {
    for (let going = true; going && tray.size > 0; ) {
      const kept = await keepSome()
      // A lone result goes at once; a stream of them goes many in a message.
      await clock.sleep(kept ? GATHER_MS : KEEP_AGAIN_MS, stopping?.signal)
      going = kept || stopping?.signal.aborted === false
    }
  }

  async function keepSome(): Promise<boolean> {
    const batch = [...tray].slice(0, MAX_TASKS_A_MESSAGE)
    try {
      await deps.worked(batch.map(([, result]) => result))
      for (const [key] of batch) tray.delete(key)
      return true
    } catch (error) {
      log.warn({ tasks: batch.length, reason: messageOf(error) }, 'results could not be kept; tried again')
      return false
    }
  }

  /** What waits for a thread is alive as well: its lease must not run out on the desk. */
  function beat(): void {
    const beats = deps.openWork().map((work): Beat => {
      const { taskId, jobId, leaseEpoch, submitter } = work
      const entry = running.get(keyOf(work))
      const waiting = entry?.startedMs === undefined
      return { taskId, jobId, leaseEpoch, submitter, done: entry?.done ?? 0, total: entry?.total ?? 1, waiting }
    })
    if (beats.length > 0) deps.alive(beats)
  }

  return {
    name: 'runner',
    start() {
      stopping = new AbortController()
      void repeat(clock, deps.heartbeatMs, stopping.signal, beat)
      wake()
    },
    async stop() {
      stopping?.abort()
      const submitters = new Set(deps.openWork().flatMap(work => (isOwn(work) ? [] : [work.submitter])))
      for (const { abort } of running.values()) abort.abort()
      // What is finished is sent, what is not is handed back; threads may take longer to end.
      await emptying
      await Promise.all([deps.leave(submitters), ...ending])
    },
    wake,
    running: () => [...running.values()].filter(({ startedMs }) => startedMs !== undefined).length,
    ownFirst: () => deps.threads.queued() > 0 || (deps.threads.free() <= 0 && foreign() === 0),
  }
}
