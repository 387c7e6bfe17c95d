import type { KindTable } from '../../../daemon/kind.ts'
import type { PeerId, TaskId } from '../../../kernel/ids.ts'
import type { Verify, WorkStatement } from '../proof/receipt.ts'
import type { Reason, Work } from '../task.ts'

export interface DeskDeps {
  readonly self: PeerId
  readonly kinds: KindTable
  readonly store: {
    work(taskId: TaskId): Work | undefined
    /** Of this peer's own jobs. */
    task(taskId: TaskId): object | undefined
    openWork(): Work[]
    /** What a job's worker stated, newest last. */
    statements(jobId: string): WorkStatement[]
  }
  /** Tasks taken at a time; 0: this peer does not work for others. */
  readonly slots: number
  readonly threads: number
  /** Memory that a worker thread may use. */
  readonly memoryMb: number
  /** Words of what computes here: `onnxruntime-node`, … */
  engines(): readonly string[]
  /** From 0, free, to 9. */
  readonly priceClass: number
  readonly verify: Verify
  now(): number
  /** See `QueueDeps`. */
  memory<Key, Value>(most: number): Map<Key, Value>
  /** Fingerprints of the models here; undefined: not known before one was opened. */
  models(): readonly string[] | undefined
  /** Begins to find out which model is here, where this kind takes one. False: it could not be opened a while ago. */
  learnModel(kind: string): boolean
  /** Why this machine does not work for others just now; undefined: it does. */
  paused(): Reason | undefined
}
