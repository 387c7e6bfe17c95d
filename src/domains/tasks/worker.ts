import type { MessagePort } from 'node:worker_threads'
import { workerData } from 'piscina'
import { CodedError, messageOf } from '../../kernel/errors.ts'
import type { Embedder } from './kinds/embedder.ts'
import { type NativeGate, useNativeGate } from './kinds/embedders/native.ts'
import { type EmbedderOptions, openEmbedder } from './kinds/embedders/open.ts'
import { type AnyKind, isKindErrorCode, type KindErrorCode, type KindTable, type WorkContext } from './kinds/kind.ts'
import { kinds } from './kinds/kinds.ts'
import { openTokenizer, openUseLite } from './kinds/use-lite/use-lite.ts'

/** How the main thread keeps in touch with a part. */
interface Touch {
  /** Notices go out on it; any message that comes in means: the result is no longer wanted. */
  readonly port: MessagePort
  /** Closed when the thread is to end. */
  readonly gate: NativeGate
}

/** What the main thread hands to a worker thread. Parameters and input are checked before they get here. */
export interface Job extends Touch {
  readonly kind: string
  readonly params: unknown
  readonly input: unknown
}

export type Notice =
  | { readonly type: 'started' }
  | { readonly type: 'progress'; readonly done: number; readonly total: number }

/** An error's class and code do not survive the way between threads, so a failure is a value. */
export type JobAnswer =
  | { readonly ok: true; readonly output: unknown }
  | {
      readonly ok: false
      readonly code: KindErrorCode | 'TASK_CRASHED'
      readonly message: string
      readonly hint: string | undefined
    }

/** The parts of one document, each input and output as the JSON text of a one-element array. */
export interface MergeJob extends Touch {
  readonly kind: string
  readonly parts: readonly { readonly input: string; readonly output: string }[]
}

/** Models of this thread, opened when first needed and kept until the thread ends. */
const models = createModels()

/** Runs one part in this thread. */
export const perform = createPerform(kinds)

/** Merges the parts of a document: the JSON text of its result. */
export const merge = createMerge(kinds)

/** Opens the model, so that the first part does not wait for it. */
export async function warm(touch: Touch): Promise<JobAnswer> {
  return answer(touch, async () => {
    const { fingerprint, engine } = await models.embedder()
    return { fingerprint, engine }
  })
}

/** The worker for a table of kinds; a test's worker serves kinds that misbehave. */
export function createPerform(table: KindTable): (job: Job) => Promise<JobAnswer> {
  return ({ kind, params, input, ...touch }) =>
    answer(touch, signal => {
      const found: AnyKind | undefined = table[kind]
      if (found === undefined) throw new TypeError(`the worker does not know the kind ${kind}`)
      const progress = (done: number, total: number) => notify(touch.port, { type: 'progress', done, total })
      const context: WorkContext = { counter: models.tokenizer, embedder: models.embedder, signal, progress }
      return found.run(input, params, context)
    })
}

export function createMerge(table: KindTable): (job: MergeJob) => Promise<JobAnswer> {
  return ({ kind, parts, ...touch }) =>
    answer(touch, async () => {
      const found: AnyKind | undefined = table[kind]
      if (found === undefined) throw new TypeError(`the worker does not know the kind ${kind}`)
      const only = (text: string): unknown => (JSON.parse(text) as unknown[])[0]
      const merged = found.merge(parts.map(({ input, output }) => ({ input: only(input), output: only(output) })))
      return JSON.stringify(merged, (_, value: unknown) => (value instanceof Float32Array ? [...value] : value))
    })
}

async function answer({ port, gate }: Touch, work: (signal: AbortSignal) => Promise<unknown>): Promise<JobAnswer> {
  useNativeGate(gate)
  const unwanted = new AbortController()
  port.once('message', () => unwanted.abort())
  notify(port, { type: 'started' })
  try {
    return { ok: true, output: await work(unwanted.signal) }
  } catch (error) {
    const message = messageOf(error)
    if (!(error instanceof CodedError && isKindErrorCode(error.code))) {
      return { ok: false, code: 'TASK_CRASHED', message, hint: undefined }
    }
    return { ok: false, code: error.code, message, hint: error.hint }
  } finally {
    port.close()
  }
}

function notify(port: MessagePort, notice: Notice): void {
  port.postMessage(notice)
}

function createModels() {
  const tokenizer = once(openTokenizer)
  // Chunks must be equal everywhere, so the counter is always the built-in one; the embedder is this peer's choice.
  const chosen = (workerData as { embedder?: EmbedderOptions } | null)?.embedder
  const embedder = once<Embedder>(async () =>
    chosen === undefined ? openUseLite({ tokenizer: await tokenizer() }) : openEmbedder(chosen, tokenizer),
  )
  return { tokenizer, embedder }
}

/** Opens at the first call; after a failure, tries again at the next. */
function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined
  return async () => {
    opened ??= open()
    try {
      return await opened
    } catch (error) {
      opened = undefined
      throw error
    }
  }
}
