import type { z } from 'zod'
import type { Embedder } from '../text/embedder.ts'
import type { TokenCounter } from '../text/ruler.ts'

/** What a thread can lend to a part while it runs: opened for the first part that asks for it, and kept for the next ones. */
export interface Lendable {
  /** The tokenizer of the model that comes with wattmesh, alone: a few MB, and the same at every peer. */
  readonly counter: TokenCounter
  /** The whole model that this peer has chosen: some 200 MB. */
  readonly embedder: Embedder
}

export type Asks = { readonly [Name in keyof Lendable]?: true }

/** What a part gets while it runs: the things its kind asks for, and the way to the one who wants the result. */
export type WorkContext<Asked extends keyof Lendable = never> = Pick<Lendable, Asked> & {
  /** Aborts when the result is no longer wanted. */
  readonly signal: AbortSignal
  progress(done: number, total: number): void
}

/** What the pool must know of a kind of work. The whole contract, of which this is a part, is the daemon's. */
export interface ThreadKind {
  readonly asks: Asks
  readonly params: z.ZodType
  readonly input: z.ZodType
  readonly limits: { maxRunMs(input: unknown): number }
  run(input: unknown, params: unknown, context: WorkContext): Promise<unknown>
  merge(parts: readonly { readonly input: unknown; readonly output: unknown }[]): unknown
}

export type ThreadKinds = Readonly<Record<string, ThreadKind>>

/** A table of kinds, and the module that exports it as `kinds`: functions do not travel, so each thread imports them anew. */
export interface KindModule {
  readonly kinds: ThreadKinds
  readonly module: URL
}

export function tableOf(modules: readonly Pick<KindModule, 'kinds'>[]): ThreadKinds {
  return Object.fromEntries(modules.flatMap(({ kinds }) => Object.entries(kinds)))
}
