import type { PeerId, TaskId } from '../kernel/ids.ts'
import { type Json, type JsonObject, type Outcome, refused } from '../kernel/outcome.ts'

/** A task ends in exactly one of the last five. */
export type TaskState = 'queued' | 'leased' | 'done' | 'failed' | 'cancelled' | 'expired' | 'poisoned'

/** A part of a job, as its submitter keeps it. */
export interface Task {
  readonly id: TaskId
  readonly jobId: string
  /** Its place in the result. */
  readonly index: number
  /** Which of the job's documents it is a part of. */
  readonly document: number
  readonly input: Json
  readonly state: TaskState
  /** How often work was begun. */
  readonly attempt: number
  /** Raised with each lease; a result of an older one comes too late. */
  readonly leaseEpoch: number
  readonly worker?: PeerId
  readonly leaseUntilMs?: number
  /** The furthest the worker got, and when. */
  readonly progress?: { readonly done: number; readonly atMs: number }
  /** Not given out before, Unix milliseconds. */
  readonly notBeforeMs: number
  /** Who had it before. */
  readonly tried: readonly PeerId[]
  /** Who vanished while working on it. */
  readonly lostWith: readonly PeerId[]
  /** When the last lease was lost; how long until somebody else had it. */
  readonly lostAtMs?: number
  readonly releaseMs?: number
  readonly output?: Json
  /** Results accepted: one at most, or something is broken. */
  readonly accepted: number
  readonly reason?: string
}

export interface Job {
  readonly id: string
  readonly kind: string
  readonly params: JsonObject
  readonly documents: readonly { readonly name: string; readonly characters: number }[]
  readonly total: number
  readonly createdMs: number
  readonly finishedMs?: number
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  readonly reason?: string
}

/** A task of somebody's, as its worker keeps it. */
export interface Work {
  readonly taskId: TaskId
  readonly leaseEpoch: number
  readonly submitter: PeerId
  readonly kind: string
  readonly params: JsonObject
  readonly input: Json
  readonly state: 'accepted' | 'done'
  readonly acceptedMs: number
}

export type TaskFact =
  | { readonly kind: 'job'; readonly job: Job }
  | { readonly kind: 'task'; readonly task: Task }
  | { readonly kind: 'work'; readonly work: Work }
  | { readonly kind: 'work.gone'; readonly taskId: TaskId }

type TaskCode =
  | 'TASK_NOT_OFFERED'
  | 'TASK_KIND_UNKNOWN'
  | 'TASK_BUSY'
  | 'TASK_BAD_INPUT'
  | 'TASK_LEASE_OVER'
  | 'TASK_RESULT_WRONG'
  | 'TASK_UNKNOWN'

export const FINAL_STATES: readonly TaskState[] = ['done', 'failed', 'cancelled', 'expired', 'poisoned']

/** Nothing is kept, nothing is sent, the sender learns why. */
export function refuseTask(code: TaskCode, message: string, details?: JsonObject): Outcome<never> {
  return refused(code, message, details)
}
