import { type Clock, repeat } from '../kernel/clock.ts'
import { codeOf, messageOf } from '../kernel/errors.ts'
import type { TaskId } from '../kernel/ids.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import type { Json } from '../kernel/outcome.ts'
import type { Work } from './task.ts'

export interface RunnerDeps {
  readonly openWork: () => Work[]
  readonly run: (
    work: Work,
    options: { signal: AbortSignal; onProgress: (done: number, total: number) => void },
  ) => Promise<unknown>
  /** Keeps what came of it. */
  readonly worked: (
    taskId: TaskId,
    leaseEpoch: number,
    result: { output: Json } | { error: { code: string; message: string } },
  ) => Promise<void>
  /** Tells whose task it is that it is being worked on. */
  readonly alive: (work: Work, done: number, total: number) => void
  readonly heartbeatMs: number
  readonly threads: number
  readonly clock: Clock
  readonly log: Log
}

export interface Runner extends Part {
  /** Looks at the desk: starts what is new, aborts what is gone. */
  wake(): void
  /** Tasks being worked on now. */
  running(): number
}

/** Takes work from the desk to the worker threads and back, and tells the submitters that it is alive. */
export function createRunner(deps: RunnerDeps): Runner {
  const { log } = deps
  const running = new Map<string, { work: Work; abort: AbortController; done: number; total: number }>()
  const ending = new Set<Promise<void>>()
  let stopping: AbortController | undefined

  const keyOf = (work: Work): string => `${work.taskId}/${work.leaseEpoch}`

  function wake(): void {
    if (stopping?.signal.aborted !== false) return
    const open = deps.openWork()
    abortAllBut(new Set(open.map(keyOf)))
    const waiting = open.filter(work => !running.has(keyOf(work)))
    for (const work of waiting.slice(0, Math.max(0, deps.threads - running.size))) {
      const carried = carryOut(work).finally(() => ending.delete(carried))
      ending.add(carried)
    }
  }

  function abortAllBut(wanted: ReadonlySet<string>): void {
    for (const [key, { abort }] of running) if (!wanted.has(key)) abort.abort()
  }

  async function carryOut(work: Work): Promise<void> {
    const entry = { work, abort: new AbortController(), done: 0, total: 1 }
    running.set(keyOf(work), entry)
    const startedMs = deps.clock.now()
    try {
      const output = await deps.run(work, {
        signal: entry.abort.signal,
        onProgress: (done, total) => Object.assign(entry, { done, total }),
      })
      await deps.worked(work.taskId, work.leaseEpoch, { output: output as Json })
      log.debug({ task: work.taskId, type: work.kind, tookMs: deps.clock.now() - startedMs }, 'a task is done')
    } catch (error) {
      if (entry.abort.signal.aborted) return
      const failure = { code: codeOf(error) ?? 'TASK_FAILED', message: messageOf(error) }
      log.warn({ task: work.taskId, ...failure }, 'a task failed')
      await deps.worked(work.taskId, work.leaseEpoch, { error: failure }).catch((lost: unknown) => {
        log.warn({ task: work.taskId, reason: messageOf(lost) }, 'and that could not be kept: its lease will run out')
      })
    } finally {
      running.delete(keyOf(work))
      wake()
    }
  }

  /** What waits for a thread is alive as well: its lease must not run out on the desk. */
  function beat(): void {
    for (const work of deps.openWork()) {
      const { done = 0, total = 1 } = running.get(keyOf(work)) ?? {}
      deps.alive(work, done, total)
    }
  }

  return {
    name: 'runner',
    start() {
      stopping = new AbortController()
      void repeat(deps.clock, deps.heartbeatMs, stopping.signal, beat)
      wake()
    },
    async stop() {
      stopping?.abort()
      for (const { abort } of running.values()) abort.abort()
      await Promise.all(ending)
    },
    wake,
    running: () => running.size,
  }
}
