import { platform } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { z } from 'zod'
import { CodedError, codeOf, messageOf } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { KindErrorCode, KindTable } from './kinds/kind.ts'
import { kinds } from './kinds/kinds.ts'
import type { JobAnswer, Notice } from './worker.ts'

export type WorkersErrorCode =
  | KindErrorCode
  | 'TASK_CANCELLED'
  | 'TASK_CRASHED'
  | 'TASK_KIND_UNKNOWN'
  | 'TASK_OUT_OF_MEMORY'
  | 'TASK_QUEUE_FULL'
  | 'TASK_TIMEOUT'

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
  readonly log: Log
  /** The kinds served and the module that runs them; tests pass some that misbehave. */
  readonly kinds?: KindTable
  readonly entry?: URL
}

export interface RunOptions {
  readonly signal?: AbortSignal
  /** From the moment a thread takes the part; by default the kind's own limit. */
  readonly timeoutMs?: number
  readonly onProgress?: (done: number, total: number) => void
}

export interface WorkersStats {
  readonly threads: number
  readonly running: number
  readonly queued: number
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
  /** Opens the model in one thread, which then keeps it as long as it has work. */
  warm(options?: Pick<RunOptions, 'signal' | 'timeoutMs'>): Promise<ModelInfo>
  stats(): WorkersStats
  /** Ends all threads; what runs or waits fails with TASK_CANCELLED. */
  stop(): Promise<void>
}
/** Time for a thread to start and load its code, and to open the model when warming. */
const startMs = 60_000
/** What a part gets to notice that nobody wants it, and what all get when everything stops, before threads are ended. */
const [graceMs, stopMs] = [250, 3_000]

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
    async warm(run = {}) {
      return modelInfoSchema.parse(await submit('warm', {}, { timeoutMs: startMs, ...run }))
    },
    stats: () => ({ threads: pool.threads.length, ...counts, queued: waiting.length, failed: { ...failed } }),
    async stop() {
      stopping.abort()
      // A thread ended inside the native engine takes the process with it: parts end by themselves first.
      for (let waited = 0; counts.running > 0 && waited < stopMs; waited += 20) await sleep(20)
      await pool.destroy()
    },
  }
}

type FailNow = (error: CodedError<WorkersErrorCode>) => void

interface Attempt {
  readonly pool: Piscina
  readonly starting: Set<FailNow>
  readonly name: 'perform' | 'warm'
  readonly job: object
  readonly run: RunOptions & { readonly signal: AbortSignal; readonly timeoutMs: number }
}

/** One part in one thread, from hand-over to answer. */
async function attempt({ pool, starting, name, job, run }: Attempt): Promise<unknown> {
  const { port1: ours, port2: theirs } = new MessageChannel()
  const kill = new AbortController()
  let ending: CodedError<WorkersErrorCode> | undefined
  let timer = setTimeout(() => end(timedOut(startMs)), startMs)

  /** First asks, then ends the thread: one that listens keeps its model for the next part. */
  function end(error: CodedError<WorkersErrorCode>): void {
    if (ending !== undefined) return
    ending = error
    ours.postMessage('unwanted')
    clearTimeout(timer)
    timer = setTimeout(() => kill.abort(), graceMs)
  }
  const endNow: FailNow = error => {
    end(error)
    kill.abort()
  }
  const cancel = () => end(cancelled())

  const hear = (notice: Notice) => {
    if (notice.type === 'progress') return run.onProgress?.(notice.done, notice.total)
    starting.delete(endNow)
    if (ending !== undefined) return
    clearTimeout(timer)
    timer = setTimeout(() => end(timedOut(run.timeoutMs)), run.timeoutMs)
  }
  ours.on('message', hear)
  run.signal.addEventListener('abort', cancel)
  starting.add(endNow)
  if (run.signal.aborted) cancel()
  try {
    // Piscina's type of the list follows the newest overload of postMessage; what it takes is a list.
    const transferList: object = [theirs]
    const answer: JobAnswer = await pool.run({ ...job, port: theirs }, { name, signal: kill.signal, transferList })
    // The answer comes by another port and may have overtaken the last notices.
    for (let late = receiveMessageOnPort(ours); late !== undefined; late = receiveMessageOnPort(ours))
      hear(late.message)
    if (answer.ok && ending === undefined) return answer.output
    throw answer.ok ? cancelled() : failure(answer.code, answer.message, answer.hint)
  } catch (error) {
    throw ending ?? error
  } finally {
    clearTimeout(timer)
    starting.delete(endNow)
    run.signal.removeEventListener('abort', cancel)
    ours.close()
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

const cancelled = () => failure('TASK_CANCELLED', 'the part was cancelled')
const timedOut = (limitMs: number) => failure('TASK_TIMEOUT', `the part took longer than ${limitMs} ms`)

function failure(code: WorkersErrorCode, message: string, hint?: string) {
  return new CodedError<WorkersErrorCode>(code, message, hint === undefined ? {} : { hint })
}

/** Ours as they are; the rest is a thread that ended by itself. */
function asFailure(error: unknown): CodedError<WorkersErrorCode> {
  if (error instanceof CodedError) return error as CodedError<WorkersErrorCode>
  if (codeOf(error) === 'ERR_WORKER_OUT_OF_MEMORY') {
    return failure('TASK_OUT_OF_MEMORY', 'the part needed more memory than a worker may have')
  }
  return failure('TASK_CRASHED', `the worker thread ended: ${messageOf(error)}`)
}
