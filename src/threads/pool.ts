import { platform } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Piscina } from 'piscina'
import { z } from 'zod'
import { messageOf } from '../kernel/errors.ts'
import { createGate } from '../kernel/gate.ts'
import type { Log } from '../kernel/log.ts'
import { type Attempt, attempt, type FailNow, startMs } from './attempt.ts'
import type { EmbedderOptions } from './embedders/open.ts'
import { asFailure, cancelled, failure, type ThreadsErrorCode } from './failures.ts'
import { type KindModule, type ThreadKind, tableOf } from './kind.ts'
import type { MergeOrder, RunOrder, WorkerSetup } from './orders.ts'

export interface PoolOptions {
  /** What can be run, in which modules. */
  readonly kinds: readonly KindModule[]
  /** Threads at most; each takes one part at a time and one core. */
  readonly threads: number
  /** How far threads step back behind other programs (0 to 19). Linux only: elsewhere it would slow the whole daemon. */
  readonly niceIncrement: number
  /** JavaScript heap of a thread. The model's own memory, some 200 MB natively, lies outside. */
  readonly maxMemoryMb: number
  /** A thread without work for this long ends, and its memory with it. */
  readonly idleTimeoutMs: number
  /** A thread has done what it had. */
  readonly onFree?: () => void
  /** Parts that may wait for a thread. */
  readonly maxQueued?: number
  /** What turns texts into vectors; without it, the model that comes with wattmesh. */
  readonly embedder?: EmbedderOptions
  readonly log: Pick<Log, 'error'>
}

export interface RunOptions {
  readonly signal?: AbortSignal
  /** From the moment a thread takes the part; by default the kind's own limit. */
  readonly timeoutMs?: number
  /** A thread has taken the part. */
  readonly onStarted?: () => void
  readonly onProgress?: (done: number, total: number) => void
}

export interface PoolStats {
  readonly threads: number
  readonly running: number
  readonly queued: number
  /** Parts that would find a thread at once. */
  readonly free: number
  readonly done: number
  readonly failed: Readonly<Partial<Record<ThreadsErrorCode, number>>>
}

export interface Pool {
  /**
   * Runs a part in a worker thread; what it does there costs at most that thread.
   * @returns the kind's output
   * @throws CodedError<ThreadsErrorCode>
   */
  run(kind: string, params: unknown, input: unknown, options?: RunOptions): Promise<unknown>
  /**
   * Merges the parts of what was submitted in a worker thread.
   * @param parts each input and output as the JSON text of a one-element array
   * @returns the JSON text of the kind's result; typed arrays as plain ones
   * @throws CodedError<ThreadsErrorCode>
   */
  merge(kind: string, parts: MergeOrder['parts']): Promise<string>
  /** Opens the model in one thread, which then keeps it as long as it has work. */
  warm(options?: Pick<RunOptions, 'signal' | 'timeoutMs'>): Promise<ModelInfo>
  stats(): PoolStats
  /** Ends all threads, each as soon as it is out of the native engine; what runs or waits fails with TASK_CANCELLED. */
  stop(): Promise<void>
}

/** Time to merge a large result. */
const mergeMs = 120_000
const usualMaxQueued = 256

const modelInfoSchema = z.object({ fingerprint: z.string(), engine: z.string() })
export type ModelInfo = z.infer<typeof modelInfoSchema>

/** No thread starts, and nothing is loaded, before the first part. */
export function createPool(options: PoolOptions): Pool {
  const line = createLine(options)

  function kindOf(name: string): ThreadKind {
    const table = tableOf(options.kinds)
    const kind = Object.hasOwn(table, name) ? table[name] : undefined
    if (kind === undefined) throw failure('TASK_KIND_UNKNOWN', `no kind of task is called ${name}`)
    return kind
  }

  return {
    async run(kindName, params, input, run = {}) {
      const kind = kindOf(kindName)
      const order: RunOrder = {
        kind: kindName,
        params: checked(kind.params, params),
        input: checked(kind.input, input),
      }
      return line.submit('perform', order, { ...run, timeoutMs: run.timeoutMs ?? kind.limits.maxRunMs(order.input) })
    },
    async merge(kind, parts) {
      kindOf(kind)
      const order: MergeOrder = { kind, parts }
      return z.string().parse(await line.submit('merge', order, { timeoutMs: mergeMs }))
    },
    async warm(run = {}) {
      return modelInfoSchema.parse(await line.submit('warm', {}, { timeoutMs: startMs, ...run }))
    },
    stats: line.stats,
    stop: line.stop,
  }
}

/** The way of an order into a thread, whatever it is about: it waits for its turn, is tried once and counted. */
function createLine(options: PoolOptions) {
  /** Before Piscina's own queue, which stays empty: this one keeps order, and goes on after a thread has died. */
  const gate = createGate({ width: options.threads, queue: options.maxQueued ?? usualMaxQueued })
  const starting = new Set<FailNow>()
  let opened: Piscina | undefined
  /** Only now: kinds are added until the start. */
  const piscina = (): Piscina => {
    opened ??= openThreads(options, starting)
    return opened
  }
  const stopping = new AbortController()
  const failed: Partial<Record<ThreadsErrorCode, number>> = {}
  let done = 0

  async function inTurn<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
    const entered = await gate.enter(signal).catch(() => {
      throw cancelled()
    })
    if (!entered) throw failure('TASK_QUEUE_FULL', `${gate.waiting()} parts are waiting already`)
    try {
      return await act()
    } finally {
      gate.leave()
      options.onFree?.()
    }
  }

  return {
    /** @throws CodedError<ThreadsErrorCode> */
    async submit(name: Attempt['name'], order: object, run: RunOptions & { timeoutMs: number }): Promise<unknown> {
      const signal = AbortSignal.any([stopping.signal, ...(run.signal === undefined ? [] : [run.signal])])
      try {
        const output = await inTurn(signal, () =>
          attempt({ piscina: piscina(), starting, name, order, run: { ...run, signal } }),
        )
        done += 1
        return output
      } catch (error) {
        const known = asFailure(error)
        failed[known.code] = (failed[known.code] ?? 0) + 1
        throw known
      }
    },
    stats: (): PoolStats => ({
      threads: opened?.threads.length ?? 0,
      running: gate.inside(),
      queued: gate.waiting(),
      free: options.threads - gate.inside(),
      done,
      failed: { ...failed },
    }),
    async stop(): Promise<void> {
      stopping.abort()
      // Each part ends its own thread, where it need be, when that can be done without harm.
      while (gate.inside() > 0) await sleep(20)
      await opened?.destroy()
    },
  }
}

/** @param starting failed when a thread dies while loading: they would wait for ever */
function openThreads(options: PoolOptions, starting: ReadonlySet<FailNow>): Piscina {
  const setup: WorkerSetup = { kinds: options.kinds.map(({ module }) => module.href), embedder: options.embedder }
  const piscina = new Piscina({
    filename: workerModule().href,
    minThreads: 0,
    maxThreads: options.threads,
    idleTimeout: options.idleTimeoutMs,
    niceIncrement: platform() === 'linux' ? options.niceIncrement : 0,
    resourceLimits: { maxOldGenerationSizeMb: options.maxMemoryMb },
    recordTiming: false,
    workerData: setup,
  })
  piscina.on('error', (error: unknown) => {
    options.log.error({ reason: messageOf(error) }, 'a worker thread could not start or died idle')
    for (const fail of starting) fail(failure('TASK_CRASHED', `the worker thread did not start: ${messageOf(error)}`))
  })
  return piscina
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
