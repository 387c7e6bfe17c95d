import type { Log } from '../kernel/log.ts'
import { tableOf } from './kind.ts'
import { createOwnModel, type OwnModel } from './own-model.ts'
import { createPool, type Pool, type PoolOptions } from './pool.ts'
import type { Tokenizer } from './use-lite/tokenizer.ts'

export interface ThreadsOptions extends PoolOptions {
  readonly log: Pick<Log, 'error' | 'warn'>
  now(): number
}

/** Worker threads for the kinds of work that domains bring, and what they find out about this machine's model. */
export interface Threads extends Pool {
  readonly model: OwnModel
}

/** Counts what the model takes in, loaded where it is asked for. */
export async function openTokenizer(): Promise<Tokenizer> {
  const useLite = await import('./use-lite/use-lite.ts')
  return useLite.openTokenizer()
}

/** No thread starts, and nothing is loaded, before the first part. */
export function createThreads(options: ThreadsOptions): Threads {
  const pool = createPool(options)
  const { run, model } = createOwnModel({
    pool,
    kinds: () => tableOf(options.kinds),
    log: options.log,
    now: options.now,
  })
  return { ...pool, run, model }
}
