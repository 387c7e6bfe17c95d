import { z } from 'zod'
import type { PeerId, SubjectId, TaskId } from '../../kernel/ids.ts'
import type { Draft, Json, JsonObject, Refusal } from '../../kernel/outcome.ts'
import type { WorkStatement } from './proof/receipt.ts'
import type { Job, Needs, Reason, WorkResult } from './task.ts'

/**
 * What submitters and workers say to each other, straight and signed. The envelope is about the job; the tasks, with
 * their attempts and lease epochs, are in the payload under the same signature, many in one message, so that small
 * tasks do not pay a round trip each.
 *
 * | said | by | the road's own answer |
 * | --- | --- | --- |
 * | `task.offer` | submitter: would you? | ACK: heard |
 * | `task.bid`, or `task.refuse` | worker: up to so many at a time, until then; or not, and why | ACK |
 * | `task.assign` | submitter | ACK is the accept; NACK refuses all of it; `task.refuse` follows for a part of it |
 * | `task.progress` | worker: still at it | NACK or a `task.cancel`: the lease is over |
 * | `task.result` | worker | ACK: kept; NACK, or `refused` in the ACK: not accepted, and why |
 * | `task.ack` | submitter: what it accepted, with its signature under the worker's claims | ACK |
 * | `task.cancel` | submitter: not wanted any more | ACK |
 */

/** Tasks in one message at most, and bytes of their inputs or outputs: half of what a stream carries. */
export const MAX_TASKS_A_MESSAGE = 64
export const MAX_BATCH_BYTES = 512 * 1024

const leaseEpoch = z.int().min(1)
const taskId = z.string().regex(/^[\w.:-]{1,128}$/)
const code = z.string().max(64)
const sentence = z.string().max(2_000)
const hash = z.string().regex(/^[\w-]{43}$/)
const kind = z.string().max(64)
const version = z.int().min(0)
const count = z.int().min(0).max(1_000_000)
const ms = z.number().min(0)
const many = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(MAX_TASKS_A_MESSAGE)
const leased = { task_id: taskId, lease_epoch: leaseEpoch }

const needsSchema = z.strictObject({
  memory_mb: z.int().min(0),
  fingerprint: z.string().max(128).optional(),
  engine: z.string().max(64).optional(),
})
export const offerSchema = z.strictObject({ kind, version, needs: needsSchema, count, priority: z.int() })
export const bidSchema = z.strictObject({
  kind,
  version,
  up_to: z.int().min(1).max(1024),
  until: z.int(),
  /** What lies on the worker's desk already, and what one takes, where it has been measured. */
  queue: count,
  ms_per_task: ms.optional(),
  price_class: z.int().min(0).max(9),
})
export const refuseSchema = z.strictObject({
  kind,
  version,
  code,
  message: sentence,
  retry_after_ms: ms.optional(),
  /** Which tasks of an assignment; without it, the offer. */
  tasks: many(z.strictObject(leased)).optional(),
})
export const assignSchema = z.strictObject({
  kind,
  version,
  needs: needsSchema,
  params: z.looseObject({}),
  tasks: many(z.strictObject({ ...leased, attempt: z.int().min(1), input: z.unknown() })),
})
/** Prolongs the leases. `waiting`: not begun; it lies on the desk behind others. */
export const progressSchema = z.strictObject({
  tasks: many(z.strictObject({ ...leased, done: z.number(), total: z.number(), waiting: z.boolean() })),
})
const claimSchema = z.strictObject({
  output_hash: hash,
  busy_ms: ms,
  energy_micro_wh: z.int().min(0),
  measure: z.enum(['estimated', 'metered']),
  source: z.enum(['grid', 'solar', 'battery', 'unknown']),
})
export const resultSchema = z.strictObject({
  results: many(
    z.strictObject({
      ...leased,
      output: z.unknown().optional(),
      claim: claimSchema.optional(),
      error: z.strictObject({ code, message: sentence }).optional(),
    }),
  ),
  /** The worker's, under the claims of this message in order; absent when there are only errors. */
  signature: z.string().max(128).optional(),
})
export const ackSchema = z.strictObject({ hashes: many(hash), signature: z.string().max(128) })
export const cancelSchema = z.strictObject({ tasks: many(z.strictObject(leased)), reason: sentence })

export type WorkOffer = z.infer<typeof offerSchema>
export type Bid = z.infer<typeof bidSchema>
export type Refuse = z.infer<typeof refuseSchema>
export type Assign = z.infer<typeof assignSchema>
export type Progress = z.infer<typeof progressSchema>
export type Result = z.infer<typeof resultSchema>
export type Ack = z.infer<typeof ackSchema>
export type Cancel = z.infer<typeof cancelSchema>

export interface LeaseRef {
  readonly taskId: TaskId
  readonly leaseEpoch: number
}

/** A worker that does not take a task in this time does not get it. */
const ASSIGN_TTL_MS = 10_000
const RESULT_TTL_MS = 60 * 60_000
const PROGRESS_TTL_MS = 30_000
const ACK_TTL_MS = 24 * 60 * 60_000

export function offerDraft(job: Job, open: number, worker: PeerId): Draft {
  const { kind, version, priority } = job
  const payload = { kind, version, needs: needsOf(job.needs), count: Math.min(open, 1_000_000), priority }
  return draft('task.offer', job.id, { to: worker, payload, ttlMs: ASSIGN_TTL_MS })
}

export function bidDraft(jobId: string, submitter: PeerId, bid: Bid): Draft {
  return draft('task.bid', jobId, { to: submitter, payload: { ...bid } as JsonObject, ttlMs: ASSIGN_TTL_MS })
}

/** @param tasks of an assignment; without any, the offer is refused */
export function refuseDraft(
  jobId: string,
  submitter: PeerId,
  { kind, version }: Pick<WorkOffer, 'kind' | 'version'>,
  { why, tasks }: { why: Reason; tasks?: readonly LeaseRef[] },
): Draft {
  const { code, message, retryAfterMs } = why
  const retry = retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }
  const about = tasks === undefined ? {} : { tasks: tasks.map(refOf) }
  const payload = { kind, version, code, message, ...retry, ...about }
  return draft('task.refuse', jobId, { to: submitter, payload, ttlMs: PROGRESS_TTL_MS })
}

export interface Given extends LeaseRef {
  readonly attempt: number
  readonly input: Json
}

export function assignDraft(job: Job, tasks: readonly Given[], worker: PeerId): Draft {
  const { kind, version, params } = job
  const given = tasks.map(({ attempt, input, ...ref }) => ({ ...refOf(ref), attempt, input }))
  const payload = { kind, version, params, needs: needsOf(job.needs), tasks: given }
  return draft('task.assign', job.id, { to: worker, payload, ttlMs: ASSIGN_TTL_MS })
}

export interface Beat extends LeaseRef {
  readonly jobId: string
  readonly submitter: PeerId
  readonly done: number
  readonly total: number
  readonly waiting: boolean
}

/** One message for all that a submitter's job has on this desk, or as many as it takes. */
export function progressDrafts(beats: readonly Beat[]): Draft[] {
  const groups = [...Map.groupBy(beats, ({ submitter, jobId }) => `${submitter} ${jobId}`).values()]
  return groups.flatMap(group =>
    slices(group, MAX_TASKS_A_MESSAGE).map(slice => {
      const [{ jobId, submitter }] = slice as [Beat]
      const tasks = slice.map(({ done, total, waiting, ...ref }) => ({ ...refOf(ref), done, total, waiting }))
      return draft('task.progress', jobId, { to: submitter, payload: { tasks }, ttlMs: PROGRESS_TTL_MS })
    }),
  )
}

export interface Finished {
  readonly result: WorkResult
  readonly claim?: JsonObject
}

export function resultDraft(
  to: PeerId,
  jobId: string,
  finished: readonly Finished[],
  statement: WorkStatement | undefined,
): Draft {
  const results = finished.map(({ result: { result, ...ref }, claim }) => ({
    ...refOf(ref),
    ...result,
    ...(claim === undefined ? {} : { claim }),
  }))
  const payload = { results, ...(statement === undefined ? {} : { signature: statement.signature }) }
  return draft('task.result', jobId, { to, payload, ttlMs: RESULT_TTL_MS })
}

/** That there are results which could not be sent, and why: of too large a one, say. */
export function unsentDraft(to: PeerId, jobId: string, results: Result['results'], why: Refusal): Draft {
  const error = { code: why.code, message: `the result could not be sent: ${why.message}` }
  const failed = results.map(({ task_id, lease_epoch }) => ({ task_id, lease_epoch, error }))
  return draft('task.result', jobId, { to, payload: { results: failed }, ttlMs: RESULT_TTL_MS })
}

export function ackDraft({ worker, jobId, hashes, signature }: WorkStatement): Draft {
  return draft('task.ack', jobId, { to: worker, payload: { hashes: [...hashes], signature }, ttlMs: ACK_TTL_MS })
}

export function cancelDrafts(jobId: string, worker: PeerId, refs: readonly LeaseRef[], reason: string): Draft[] {
  return slices(refs, MAX_TASKS_A_MESSAGE).map(slice =>
    draft('task.cancel', jobId, { to: worker, payload: { tasks: slice.map(refOf), reason }, ttlMs: ASSIGN_TTL_MS }),
  )
}

export function slices<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
}

function draft(type: string, jobId: string, rest: Pick<Draft, 'to' | 'payload' | 'ttlMs'>): Draft {
  return { type, subjectId: jobId as SubjectId, carrier: 'stream', ...rest }
}

function refOf({ taskId: task_id, leaseEpoch: lease_epoch }: LeaseRef) {
  return { task_id, lease_epoch }
}

function needsOf({ memoryMb: memory_mb, fingerprint, engine }: Needs) {
  return {
    memory_mb,
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(engine === undefined ? {} : { engine }),
  }
}
