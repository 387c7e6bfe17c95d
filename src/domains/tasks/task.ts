import type { PeerId, TaskId } from '../../kernel/ids.ts'
import { type Json, type JsonObject, type Outcome, refused } from '../../kernel/outcome.ts'
import type { WorkStatement } from './proof/receipt.ts'
import type { Reputation } from './proof/reputation.ts'
import type { JobState, TaskState } from './states.ts'

/** One worker's right to a task for a time. */
export interface Lease {
  readonly worker: PeerId
  /** Raised with each lease of the task; a result under an ended one comes too late. */
  readonly epoch: number
  readonly grantedMs: number
  /** Prolonged by signs of life, never past `capMs`: what the size of the work allows at most. */
  readonly untilMs: number
  readonly capMs: number
  /** The furthest the worker got, and when it last got further. */
  readonly progress: { readonly done: number; readonly total: number; readonly atMs: number }
  /** A sign of life said that work on it has begun; until then it lay on the desk. */
  readonly begun?: true
}

/** What one worker says the answer is; the answer itself is kept apart. */
export interface Opinion {
  readonly worker: PeerId
  readonly epoch: number
  /** Of the worker's claim about this work, when it came signed. */
  readonly claim?: string
}

/** Why and from whom another opinion is wanted before one is accepted. */
export interface Doubt {
  readonly ask: 'peer' | 'own'
  readonly because: 'new' | 'sampled' | 'disagreement'
}

/** Something that happened, for people. */
export interface Step {
  readonly atMs: number
  readonly text: string
}

/** A part of a job, as its submitter keeps it; input and answers are kept apart, so that a step rewrites neither. */
export interface Task {
  readonly id: TaskId
  readonly jobId: string
  /** Its place in the result. */
  readonly index: number
  /** Which of the job's documents (texts or other inputs) it is a part of. */
  readonly document: number
  readonly state: TaskState
  /** Size and SHA-256 (base64url) of the canonical input. */
  readonly inputBytes: number
  readonly inputHash: string
  /** How often work was begun and not taken back by the worker itself. */
  readonly attempt: number
  readonly leaseEpoch: number
  /** One, or two while a copy of slow work runs elsewhere. */
  readonly leases: readonly Lease[]
  readonly opinions: readonly Opinion[]
  readonly doubt?: Doubt
  /** This machine tried and cannot: it lacks the model, or the memory. */
  readonly ownCannot?: true
  /** Others have tried in vain: before it is given up, this machine tries once itself. */
  readonly ownTurn?: true
  /** Who has it, or whose result was accepted. */
  readonly worker?: PeerId
  /** Not given out before, Unix milliseconds. */
  readonly notBeforeMs: number
  /** Who had it before. */
  readonly tried: readonly PeerId[]
  /** Who vanished while working on it. */
  readonly lostWith: readonly PeerId[]
  /** When the last lease was lost; how long until somebody else had it. */
  readonly lostAtMs?: number
  readonly releaseMs?: number
  /** Results accepted: one at most, or something is broken. */
  readonly accepted: number
  /** The lease under which the accepted result was made; whether a second opinion bears it out. */
  readonly acceptedEpoch?: number
  readonly confirmed?: boolean
  readonly reason?: string
  /** What happened to it, newest last; bounded. */
  readonly steps: readonly Step[]
}

/** What a worker must have. */
export interface Needs {
  readonly memoryMb: number
  /** The model whose vectors are wanted. */
  readonly fingerprint?: string
  /** What must compute: a word of the worker's engine, like `onnxruntime-node`. */
  readonly engine?: string
}

export interface Job {
  readonly id: string
  readonly kind: string
  readonly version: number
  readonly params: JsonObject
  /** How many texts or other inputs, how many parts. */
  readonly texts: number
  readonly total: number
  readonly createdMs: number
  readonly finishedMs?: number
  readonly state: JobState
  /** Higher goes first, −100 to 100. */
  readonly priority: number
  /** What is not done by then is dropped, Unix milliseconds. */
  readonly deadlineMs?: number
  readonly needs: Needs
  /** `private`: given to `peers` and to this machine only. */
  readonly privacy: 'public' | 'private'
  readonly peers: readonly PeerId[]
  /** Jobs that must be done before this one begins. */
  readonly after: readonly string[]
  readonly verify: 'none' | 'adaptive'
  /** The submitter's word for this job, and what it stood for: SHA-256 of the request. */
  readonly key?: string
  readonly requestHash: string
  readonly reason?: string
  readonly steps: readonly Step[]
}

/** One of the things submitted: a text, or any JSON that the kind takes. */
export interface JobDocument {
  readonly name: string
  /** UTF-16 code units of the text, or of the JSON. */
  readonly characters: number
}

/** A task of somebody's, as its worker keeps it. */
export interface Work {
  readonly taskId: TaskId
  readonly jobId: string
  readonly leaseEpoch: number
  readonly attempt: number
  readonly submitter: PeerId
  readonly kind: string
  readonly version: number
  readonly params: JsonObject
  readonly inputBytes: number
  readonly inputHash: string
  readonly state: 'accepted'
  readonly acceptedMs: number
}

/** What came of a task at its worker. */
export interface WorkResult {
  readonly taskId: TaskId
  readonly leaseEpoch: number
  /** Time in the worker thread. */
  readonly busyMs: number
  readonly result: { readonly output: Json } | { readonly error: { readonly code: string; readonly message: string } }
}

export type TaskFact =
  | { readonly kind: 'tasks.job'; readonly job: Job }
  | { readonly kind: 'tasks.job.documents'; readonly jobId: string; readonly documents: readonly JobDocument[] }
  /** Kept until the job is split. */
  | { readonly kind: 'tasks.job.source'; readonly jobId: string; readonly document: number; readonly source: Json }
  | { readonly kind: 'tasks.job.sources.gone'; readonly jobId: string }
  | { readonly kind: 'tasks.task'; readonly task: Task }
  /** Canonical JSON of a one-element array that holds the input. */
  | { readonly kind: 'tasks.input'; readonly taskId: TaskId; readonly jobId: string; readonly text: string }
  /** The same of an answer, under its lease. */
  | {
      readonly kind: 'tasks.output'
      readonly taskId: TaskId
      readonly jobId: string
      readonly epoch: number
      readonly text: string
    }
  | { readonly kind: 'tasks.output.gone'; readonly taskId: TaskId; readonly epoch: number }
  /** All tasks of a job in one of these states, at once: a job may have many thousands. */
  | {
      readonly kind: 'tasks.moved'
      readonly jobId: string
      readonly from: readonly TaskState[]
      readonly to: TaskState
      readonly reason: string
    }
  /** `input` as in `task.input`; absent for own work, whose input is kept already. */
  | { readonly kind: 'tasks.work'; readonly work: Work; readonly input?: string }
  | { readonly kind: 'tasks.work.gone'; readonly taskId: TaskId }
  /** Takes up to `rows` rows of a job away, its receipts among them, and with the last the job. */
  | { readonly kind: 'tasks.job.gone'; readonly jobId: string; readonly rows: number }
  | { readonly kind: 'tasks.reputation'; readonly reputation: Reputation }
  | { readonly kind: 'tasks.statement'; readonly statement: WorkStatement }

export type TasksOutcome = Outcome<TaskFact>

export type TaskCode =
  | 'TASK_NOT_OFFERED'
  | 'TASK_KIND_UNKNOWN'
  | 'TASK_NEEDS_UNMET'
  | 'TASK_MODEL_UNKNOWN'
  | 'TASK_BUSY'
  | 'TASK_PAUSED'
  | 'TASK_BAD_INPUT'
  | 'TASK_LEASE_OVER'
  | 'TASK_RESULT_WRONG'
  | 'TASK_UNKNOWN'
  | 'TASK_KEY_REUSED'
  | 'TASK_DEADLINE_PAST'
  | 'TASK_QUEUE_FULL'
  | 'TASK_STATE'

/** Why not, and when to ask again. */
export interface Reason {
  readonly code: TaskCode
  readonly message: string
  readonly retryAfterMs?: number
}

/** Nothing is kept, nothing is sent, the sender learns why. */
export function refuseTask(code: TaskCode, message: string, details?: JsonObject): Outcome<never> {
  return refused(code, message, details)
}
