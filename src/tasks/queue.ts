import type { NewId, PeerId, TaskId } from '../kernel/ids.ts'
import { acknowledged, type Draft, type Json, type Outcome, outcome, type Refusal } from '../kernel/outcome.ts'
import type { Random } from '../kernel/random.ts'
import { type JobRequest, type OpenedJob, openJob } from './job.ts'
import type { KindTable } from './kinds/kind.ts'
import { assignDraft, cancelDraft, type Result } from './messages.ts'
import { place, type Worker } from './placement.ts'
import { retryWork } from './retry.ts'
import { FINAL_STATES, type Job, refuseTask, type Task, type TaskFact, type TaskState, type Work } from './task.ts'

export interface QueueStore {
  job(id: string): Job | undefined
  runningJobs(): Job[]
  task(id: TaskId): Task | undefined
  tasksInState(state: TaskState, limit: number): Task[]
  /** How many tasks of a job are in each state. */
  taskCounts(jobId: string): Readonly<Record<string, number>>
  tasksOfJob(jobId: string): Task[]
}

export interface QueueDeps {
  readonly self: PeerId
  readonly store: QueueStore
  readonly kinds: KindTable
  readonly newId: NewId
  readonly random: Random
  readonly leaseMs: number
  now(): number
  /** Peers that work on this kind now; this one too, when it may. */
  workersFor(kind: string, version: number): Worker[]
}

export type TasksOutcome = Outcome<TaskFact>

/** Tasks looked at in one go. */
const BATCH = 64
/** How soon a busy worker is asked again, whatever it says. */
const MIN_BUSY_MS = 1_000
const MAX_BUSY_MS = 60_000
/** A worker that only says it is alive, and gets no further, has stalled. */
const STALLED_MS = 60_000

/** The submitter's side: jobs and their tasks, given out by leases. */
export interface Queue {
  submit(request: JobRequest): OpenedJob
  /** Gives out what waits and takes back leases that ran out. */
  tick(): TasksOutcome
  progressed(taskId: TaskId, worker: PeerId, leaseEpoch: number, done: number): TasksOutcome
  finished(taskId: TaskId, worker: PeerId, result: Result): TasksOutcome
  /** The worker would not take it, or was not reached. */
  notTaken(taskId: TaskId, worker: PeerId, leaseEpoch: number, refusal: Refusal): TasksOutcome
  /** A worker's connection is gone: its leases are over. */
  workerLost(worker: PeerId): TasksOutcome
  cancel(jobId: string): TasksOutcome
}

export function createQueue(deps: QueueDeps): Queue {
  const { store, kinds, now } = deps

  function assign(job: Job, task: Task, worker: PeerId): TasksOutcome {
    const releaseMs = task.lostAtMs === undefined ? {} : { releaseMs: now() - task.lostAtMs }
    const { lostAtMs: _, ...rest } = task
    const leased: Task = {
      ...rest,
      ...releaseMs,
      state: 'leased',
      worker,
      attempt: task.attempt + 1,
      leaseEpoch: task.leaseEpoch + 1,
      leaseUntilMs: now() + deps.leaseMs,
      progress: { done: 0, atMs: now() },
      tried: task.tried.includes(worker) ? task.tried : [...task.tried, worker],
    }
    const fact: TaskFact = { kind: 'task', task: leased }
    if (worker === deps.self) return outcome([fact, { kind: 'work', work: ownWork(job, leased) }])
    return outcome([fact], [assignDraft(job, leased, kinds[job.kind]?.version ?? 0, worker)])
  }

  function ownWork(job: Job, task: Task): Work {
    const { kind, params } = job
    const { id: taskId, leaseEpoch, input } = task
    return { taskId, leaseEpoch, submitter: deps.self, kind, params, input, state: 'accepted', acceptedMs: now() }
  }

  /** The lease is over without a result: again, later, or never. */
  function release(task: Task, cause: 'lost' | 'failed', reason: string): TasksOutcome {
    const { worker, leaseUntilMs: _, ...rest } = task
    const lostWith = cause === 'lost' && worker !== undefined ? [...task.lostWith, worker] : task.lostWith
    const verdict = retryWork({ attempt: task.attempt, lostWith }, cause, deps.random())
    if ('giveUp' in verdict) return end({ ...rest, lostWith }, verdict.giveUp, reason)
    const lostAtMs = cause === 'lost' ? { lostAtMs: now() } : {}
    const queued: Task = {
      ...rest,
      ...lostAtMs,
      lostWith,
      state: 'queued',
      notBeforeMs: now() + verdict.delayMs,
      reason,
    }
    return outcome([{ kind: 'task', task: queued }])
  }

  function end(task: Task, state: 'done' | 'failed' | 'poisoned', reason?: string): TasksOutcome {
    return outcome([{ kind: 'task', task: { ...task, state, ...(reason === undefined ? {} : { reason }) } }])
  }

  /** A job is over when its last task is. */
  function closed(job: Job): TasksOutcome {
    const counts = store.taskCounts(job.id)
    const ended = FINAL_STATES.reduce((sum, state) => sum + (counts[state] ?? 0), 0)
    if (ended < job.total) return outcome()
    const done = counts['done'] ?? 0
    const finished = { ...job, finishedMs: now() }
    if (done === job.total) return outcome([{ kind: 'job', job: { ...finished, state: 'done' } }])
    return outcome([
      {
        kind: 'job',
        job: { ...finished, state: 'failed', reason: `${job.total - done} of ${job.total} parts were not done` },
      },
    ])
  }

  function held(taskId: TaskId, worker: PeerId, leaseEpoch: number): Task | undefined {
    const task = store.task(taskId)
    const holds = task?.state === 'leased' && task.worker === worker && task.leaseEpoch === leaseEpoch
    return holds ? task : undefined
  }

  /** What is wrong with a result, as far as can be told without doing the work again. */
  function fault(job: Job, task: Task, output: unknown): string | undefined {
    const kind = kinds[job.kind]
    const parsed = kind?.output.safeParse(output)
    if (kind === undefined || parsed?.success !== true) return 'not of the right shape'
    return kind.verify({ input: task.input, output: parsed.data }, job.params)
  }

  return {
    submit: request => openJob(request, deps),

    tick() {
      const leasedNow = store.tasksInState('leased', 10_000)
      const over = leasedNow
        .filter(task => (task.leaseUntilMs ?? 0) <= now())
        .map(task => release(task, 'lost', 'the worker gave no sign of life'))
      const given = giveOut(leasedNow)
      return together([...over, ...given, ...store.runningJobs().map(closed)])
    },

    progressed(taskId, worker, leaseEpoch, done) {
      const task = held(taskId, worker, leaseEpoch)
      if (task === undefined) return refuseTask('TASK_LEASE_OVER', 'this lease is over; stop working on it')
      const before = task.progress ?? { done: 0, atMs: now() }
      const progress = done > before.done ? { done, atMs: now() } : before
      if (now() - progress.atMs > STALLED_MS) return release(task, 'failed', 'the worker got no further')
      return outcome([{ kind: 'task', task: { ...task, progress, leaseUntilMs: now() + deps.leaseMs } }])
    },

    finished(taskId, worker, result) {
      const task = held(taskId, worker, result.lease_epoch)
      const job = task === undefined ? undefined : store.job(task.jobId)
      if (task === undefined || job === undefined)
        return refuseTask('TASK_LEASE_OVER', 'the result comes too late: the lease is over')
      if (result.error !== undefined) return release(task, 'failed', `${result.error.code}: ${result.error.message}`)
      const wrong = fault(job, task, result.output)
      if (wrong === undefined) {
        const { leaseUntilMs: _, ...rest } = task
        return end({ ...rest, output: result.output as Json, accepted: task.accepted + 1 }, 'done')
      }
      const again = release(task, 'failed', `wrong result: ${wrong}`)
      return { ...again, answer: { status: 'NACK', error: { code: 'TASK_RESULT_WRONG', message: wrong } } }
    },

    notTaken(taskId, worker, leaseEpoch, refusal) {
      // The same worker may hold a newer lease by the time an old one's message is given up.
      const task = held(taskId, worker, leaseEpoch)
      if (task === undefined) return outcome()
      if (refusal.code !== 'TASK_BUSY') return release(task, 'failed', refusal.message)
      const { worker: _, leaseUntilMs: __, ...rest } = task
      const asked = Number(refusal.details?.['retry_after_ms'])
      const delayMs = Math.min(MAX_BUSY_MS, Math.max(MIN_BUSY_MS, Number.isFinite(asked) ? asked : MIN_BUSY_MS))
      // No work was begun, so no attempt is counted.
      const queued: Task = { ...rest, state: 'queued', attempt: task.attempt - 1, notBeforeMs: now() + delayMs }
      return outcome([{ kind: 'task', task: queued }])
    },

    workerLost(worker) {
      const lost = store.tasksInState('leased', 10_000).filter(task => task.worker === worker)
      return together(lost.map(task => release(task, 'lost', 'the worker went away')))
    },

    cancel(jobId) {
      const job = store.job(jobId)
      if (job === undefined) return refuseTask('TASK_UNKNOWN', `no job ${jobId} here`)
      if (job.state !== 'running') return refuseTask('TASK_UNKNOWN', `the job is ${job.state} already`)
      const open = store.tasksOfJob(jobId).filter(task => !FINAL_STATES.includes(task.state))
      const messages = open.flatMap((task): Draft[] =>
        task.worker === undefined || task.worker === deps.self
          ? []
          : [cancelDraft(task.id, task.worker, task.leaseEpoch)],
      )
      const tasks = open.map(
        (task): TaskFact => ({ kind: 'task', task: { ...task, state: 'cancelled', reason: 'cancelled by its owner' } }),
      )
      return outcome([{ kind: 'job', job: { ...job, state: 'cancelled', finishedMs: now() } }, ...tasks], messages)
    },
  }

  function giveOut(leasedNow: readonly Task[]): TasksOutcome[] {
    const waiting = store.tasksInState('queued', BATCH).filter(task => task.notBeforeMs <= now())
    const leased = new Map<PeerId, number>()
    for (const { worker } of leasedNow) if (worker !== undefined) leased.set(worker, (leased.get(worker) ?? 0) + 1)
    const byJob = Map.groupBy(waiting, task => task.jobId)
    return [...byJob].flatMap(([jobId, tasks]) => {
      const job = store.job(jobId)
      const kind = job === undefined ? undefined : kinds[job.kind]
      if (job === undefined || kind === undefined) return []
      return place(tasks, deps.workersFor(job.kind, kind.version), leased).map(({ task, worker }) => {
        leased.set(worker, (leased.get(worker) ?? 0) + 1)
        return assign(job, task, worker)
      })
    })
  }
}

/** Outcomes about different tasks, kept together. */
function together(outcomes: readonly TasksOutcome[]): TasksOutcome {
  return { facts: outcomes.flatMap(o => o.facts), messages: outcomes.flatMap(o => o.messages), answer: acknowledged }
}
