import { type JobStep, nextJobState, type TaskState, type TaskStep, UNDONE_TASKS } from '../states.ts'
import { type Job, refuseTask, type TasksOutcome } from '../task.ts'
import type { QueueDeps } from './deps.ts'
import { jobUnder } from './intake.ts'
import type { Leases } from './leases.ts'
import { openSheet, type Sheet } from './sheet.ts'
import { withStep } from './steps.ts'
import { notTakenIn } from './submission.ts'

/** What an end of a job means for its tasks. */
const ENDS: Readonly<Record<'fail' | 'cancel' | 'expire', { step: TaskStep; state: TaskState }>> = {
  fail: { step: 'fail', state: 'failed' },
  cancel: { step: 'cancel', state: 'cancelled' },
  expire: { step: 'expire', state: 'expired' },
}

export interface Jobs {
  cancel(jobId: string): TasksOutcome
  /** Gives out again what a job that ended did not get done. */
  retry(jobId: string): TasksOutcome
  /** Begins what waited for others, drops what is too late, closes what is done. */
  review(sheet: Sheet): void
}

/** One decision about jobs. */
interface Deciding extends Pick<QueueDeps, 'store' | 'now'> {
  readonly leases: Leases
  readonly sheet: Sheet
}

export function createJobs(deps: QueueDeps, leases: Leases): Jobs {
  const { store, now } = deps
  const on = (sheet: Sheet): Deciding => ({ store, now, leases, sheet })
  return {
    cancel: jobId => cancel(jobId, on(openSheet(deps))),
    retry: jobId => retry(jobId, on(openSheet(deps))),
    review: sheet => review(on(sheet)),
  }
}

function cancel(jobId: string, deciding: Deciding): TasksOutcome {
  const job = deciding.store.job(jobId)
  if (job === undefined) return refuseTask('TASK_UNKNOWN', `no job ${jobId} here`)
  if (nextJobState(job.state, 'cancel') === undefined) {
    return refuseTask('TASK_STATE', `the job is ${job.state} already`)
  }
  const ended = job.state === 'opening' ? notTakenIn(job) : job
  end(ended, { how: 'cancel', reason: 'cancelled by its owner' }, deciding)
  return deciding.sheet.outcome()
}

function retry(jobId: string, deciding: Deciding): TasksOutcome {
  const { store, sheet } = deciding
  const job = store.job(jobId)
  if (job === undefined) return refuseTask('TASK_UNKNOWN', `no job ${jobId} here`)
  const step = job.after.length > 0 ? 'hold' : 'retry'
  const never = unretriable(job, step, store)
  if (never !== undefined) return refuseTask('TASK_STATE', never)
  const { finishedMs: _, reason: __, ...rest } = job
  const again = moved(rest, { step, text: 'tried again by its owner' }, deciding)
  sheet.keep({ kind: 'tasks.moved', jobId, from: UNDONE_TASKS, to: 'queued', reason: 'tried again' })
  sheet.keepJob(isLate(again, deciding) ? withoutDeadline(again, deciding) : again)
  return sheet.outcome()
}

function unretriable({ id, state, total, key }: Job, step: JobStep, store: QueueDeps['store']): string | undefined {
  if (nextJobState(state, step) === undefined || state === 'opening') {
    return `the job is ${state}; only one that ended undone is tried again`
  }
  if (total === 0) return 'the job was never taken in whole; submit it again'
  const holder = jobUnder(key, store)
  return holder === undefined || holder.id === id
    ? undefined
    : `it was submitted again under its key, as job ${holder.id}`
}

function withoutDeadline({ deadlineMs: _, ...job }: Job, { now }: Deciding): Job {
  return { ...job, steps: withStep(job.steps, now(), 'its deadline has passed and is dropped') }
}

function review(deciding: Deciding): void {
  const { store } = deciding
  for (const job of store.jobsInState('waiting')) if (!expired(job, deciding)) beginOrFail(job, deciding)
  for (const job of store.jobsInState('running')) if (!expired(job, deciding)) closeIfDone(job, deciding)
}

function expired(job: Job, deciding: Deciding): boolean {
  const late = isLate(job, deciding)
  if (late) end(job, { how: 'expire', reason: 'its deadline has come' }, deciding)
  return late
}

function isLate({ deadlineMs }: Job, { now }: Deciding): boolean {
  return deadlineMs !== undefined && deadlineMs <= now()
}

function beginOrFail(job: Job, deciding: Deciding): void {
  const hindered = hindrance(job, deciding.store)
  const begun = { step: 'begin', text: 'what it waited for is done' } as const
  if (hindered === undefined) deciding.sheet.keepJob(moved(job, begun, deciding))
  else if (hindered.over) end(job, { how: 'fail', reason: hindered.reason }, deciding)
}

/** undefined: everything it comes after is done. Otherwise whether to wait on, and why. */
function hindrance(job: Job, store: QueueDeps['store']): { over: boolean; reason: string } | undefined {
  for (const id of job.after) {
    const state = store.job(id)?.state
    if (state === 'done') continue
    const over = state === undefined || state === 'failed' || state === 'cancelled' || state === 'expired'
    return { over, reason: `job ${id}, which it comes after, ${state === undefined ? 'is gone' : `is ${state}`}` }
  }
  return undefined
}

function closeIfDone(job: Job, deciding: Deciding): void {
  const { store, sheet, now } = deciding
  if (store.hasOpenTasks(job.id)) return
  const done = store.taskCounts(job.id)['done'] ?? 0
  if (done === job.total) {
    const { reason: _, ...clean } = job
    sheet.keepJob({ ...moved(clean, { step: 'finish', text: 'all parts are done' }, deciding), finishedMs: now() })
    return
  }
  const reason = `${job.total - done} of ${job.total} parts were not done`
  sheet.keepJob({ ...moved(job, { step: 'fail', text: reason }, deciding), finishedMs: now(), reason })
}

interface Ending {
  readonly how: keyof typeof ENDS
  readonly reason: string
}

/** What is not done of it ends with it, and who works on that is told. */
function end(job: Job, { how, reason }: Ending, deciding: Deciding): void {
  const { store, sheet, leases, now } = deciding
  const { step, state } = ENDS[how]
  for (const { id } of store.leasedTasks().filter(task => task.jobId === job.id)) {
    const task = sheet.task(id)
    if (task?.state === 'leased') leases.close(sheet, task, step, reason)
  }
  sheet.keep({ kind: 'tasks.moved', jobId: job.id, from: ['queued'], to: state, reason })
  if (job.state === 'opening') sheet.keep({ kind: 'tasks.job.sources.gone', jobId: job.id })
  sheet.keepJob({ ...moved(job, { step: how, text: reason }, deciding), finishedMs: now(), reason })
}

function moved(job: Job, { step, text }: { readonly step: JobStep; readonly text: string }, { now }: Deciding): Job {
  const state = nextJobState(job.state, step)
  if (state === undefined) throw new TypeError(`${step} does not follow when job ${job.id} is ${job.state}`)
  return { ...job, state, steps: withStep(job.steps, now(), text) }
}
