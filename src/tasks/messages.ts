import { z } from 'zod'
import type { PeerId, TaskId } from '../kernel/ids.ts'
import type { Draft, Json, JsonObject } from '../kernel/outcome.ts'
import type { Job, Task, Work } from './task.ts'

const leaseEpoch = z.int().min(1)
const json = z.unknown()

/** The submitter gives a task out; the acknowledgement accepts it, a refusal says why not. */
export const assignSchema = z.strictObject({
  lease_epoch: leaseEpoch,
  attempt: z.int().min(1),
  kind: z.string().max(64),
  version: z.int(),
  params: z.looseObject({}),
  input: json,
})
/** The worker is alive, and how far it is. Prolongs the lease. */
export const progressSchema = z.strictObject({ lease_epoch: leaseEpoch, done: z.number(), total: z.number() })
export const resultSchema = z.strictObject({
  lease_epoch: leaseEpoch,
  output: json.optional(),
  error: z.strictObject({ code: z.string().max(64), message: z.string().max(2_000) }).optional(),
})
export const cancelSchema = z.strictObject({ lease_epoch: leaseEpoch })

export type Assign = z.infer<typeof assignSchema>
export type Result = z.infer<typeof resultSchema>

/** A worker that does not take a task in this time does not get it. */
const ASSIGN_TTL_MS = 10_000
const RESULT_TTL_MS = 60 * 60_000
const PROGRESS_TTL_MS = 30_000

export function assignDraft(job: Job, task: Task, version: number, worker: PeerId): Draft {
  const { leaseEpoch: lease_epoch, attempt, input } = task
  const payload = { lease_epoch, attempt, kind: job.kind, version, params: job.params, input }
  return { type: 'task.assign', taskId: task.id, to: worker, payload, carrier: 'stream', ttlMs: ASSIGN_TTL_MS }
}

export function resultDraft(
  work: Work,
  result: { output: Json } | { error: { code: string; message: string } },
): Draft {
  return toSubmitter(work, 'task.result', { ...result }, RESULT_TTL_MS)
}

export function progressDraft(work: Work, done: number, total: number): Draft {
  return toSubmitter(work, 'task.progress', { done, total }, PROGRESS_TTL_MS)
}

function toSubmitter(work: Work, type: string, payload: JsonObject, ttlMs: number): Draft {
  const { leaseEpoch: lease_epoch, submitter: to, taskId } = work
  return { type, taskId, to, payload: { lease_epoch, ...payload }, carrier: 'stream', ttlMs }
}

export function cancelDraft(taskId: TaskId, worker: PeerId, leaseEpoch: number): Draft {
  return {
    type: 'task.cancel',
    taskId,
    to: worker,
    payload: { lease_epoch: leaseEpoch },
    carrier: 'stream',
    ttlMs: ASSIGN_TTL_MS,
  }
}
