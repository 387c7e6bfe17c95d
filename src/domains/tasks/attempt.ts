import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { CodedError, codeOf, messageOf } from '../../kernel/errors.ts'
import { closeNativeGate, createNativeGate } from './kinds/embedders/native.ts'
import type { KindErrorCode } from './kinds/kind.ts'
import type { JobAnswer, Notice } from './worker.ts'

export type WorkersErrorCode =
  | KindErrorCode
  | 'TASK_CANCELLED'
  | 'TASK_CRASHED'
  | 'TASK_KIND_UNKNOWN'
  | 'TASK_OUT_OF_MEMORY'
  | 'TASK_QUEUE_FULL'
  | 'TASK_TIMEOUT'

/** Time for a thread to start and load its code, and to open the model when warming. */
export const startMs = 60_000
/** What a part gets to notice that nobody wants it, before its thread is ended. */
const graceMs = 250
/** How often a thread that is to end is looked at while it is inside the native engine. */
const lookMs = 10

export type FailNow = (error: CodedError<WorkersErrorCode>) => void

export interface Attempt {
  readonly pool: Piscina
  readonly starting: Set<FailNow>
  readonly name: 'perform' | 'warm' | 'merge'
  readonly job: object
  readonly run: {
    readonly signal: AbortSignal
    readonly timeoutMs: number
    readonly onStarted?: () => void
    readonly onProgress?: (done: number, total: number) => void
  }
}

/** One part in one thread, from hand-over to answer. */
export async function attempt({ pool, starting, name, job, run }: Attempt): Promise<unknown> {
  const { port1: ours, port2: theirs } = new MessageChannel()
  const kill = new AbortController()
  const gate = createNativeGate()
  let ending: CodedError<WorkersErrorCode> | undefined
  let timer = setTimeout(() => end(timedOut(startMs)), startMs)

  /** First asks, then ends the thread: one that listens keeps its model for the next part. */
  function end(error: CodedError<WorkersErrorCode>): void {
    if (ending !== undefined) return
    ending = error
    ours.postMessage('unwanted')
    clearTimeout(timer)
    timer = setTimeout(endThread, graceMs)
  }
  function endThread(): void {
    clearTimeout(timer)
    if (closeNativeGate(gate)) kill.abort()
    else timer = setTimeout(endThread, lookMs)
  }
  const endNow: FailNow = error => {
    end(error)
    endThread()
  }
  const cancel = () => end(cancelled())

  const hear = (notice: Notice) => {
    if (notice.type === 'progress') return run.onProgress?.(notice.done, notice.total)
    starting.delete(endNow)
    run.onStarted?.()
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
    const answer: JobAnswer = await pool.run(
      { ...job, port: theirs, gate },
      { name, signal: kill.signal, transferList },
    )
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

export const cancelled = () => failure('TASK_CANCELLED', 'the part was cancelled')
const timedOut = (limitMs: number) => failure('TASK_TIMEOUT', `the part took longer than ${limitMs} ms`)

export function failure(code: WorkersErrorCode, message: string, hint?: string) {
  return new CodedError<WorkersErrorCode>(code, message, hint === undefined ? {} : { hint })
}

/** Ours as they are; the rest is a thread that ended by itself. */
export function asFailure(error: unknown): CodedError<WorkersErrorCode> {
  if (error instanceof CodedError) return error as CodedError<WorkersErrorCode>
  if (codeOf(error) === 'ERR_WORKER_OUT_OF_MEMORY') {
    return failure('TASK_OUT_OF_MEMORY', 'the part needed more memory than a worker may have')
  }
  return failure('TASK_CRASHED', `the worker thread ended: ${messageOf(error)}`)
}
