import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { cancelled, type Failure, failure, timedOut } from './failures.ts'
import { closeNativeGate, createNativeGate } from './native-gate.ts'
import type { Notice, ThreadAnswer } from './orders.ts'

/** Time for a thread to start and load its code, and to open the model when warming. */
export const startMs = 60_000
/** What a part gets to notice that nobody wants it, before its thread is ended. */
const graceMs = 250
/** How often a thread that is to end is looked at while it is inside the native engine. */
const lookMs = 10

export type FailNow = (error: Failure) => void

export interface Attempt {
  readonly piscina: Piscina
  /** Attempts whose thread has not begun. */
  readonly starting: Set<FailNow>
  readonly name: 'perform' | 'warm' | 'merge'
  readonly order: object
  readonly run: {
    readonly signal: AbortSignal
    readonly timeoutMs: number
    readonly onStarted?: () => void
    readonly onProgress?: (done: number, total: number) => void
  }
}

/** One part in one thread, from hand-over to answer. */
export async function attempt({ piscina, starting, name, order, run }: Attempt): Promise<unknown> {
  const { port1: ours, port2: theirs } = new MessageChannel()
  const ending = createEnding(() => ours.postMessage('unwanted'))
  const cancel = () => ending.end(cancelled())

  const hear = (notice: Notice) => {
    if (notice.type === 'progress') return run.onProgress?.(notice.done, notice.total)
    starting.delete(ending.endNow)
    run.onStarted?.()
    ending.limit(run.timeoutMs)
  }
  ours.on('message', hear)
  run.signal.addEventListener('abort', cancel)
  starting.add(ending.endNow)
  ending.limit(startMs)
  if (run.signal.aborted) cancel()
  try {
    // Piscina's type of the list follows the newest overload of postMessage; what it takes is a list.
    const transferList: object = [theirs]
    const answer: ThreadAnswer = await piscina.run(
      { ...order, port: theirs, gate: ending.gate },
      { name, signal: ending.signal, transferList },
    )
    // The answer comes by another port and may have overtaken the last notices.
    for (let late = receiveMessageOnPort(ours); late !== undefined; late = receiveMessageOnPort(ours))
      hear(late.message)
    if (answer.ok && ending.reason() === undefined) return answer.output
    throw answer.ok ? cancelled() : failure(answer.code, answer.message, answer.hint)
  } catch (error) {
    throw ending.reason() ?? error
  } finally {
    ending.over()
    starting.delete(ending.endNow)
    run.signal.removeEventListener('abort', cancel)
    ours.close()
  }
}

/**
 * How an attempt ends before its answer. First asks, then ends the thread, which is what `signal` says: one that listens
 * keeps its model for the next part.
 */
function createEnding(ask: () => void) {
  const kill = new AbortController()
  const gate = createNativeGate()
  let reason: Failure | undefined
  let timer: NodeJS.Timeout | undefined

  function later(ms: number, act: () => void): void {
    clearTimeout(timer)
    timer = setTimeout(act, ms)
  }
  function end(error: Failure): void {
    if (reason !== undefined) return
    reason = error
    ask()
    later(graceMs, endThread)
  }
  function endThread(): void {
    clearTimeout(timer)
    if (closeNativeGate(gate)) kill.abort()
    else later(lookMs, endThread)
  }

  return {
    gate,
    signal: kill.signal,
    /** Why it ends; undefined: it does not. */
    reason: () => reason,
    /** It ends by itself this long from now, instead of whatever limit there was. */
    limit(ms: number): void {
      if (reason === undefined) later(ms, () => end(timedOut(ms)))
    },
    end,
    endNow(error: Failure): void {
      end(error)
      endThread()
    },
    over: () => clearTimeout(timer),
  }
}
