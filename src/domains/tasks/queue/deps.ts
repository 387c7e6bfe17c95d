import type { KindTable } from '../../../daemon/kind.ts'
import type { NewId, PeerId, TaskId } from '../../../kernel/ids.ts'
import type { Json } from '../../../kernel/outcome.ts'
import type { Random } from '../../../kernel/random.ts'
import type { Worker } from '../placement.ts'
import type { Sign, Verify } from '../proof/receipt.ts'
import type { Reputation } from '../proof/reputation.ts'
import type { JobState } from '../states.ts'
import type { Job, JobDocument, Needs, Task } from '../task.ts'

export interface QueueStore {
  job(id: string): Job | undefined
  /** What the things submitted are called. */
  documents(jobId: string): readonly JobDocument[]
  /** One of the things submitted, of a job that is still being split. */
  source(jobId: string, document: number): Json | undefined
  /** The most important first, then the oldest. */
  jobsInState(state: JobState): Job[]
  /** All that were ever submitted under it and are not forgotten. */
  jobsWithKey(key: string): Job[]
  task(id: TaskId): Task | undefined
  leasedTasks(): Task[]
  /** Leased tasks of which a lease has run out. */
  overdueTasks(nowMs: number): Task[]
  /** When the first lease runs out; undefined: nothing is leased. */
  nextLeaseEnd(): number | undefined
  /** When the first task that must wait longer than that may be given out. */
  nextWaiting(afterMs: number): number | undefined
  /** How many tasks each worker has now. */
  load(): Map<PeerId, number>
  /** Queued tasks of a job that need not wait any longer: begun ones first, then in order. */
  nextTasks(jobId: string, nowMs: number, limit: number): Task[]
  /** A job's finished tasks with an unconfirmed result of this worker. */
  unconfirmedTasks(jobId: string, worker: PeerId): Task[]
  /** A job's queued tasks that keep an opinion. */
  doubtedTasks(jobId: string): Task[]
  openTasks(jobId: string): number
  hasOpenTasks(jobId: string): boolean
  /** Tasks of a job that one worker has had since before then, the slowest first. */
  slowTasks(jobId: string, grantedBeforeMs: number, limit: number): Task[]
  /** How many tasks of a job are in each state. */
  taskCounts(jobId: string): Readonly<Record<string, number>>
  allOpenTasks(): number
  /** Canonical JSON of a one-element array. */
  input(taskId: TaskId): string | undefined
  output(taskId: TaskId, epoch: number): string | undefined
  reputation(key: string): Reputation | undefined
}

export interface QueueDeps {
  readonly self: PeerId
  readonly store: QueueStore
  readonly kinds: KindTable
  readonly newId: NewId
  readonly random: Random
  readonly leaseMs: number
  /** How often workers tell that they are alive; three missed end a lease. */
  readonly heartbeatMs: number
  /** Tasks that may be open at a time, over all jobs. */
  readonly maxOpenTasks: number
  /** Tasks this machine takes of its own jobs when nobody else does them, and to check others' answers. */
  readonly ownSlots: number
  /** Fingerprints of the models here; undefined: not known before one was opened. */
  models(): readonly string[] | undefined
  /** Why this machine cannot do such work itself; undefined: it can. */
  ownLacks(needs: Needs): string | undefined
  /** Peers that may be given private jobs which name nobody. */
  readonly trustedPeers: readonly PeerId[]
  readonly sign: Sign
  readonly verify: Verify
  now(): number
  /**
   * Maps for what is remembered and not kept: at most so many entries, and what a decision changes in one is undone with
   * the write it belongs to. A decision sees what it has just remembered itself.
   */
  memory<Key, Value>(most: number): Map<Key, Value>
  /** Peers that work on this kind now; this one too, when it works. */
  workersFor(kind: string, version: number): readonly Worker[]
}

/** Tasks of one version of one kind: what peers advertise, and what reputation is about. */
export function kindName({ kind, version }: { kind: string; version: number }): string {
  return `${kind}@${version}`
}
