import type { MessagePort } from 'node:worker_threads'
import type { EmbedderOptions } from './embedders/open.ts'
import type { KindErrorCode } from './failures.ts'
import type { NativeGate } from './native-gate.ts'

/** What a worker thread is started with. */
export interface WorkerSetup {
  /** Addresses of modules, each of which exports a table of kinds as `kinds`. */
  readonly kinds: readonly string[]
  readonly embedder: EmbedderOptions | undefined
}

/** How the main thread keeps in touch with a part. */
export interface Touch {
  /** Notices go out on it; any message that comes in means: the result is no longer wanted. */
  readonly port: MessagePort
  /** Closed when the thread is to end. */
  readonly gate: NativeGate
}

/** A part to run. Parameters and input are checked before they get here. */
export interface RunOrder {
  readonly kind: string
  readonly params: unknown
  readonly input: unknown
}

/** Parts to merge, each input and output as the JSON text of a one-element array. */
export interface MergeOrder {
  readonly kind: string
  readonly parts: readonly { readonly input: string; readonly output: string }[]
}

export type Notice =
  | { readonly type: 'started' }
  | { readonly type: 'progress'; readonly done: number; readonly total: number }

/** An error's class and code do not survive the way between threads, so a failure is a value. */
export type ThreadAnswer =
  | { readonly ok: true; readonly output: unknown }
  | {
      readonly ok: false
      readonly code: KindErrorCode | 'TASK_CRASHED'
      readonly message: string
      readonly hint: string | undefined
    }
