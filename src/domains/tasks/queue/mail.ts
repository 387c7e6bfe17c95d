import type { PeerId } from '../../../kernel/ids.ts'
import type { Draft } from '../../../kernel/outcome.ts'
import {
  ackDraft,
  assignDraft,
  cancelDrafts,
  type Given,
  type LeaseRef,
  MAX_BATCH_BYTES,
  MAX_TASKS_A_MESSAGE,
} from '../messages.ts'
import { signStatement, type WorkStatement } from '../proof/receipt.ts'
import type { Job } from '../task.ts'
import type { QueueDeps } from './deps.ts'

/** What one decision says: each worker gets its messages together. */
export interface Mail {
  send(draft: Draft): void
  assign(job: Job, worker: PeerId, given: Given & { readonly bytes: number }): void
  cancel(jobId: string, worker: PeerId, ref: LeaseRef, reason: string): void
  /** The submitter's signature under an accepted claim. */
  acknowledge(job: Job, worker: PeerId, claim: string): void
  /** All of it, when nothing more is said, and what was signed for it. */
  close(): { readonly messages: Draft[]; readonly statements: WorkStatement[] }
}

interface Assignment {
  readonly job: Job
  readonly worker: PeerId
  readonly tasks: Given[]
  bytes: number
}

interface Cancellation {
  readonly jobId: string
  readonly worker: PeerId
  readonly reason: string
  readonly refs: LeaseRef[]
}

/** Hashes of claims that were accepted. */
interface Accepted {
  readonly job: Job
  readonly worker: PeerId
  readonly hashes: string[]
}

type Signer = Pick<QueueDeps, 'self' | 'sign' | 'now'>

export function openMail(signer: Signer): Mail {
  const messages: Draft[] = []
  const assigned = new Map<string, Assignment>()
  const cancelled = new Map<string, Cancellation>()
  const accepted = new Map<string, Accepted>()

  return {
    send: draft => void messages.push(draft),

    assign(job, worker, { bytes, ...task }) {
      const key = `${worker} ${job.id}`
      const before = assigned.get(key)
      if (before !== undefined && isFull(before, bytes)) {
        messages.push(asDraft(before))
        assigned.delete(key)
      }
      const batch = batchIn(assigned, key, { job, worker, tasks: [], bytes: 0 })
      batch.tasks.push(task)
      batch.bytes += bytes
    },

    cancel(jobId, worker, ref, reason) {
      batchIn(cancelled, `${worker} ${jobId} ${reason}`, { jobId, worker, reason, refs: [] }).refs.push(ref)
    },

    acknowledge(job, worker, claim) {
      batchIn(accepted, `${worker} ${job.id}`, { job, worker, hashes: [] }).hashes.push(claim)
    },

    close() {
      const statements = [...accepted.values()].map(batch => signed(batch, signer))
      messages.push(...statements.map(ackDraft))
      for (const { jobId, worker, refs, reason } of cancelled.values()) {
        messages.push(...cancelDrafts(jobId, worker, refs, reason))
      }
      messages.push(...[...assigned.values()].map(asDraft))
      return { messages, statements }
    },
  }
}

function isFull({ tasks, bytes }: Assignment, more: number): boolean {
  return tasks.length >= MAX_TASKS_A_MESSAGE || bytes + more > MAX_BATCH_BYTES
}

function asDraft({ job, tasks, worker }: Assignment): Draft {
  return assignDraft(job, tasks, worker)
}

/** Under this key, the one there is or else a fresh one. */
function batchIn<Batch>(batches: Map<string, Batch>, key: string, fresh: Batch): Batch {
  const batch = batches.get(key) ?? fresh
  batches.set(key, batch)
  return batch
}

function signed({ job, worker, hashes }: Accepted, { self, sign, now }: Signer): WorkStatement {
  const parties = { role: 'submitter', jobId: job.id, worker, submitter: self } as const
  return signStatement({ ...parties, hashes, claims: [], atMs: now() }, sign)
}
