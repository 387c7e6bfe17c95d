import type { MessagePort } from 'node:worker_threads'
import { workerData } from 'piscina'
import { CodedError, messageOf } from '../kernel/errors.ts'
import { openEmbedder } from './embedders/open.ts'
import { isKindErrorCode } from './failures.ts'
import { type Asks, type Lendable, type ThreadKind, type ThreadKinds, tableOf } from './kind.ts'
import { useNativeGate } from './native-gate.ts'
import type { MergeOrder, Notice, RunOrder, ThreadAnswer, Touch, WorkerSetup } from './orders.ts'
import { openTokenizer, openUseLite } from './use-lite/use-lite.ts'

const setup = workerData as WorkerSetup

/** Not awaited here: what is wrong with a module is told to whoever gives this thread its first part. */
const loading = loadKinds(setup.kinds)
loading.catch(() => undefined)

/** Opened when first asked for, and kept until the thread ends. */
const models = createModels()

/** Runs one part in this thread. */
export async function perform({ kind: name, params, input, ...touch }: RunOrder & Touch): Promise<ThreadAnswer> {
  const kind = kindOf(await loading, name)
  return answer(touch, async signal => {
    const lent = await lend(kind.asks)
    const progress = (done: number, total: number) => notify(touch.port, { type: 'progress', done, total })
    return kind.run(input, params, { ...lent, signal, progress })
  })
}

/** Merges the parts of what was submitted: the JSON text of its result. */
export async function merge({ kind: name, parts, ...touch }: MergeOrder & Touch): Promise<ThreadAnswer> {
  const kind = kindOf(await loading, name)
  return answer(touch, async () => {
    const only = (text: string): unknown => (JSON.parse(text) as unknown[])[0]
    const merged = kind.merge(parts.map(({ input, output }) => ({ input: only(input), output: only(output) })))
    return JSON.stringify(merged, (_, value: unknown) => (value instanceof Float32Array ? [...value] : value))
  })
}

/** Opens the model, so that the first part does not wait for it. */
export async function warm(touch: Touch): Promise<ThreadAnswer> {
  return answer(touch, async () => {
    const { fingerprint, engine } = await models.embedder()
    return { fingerprint, engine }
  })
}

async function loadKinds(modules: readonly string[]): Promise<ThreadKinds> {
  const loaded: { kinds: ThreadKinds }[] = await Promise.all(modules.map(module => import(module)))
  return tableOf(loaded)
}

function kindOf(kinds: ThreadKinds, name: string): ThreadKind {
  const kind = kinds[name]
  if (kind === undefined) throw new TypeError(`the worker does not know the kind ${name}`)
  return kind
}

/** What a kind asks for, and nothing else. */
async function lend(asks: Asks): Promise<Partial<Lendable>> {
  return {
    ...(asks.counter === true ? { counter: await models.counter() } : {}),
    ...(asks.embedder === true ? { embedder: await models.embedder() } : {}),
  }
}

async function answer({ port, gate }: Touch, work: (signal: AbortSignal) => Promise<unknown>): Promise<ThreadAnswer> {
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

function createModels(): { readonly [Name in keyof Lendable]: () => Promise<Lendable[Name]> } {
  const tokenizer = once(openTokenizer)
  // Chunks must be equal everywhere, so the counter is always the built-in one; the embedder is this peer's choice.
  const { embedder: chosen } = setup
  const embedder = once(async () =>
    chosen === undefined ? openUseLite({ tokenizer: await tokenizer() }) : openEmbedder(chosen, tokenizer),
  )
  return { counter: tokenizer, embedder }
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
