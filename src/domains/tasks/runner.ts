import { repeat } from '../../kernel/clock.ts'
import { codeOf, messageOf } from '../../kernel/errors.ts'
import type { PeerId } from '../../kernel/ids.ts'
import type { Part } from '../../kernel/lifecycle.ts'
import type { Json } from '../../kernel/outcome.ts'
import type { Beat } from './messages.ts'
import type { Work, WorkResult } from './task.ts'
import { createTray, leaseKey, type Tray, type TrayDeps } from './tray.ts'

export interface RunnerDeps extends TrayDeps {
  readonly self: PeerId
  readonly openWork: () => Work[]
  readonly run: (
    work: Work,
    options: { signal: AbortSignal; onStarted: () => void; onProgress: (done: number, total: number) => void },
  ) => Promise<unknown>
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

/** What is being worked on, and what is needed for it. */
interface Working extends RunnerDeps {
  readonly entries: Map<string, Entry>
  /** What a stop waits for. */
  readonly ending: Set<Promise<void>>
  readonly tray: Tray
  readonly stopping: AbortController
  started: boolean
}

/** Takes work from the desk to the worker threads and back, and tells the submitters that it is alive. */
export function createRunner(deps: RunnerDeps): Runner {
  const stopping = new AbortController()
  const tray = createTray(deps, stopping.signal)
  const working: Working = { ...deps, entries: new Map(), ending: new Set(), tray, stopping, started: false }
  const { entries, threads } = working
  return {
    name: 'runner',
    start() {
      working.started = true
      void repeat(deps.clock, deps.heartbeatMs, stopping.signal, () => beat(working))
      wake(working)
    },
    stop: () => stop(working),
    wake: () => wake(working),
    running: () => [...entries.values()].filter(({ startedMs }) => startedMs !== undefined).length,
    ownFirst: () => threads.queued() > 0 || (threads.free() <= 0 && ofOthers(working) === 0),
  }
}

function wake(working: Working): void {
  const { entries, threads, tray, self } = working
  if (!working.started || working.stopping.signal.aborted) return
  const open = working.openWork()
  abortAllBut(new Set(open.map(leaseKey)), working)
  const waiting = open.filter(work => !entries.has(leaseKey(work)) && !tray.has(work))
  const own = waiting.filter(({ submitter }) => submitter === self)
  const others = waiting.filter(({ submitter }) => submitter !== self)
  for (const work of own.slice(0, Math.max(0, threads.own() - entries.size))) begin(work, working)
  const room = Math.min(threads.own() - entries.size, threads.others() - ofOthers(working), threads.free())
  for (const work of others.slice(0, Math.max(0, room))) begin(work, working)
}

/** How many tasks of others are being worked on. */
function ofOthers({ entries, self }: Working): number {
  return [...entries.values()].filter(({ work }) => work.submitter !== self).length
}

function abortAllBut(wanted: ReadonlySet<string>, { entries }: Working): void {
  for (const [key, { abort }] of entries) if (!wanted.has(key)) abort.abort()
}

function begin(work: Work, working: Working): void {
  const { entries, ending } = working
  const entry: Entry = { work, abort: new AbortController(), startedMs: undefined, done: 0, total: 1 }
  entries.set(leaseKey(work), entry)
  const carried = carryOut(entry, working).finally(() => ending.delete(carried))
  ending.add(carried)
}

async function carryOut(entry: Entry, working: Working): Promise<void> {
  const { entries, tray, clock } = working
  const { taskId, leaseEpoch } = entry.work
  const result = await resultOf(entry, working)
  const busyMs = entry.startedMs === undefined ? 0 : clock.now() - entry.startedMs
  entries.delete(leaseKey(entry.work))
  if (!entry.abort.signal.aborted) tray.put({ taskId, leaseEpoch, busyMs, result })
  // The thread goes on while the result is being kept.
  wake(working)
}

async function resultOf(entry: Entry, { run, clock, log }: Working): Promise<WorkResult['result']> {
  const { signal } = entry.abort
  try {
    const onProgress = (done: number, total: number) => Object.assign(entry, { done, total })
    const onStarted = () => {
      entry.startedMs = clock.now()
    }
    const output = await run(entry.work, { signal, onStarted, onProgress })
    return { output: output as Json }
  } catch (error) {
    const failure = { code: codeOf(error) ?? 'TASK_FAILED', message: messageOf(error).slice(0, 2_000) }
    if (!signal.aborted) log.warn({ task: entry.work.taskId, ...failure }, 'a task failed')
    return { error: failure }
  }
}

/** What waits for a thread is alive as well: its lease must not run out on the desk. */
function beat({ entries, openWork, alive }: Working): void {
  const beats = openWork().map((work): Beat => {
    const { taskId, jobId, leaseEpoch, submitter } = work
    const entry = entries.get(leaseKey(work))
    const waiting = entry?.startedMs === undefined
    return { taskId, jobId, leaseEpoch, submitter, done: entry?.done ?? 0, total: entry?.total ?? 1, waiting }
  })
  if (beats.length > 0) alive(beats)
}

async function stop({ entries, ending, tray, stopping, self, openWork, leave }: Working): Promise<void> {
  stopping.abort()
  const submitters = new Set(openWork().flatMap(({ submitter }) => (submitter === self ? [] : [submitter])))
  for (const { abort } of entries.values()) abort.abort()
  // What is finished is sent, what is not is handed back; threads may take longer to end.
  await tray.emptied()
  await Promise.all([leave(submitters), ...ending])
}
