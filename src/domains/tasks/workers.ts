import { platform } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Piscina } from 'piscina'
import { z } from 'zod'
import { messageOf } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import {
  type Attempt,
  asFailure,
  attempt,
  cancelled,
  type FailNow,
  failure,
  startMs,
  type WorkersErrorCode,
} from './attempt.ts'
import type { EmbedderOptions } from './kinds/embedders/open.ts'
import type { KindTable } from './kinds/kind.ts'
import { kinds } from './kinds/kinds.ts'

export interface WorkersOptions {
  /** Threads at most; each takes one part at a time and one core. */
  readonly threads: number
  /** How far threads step back behind other programs (0 to 19). Linux only: elsewhere it would slow the whole daemon. */
  readonly niceIncrement: number
  /** JavaScript heap of a thread. The model's own memory, some 200 MB natively, lies outside. */
  readonly maxMemoryMb: number
  /** A thread without work for this long ends, and its memory with it. */
  readonly idleTimeoutMs: number
  /** Parts that may wait for a thread. */
  readonly maxQueued?: number
  /** What turns texts into vectors; without it, the model that comes with wattmesh. */
  readonly embedder?: EmbedderOptions
  readonly log: Log
  /** The kinds served and the module that runs them; tests pass some that misbehave. */
  readonly kinds?: KindTable
  readonly entry?: URL
}

export interface RunOptions {
  readonly signal?: AbortSignal
  /** From the moment a thread takes the part; by default the kind's own limit. */
  readonly timeoutMs?: number
  /** A thread has taken the part. */
  readonly onStarted?: () => void
  readonly onProgress?: (done: number, total: number) => void
}

export interface WorkersStats {
  readonly threads: number
  readonly running: number
  readonly queued: number
  /** Parts that would find a thread at once. */
  readonly free: number
  readonly done: number
  readonly failed: Readonly<Partial<Record<WorkersErrorCode, number>>>
}

export interface Workers {
  /**
   * Runs a part in a worker thread; what it does there costs at most that thread.
   * @returns the kind's output
   * @throws CodedError<WorkersErrorCode>
   */
  run(kind: string, params: unknown, input: unknown, options?: RunOptions): Promise<unknown>
  /**
   * Merges the parts of a document in a worker thread.
   * @param parts each input and output as the JSON text of a one-element array
   * @returns the JSON text of the kind's result; typed arrays as plain ones
   * @throws CodedError<WorkersErrorCode>
   */
  merge(kind: string, parts: readonly { readonly input: string; readonly output: string }[]): Promise<string>
  /** Opens the model in one thread, which then keeps it as long as it has work. */
  warm(options?: Pick<RunOptions, 'signal' | 'timeoutMs'>): Promise<ModelInfo>
  stats(): WorkersStats
  /** Ends all threads, each as soon as it is out of the native engine; what runs or waits fails with TASK_CANCELLED. */
  stop(): Promise<void>
}
/** Time to merge a large result. */
const mergeMs = 120_000

const modelInfoSchema = z.object({ fingerprint: z.string(), engine: z.string() })
export type ModelInfo = z.infer<typeof modelInfoSchema>

/** No thread starts, and nothing is loaded, before the first part. */
export function createWorkers(options: WorkersOptions): Workers {
  const table: KindTable = options.kinds ?? kinds
  const stopping = new AbortController()
  const failed: Partial<Record<WorkersErrorCode, number>> = {}
  const counts = { running: 0, done: 0 }
  const waiting: (() => void)[] = []
  /** Attempts whose thread has not begun: they would wait for ever if it died while loading. */
  const starting = new Set<FailNow>()

  const pool = new Piscina({
    filename: (options.entry ?? workerModule()).href,
    minThreads: 0,
    maxThreads: options.threads,
    idleTimeout: options.idleTimeoutMs,
    niceIncrement: platform() === 'linux' ? options.niceIncrement : 0,
    resourceLimits: { maxOldGenerationSizeMb: options.maxMemoryMb },
    recordTiming: false,
    workerData: { embedder: options.embedder },
  })
  pool.on('error', (error: unknown) => {
    options.log.error({ reason: messageOf(error) }, 'a worker thread could not start or died idle')
    for (const fail of starting) fail(failure('TASK_CRASHED', `the worker thread did not start: ${messageOf(error)}`))
  })

  /** The pool never queues: one of ours has a bound, keeps order, and goes on after a thread has died. */
  async function takeThread(signal: AbortSignal): Promise<void> {
    if (counts.running < options.threads) {
      counts.running += 1
      return
    }
    if (waiting.length >= (options.maxQueued ?? 256)) {
      throw failure('TASK_QUEUE_FULL', `${waiting.length} parts are waiting already`)
    }
    const turn = Promise.withResolvers<void>()
    waiting.push(turn.resolve)
    signal.addEventListener('abort', () => {
      const place = waiting.indexOf(turn.resolve)
      if (place !== -1) waiting.splice(place, 1)
      // Without effect once it is this part's turn: then the attempt sees to the signal.
      turn.reject(cancelled())
    })
    await turn.promise
  }

  /** A waiting part takes over the place, so the number of running ones stays. */
  function leaveThread(): void {
    const next = waiting.shift()
    if (next === undefined) counts.running -= 1
    else next()
  }

  async function submit(name: Attempt['name'], job: object, run: RunOptions & { timeoutMs: number }) {
    const signal = AbortSignal.any([stopping.signal, ...(run.signal === undefined ? [] : [run.signal])])
    try {
      if (signal.aborted) throw cancelled()
      await takeThread(signal)
      try {
        const output = await attempt({ pool, starting, name, job, run: { ...run, signal } })
        counts.done += 1
        return output
      } finally {
        leaveThread()
      }
    } catch (error) {
      const known = asFailure(error)
      failed[known.code] = (failed[known.code] ?? 0) + 1
      throw known
    }
  }

  return {
    async run(kindName, params, input, run = {}) {
      const kind = Object.hasOwn(table, kindName) ? table[kindName] : undefined
      if (kind === undefined) throw failure('TASK_KIND_UNKNOWN', `no kind of task is called ${kindName}`)
      const job = { kind: kindName, params: checked(kind.params, params), input: checked(kind.input, input) }
      return submit('perform', job, { ...run, timeoutMs: run.timeoutMs ?? kind.limits.maxRunMs(job.input) })
    },
    async merge(kind, parts) {
      if (!Object.hasOwn(table, kind)) throw failure('TASK_KIND_UNKNOWN', `no kind of task is called ${kind}`)
      return z.string().parse(await submit('merge', { kind, parts }, { timeoutMs: mergeMs }))
    },
    async warm(run = {}) {
      return modelInfoSchema.parse(await submit('warm', {}, { timeoutMs: startMs, ...run }))
    },
    stats: () => ({
      threads: pool.threads.length,
      ...counts,
      queued: waiting.length,
      failed: { ...failed },
      free: options.threads - counts.running,
    }),
    async stop() {
      stopping.abort()
      // Each part ends its own thread, where it need be, when that can be done without harm.
      while (counts.running > 0) await sleep(20)
      await pool.destroy()
    },
  }
}

/** Beside this file, with its ending: `.ts` from the source, `.js` after a build. */
function workerModule(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw failure('TASK_BAD_INPUT', z.prettifyError(parsed.error))
}
