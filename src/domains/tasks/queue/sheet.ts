import type { PeerId, TaskId } from '../../../kernel/ids.ts'
import { type Answer, acknowledged, type Draft } from '../../../kernel/outcome.ts'
import {
  ackDraft,
  assignDraft,
  cancelDrafts,
  type Given,
  type LeaseRef,
  MAX_BATCH_BYTES,
  MAX_TASKS_A_MESSAGE,
} from '../messages.ts'
import { signStatement } from '../proof/receipt.ts'
import { newcomer, type Reputation, reputationKey } from '../proof/reputation.ts'
import type { Job, Task, TaskFact, TasksOutcome } from '../task.ts'
import { kindName, type QueueDeps } from './deps.ts'

/**
 * What one decision changes, written down before it is kept. A message may be about many tasks of one worker, so what is
 * read is what this decision has made of it; each thing is kept once, and each worker gets its messages together.
 */
export interface Sheet {
  task(id: TaskId): Task | undefined
  /** Tasks as this decision has made them. */
  changed(): Task[]
  job(id: string): Job | undefined
  output(taskId: TaskId, epoch: number): string | undefined
  reputation(peer: PeerId, job: Job): Reputation
  keepTask(task: Task): void
  keepJob(job: Job): void
  keepOutput(task: Task, epoch: number, text: string): void
  keepReputation(reputation: Reputation): void
  keep(fact: TaskFact): void
  assign(job: Job, worker: PeerId, given: Given & { readonly bytes: number }): void
  cancel(jobId: string, worker: PeerId, ref: LeaseRef, reason: string): void
  /** The submitter's signature under an accepted claim. */
  acknowledge(job: Job, worker: PeerId, claim: string): void
  send(draft: Draft): void
  outcome(answer?: Answer): TasksOutcome
}

export function openSheet(deps: QueueDeps): Sheet {
  const { store } = deps
  const tasks = new Map<string, Task>()
  const jobs = new Map<string, Job>()
  const reputations = new Map<string, Reputation>()
  const outputs = new Map<string, string>()
  const facts: TaskFact[] = []
  const messages: Draft[] = []
  const given = new Map<string, { job: Job; worker: PeerId; tasks: Given[]; bytes: number }>()
  const cancelled = new Map<string, { jobId: string; worker: PeerId; reason: string; refs: LeaseRef[] }>()
  const acks = new Map<string, { job: Job; worker: PeerId; hashes: string[] }>()

  function flushAssign(key: string): void {
    const batch = given.get(key)
    if (batch === undefined) return
    given.delete(key)
    messages.push(assignDraft(batch.job, batch.tasks, batch.worker))
  }

  function acknowledgements(): void {
    for (const { job, worker, hashes } of acks.values()) {
      const body = { role: 'submitter', jobId: job.id, worker, submitter: deps.self, hashes, claims: [] } as const
      const statement = signStatement({ ...body, atMs: deps.now() }, deps.sign)
      facts.push({ kind: 'tasks.statement', statement })
      messages.push(ackDraft(statement))
    }
  }

  return {
    task: id => tasks.get(id) ?? store.task(id),
    changed: () => [...tasks.values()],
    job: id => jobs.get(id) ?? store.job(id),
    output: (taskId, epoch) => outputs.get(`${taskId}/${epoch}`) ?? store.output(taskId, epoch),
    reputation(peer, job) {
      const fresh = newcomer(peer, kindName(job), job.needs.fingerprint ?? '')
      const key = reputationKey(fresh)
      return reputations.get(key) ?? store.reputation(key) ?? fresh
    },
    keepTask: task => void tasks.set(task.id, task),
    keepJob: job => void jobs.set(job.id, job),
    keepOutput({ id: taskId, jobId }, epoch, text) {
      outputs.set(`${taskId}/${epoch}`, text)
      facts.push({ kind: 'tasks.output', taskId, jobId, epoch, text })
    },
    keepReputation: reputation => void reputations.set(reputationKey(reputation), reputation),
    keep: fact => void facts.push(fact),
    assign(job, worker, { bytes, ...task }) {
      const key = `${worker} ${job.id}`
      const before = given.get(key)
      const full =
        before !== undefined && (before.tasks.length >= MAX_TASKS_A_MESSAGE || before.bytes + bytes > MAX_BATCH_BYTES)
      if (full) flushAssign(key)
      const batch = given.get(key) ?? { job, worker, tasks: [], bytes: 0 }
      batch.tasks.push(task)
      batch.bytes += bytes
      given.set(key, batch)
    },
    cancel(jobId, worker, ref, reason) {
      // Own work is not told: the runner looks at the desk.
      if (worker === deps.self) return void facts.push({ kind: 'tasks.work.gone', taskId: ref.taskId })
      const key = `${worker} ${jobId} ${reason}`
      const batch = cancelled.get(key) ?? { jobId, worker, reason, refs: [] }
      batch.refs.push(ref)
      cancelled.set(key, batch)
    },
    acknowledge(job, worker, claim) {
      const key = `${worker} ${job.id}`
      const batch = acks.get(key) ?? { job, worker, hashes: [] }
      batch.hashes.push(claim)
      acks.set(key, batch)
    },
    send: draft => void messages.push(draft),
    outcome(answer = acknowledged) {
      acknowledgements()
      for (const { jobId, worker, refs, reason } of cancelled.values()) {
        messages.push(...cancelDrafts(jobId, worker, refs, reason))
      }
      for (const key of [...given.keys()]) flushAssign(key)
      const kept: TaskFact[] = [
        ...[...jobs.values()].map((job): TaskFact => ({ kind: 'tasks.job', job })),
        ...[...tasks.values()].map((task): TaskFact => ({ kind: 'tasks.task', task })),
        ...[...reputations.values()].map((reputation): TaskFact => ({ kind: 'tasks.reputation', reputation })),
      ]
      return { facts: [...kept, ...facts], messages, answer }
    },
  }
}
