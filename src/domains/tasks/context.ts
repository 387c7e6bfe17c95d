import { z } from 'zod'
import type { Context } from '../../daemon/domain.ts'
import type { KindTable } from '../../daemon/kind.ts'
import type { PeerId } from '../../kernel/ids.ts'
import type { Draft, JsonObject } from '../../kernel/outcome.ts'
import { tasksOptions as own } from './options.ts'
import type { WorkingPeer } from './placement.ts'
import type { PowerSource } from './proof/receipt.ts'
import type { TasksRead } from './store.ts'
import type { TaskFact } from './task.ts'

/** What tasks are told: their own options, and some of others. */
export const options = own.extend({
  roles: z.array(z.string()),
  compute: own.shape.compute.unwrap().extend({ threads: z.number(), memoryMb: z.number(), watts: z.number() }),
})
export type TasksContext = Context<z.output<typeof options>, TasksRead, TaskFact>

/** What tasks are told by others. */
export interface TasksNeeds {
  /** Every kind of work that a domain brings. */
  readonly kinds: KindTable
  readonly threads: TaskThreads
  readonly manners: Manners
  /** Connected peers that advertise this kind, as `name@version`, and whose advert has not run out. */
  readonly workers: (kind: string) => readonly WorkingPeer[]
  /** Where the power comes from now, in a word for receipts. */
  readonly powerSource: () => PowerSource
  /** What is said of work for others, as it is; a scenario tells lies on purpose. */
  readonly said: (output: unknown) => unknown
  /** Sends once and keeps nothing. */
  readonly post: (draft: Draft) => void
  /** Whom messages are kept for that they do not have yet. */
  readonly undelivered: () => readonly (PeerId | undefined)[]
  /** Tells the machine to step back behind other programs' disk. */
  readonly stepBack: () => void
}

/** The worker threads of this machine. */
export interface TaskThreads {
  run(
    kind: string,
    params: JsonObject,
    input: unknown,
    how: { signal: AbortSignal; onStarted: () => void; onProgress: (done: number, total: number) => void },
  ): Promise<unknown>
  /** Merges a document's parts: the JSON text of its result. */
  merge(kind: string, parts: readonly { readonly input: string; readonly output: string }[]): Promise<string>
  stats(): { readonly free: number; readonly queued: number }
  readonly model: {
    learn(kind: string): Promise<void>
    used(kind: string): boolean
    fingerprints(): readonly string[] | undefined
    engines(): readonly string[]
  }
}

/** When this machine works for others. */
interface Manners {
  /** Threads that may work for others now. */
  threads(): number
  /** Somebody asks whether work is taken: what it is told while it is not. */
  asked(): { readonly sentence: string; readonly retryAfterMs: number } | undefined
  availability(): 'open' | 'limited' | 'closed'
  /** When what still runs for others is given back; undefined: it may go on. */
  giveBackAt(): { readonly atMs: number; readonly sentence: string } | undefined
  /** Whether work of others lies here. */
  holds(work: boolean): void
}
