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

export function createJobs(deps: QueueDeps, leases: Leases): Jobs {
  const { store, now } = deps

  function moved(job: Job, step: JobStep, text: string, more: Partial<Job> = {}): Job {
    const state = nextJobState(job.state, step)
    if (state === undefined) throw new TypeError(`${step} does not follow when job ${job.id} is ${job.state}`)
    return { ...job, ...more, state, steps: withStep(job.steps, now(), text) }
  }

  function end(sheet: Sheet, job: Job, how: keyof typeof ENDS, reason: string): void {
    const { step, state } = ENDS[how]
    for (const { id } of store.leasedTasks().filter(task => task.jobId === job.id)) {
      const task = sheet.task(id)
      if (task?.state === 'leased') leases.close(sheet, task, step, reason)
    }
    sheet.keep({ kind: 'tasks.moved', jobId: job.id, from: ['queued'], to: state, reason })
    if (job.state === 'opening') sheet.keep({ kind: 'tasks.job.sources.gone', jobId: job.id })
    sheet.keepJob(moved(job, how, reason, { finishedMs: now(), reason }))
  }

  /** undefined: everything it comes after is done. Otherwise whether to wait on, and why. */
  function hindrance(job: Job): { over: boolean; reason: string } | undefined {
    for (const id of job.after) {
      const state = store.job(id)?.state
      if (state === 'done') continue
      const over = state === undefined || state === 'failed' || state === 'cancelled' || state === 'expired'
      return { over, reason: `job ${id}, which it comes after, ${state === undefined ? 'is gone' : `is ${state}`}` }
    }
    return undefined
  }

  const isLate = ({ deadlineMs }: Job): boolean => deadlineMs !== undefined && deadlineMs <= now()

  function withoutDeadline({ deadlineMs: _, ...job }: Job): Job {
    return { ...job, steps: withStep(job.steps, now(), 'its deadline has passed and is dropped') }
  }

  function expire(sheet: Sheet, job: Job): boolean {
    if (isLate(job)) end(sheet, job, 'expire', 'its deadline has come')
    return isLate(job)
  }

  function begin(sheet: Sheet, job: Job): void {
    const hindered = hindrance(job)
    if (hindered === undefined) sheet.keepJob(moved(job, 'begin', 'what it waited for is done'))
    else if (hindered.over) end(sheet, job, 'fail', hindered.reason)
  }

  function finish(sheet: Sheet, job: Job): void {
    if (store.hasOpenTasks(job.id)) return
    const counts = store.taskCounts(job.id)
    const done = counts['done'] ?? 0
    const { reason: _, ...clean } = job
    if (done === job.total) {
      sheet.keepJob(moved(clean, 'finish', 'all parts are done', { finishedMs: now() }))
      return
    }
    const reason = `${job.total - done} of ${job.total} parts were not done`
    sheet.keepJob(moved(job, 'fail', reason, { finishedMs: now(), reason }))
  }

  function unretriable({ id, state, total, key }: Job, step: JobStep): string | undefined {
    if (nextJobState(state, step) === undefined || state === 'opening') {
      return `the job is ${state}; only one that ended undone is tried again`
    }
    if (total === 0) return 'the job was never taken in whole; submit it again'
    const holder = jobUnder(key, store)
    return holder === undefined || holder.id === id
      ? undefined
      : `it was submitted again under its key, as job ${holder.id}`
  }

  return {
    cancel(jobId) {
      const job = store.job(jobId)
      if (job === undefined) return refuseTask('TASK_UNKNOWN', `no job ${jobId} here`)
      if (nextJobState(job.state, 'cancel') === undefined) {
        return refuseTask('TASK_STATE', `the job is ${job.state} already`)
      }
      const sheet = openSheet(deps)
      end(sheet, job.state === 'opening' ? notTakenIn(job) : job, 'cancel', 'cancelled by its owner')
      return sheet.outcome()
    },

    retry(jobId) {
      const job = store.job(jobId)
      if (job === undefined) return refuseTask('TASK_UNKNOWN', `no job ${jobId} here`)
      const step = job.after.length > 0 ? 'hold' : 'retry'
      const never = unretriable(job, step)
      if (never !== undefined) return refuseTask('TASK_STATE', never)
      const { finishedMs: _, reason: __, ...rest } = job
      const again = moved(rest, step, 'tried again by its owner')
      const sheet = openSheet(deps)
      sheet.keep({ kind: 'tasks.moved', jobId, from: UNDONE_TASKS, to: 'queued', reason: 'tried again' })
      sheet.keepJob(isLate(again) ? withoutDeadline(again) : again)
      return sheet.outcome()
    },

    review(sheet) {
      for (const job of store.jobsInState('waiting')) if (!expire(sheet, job)) begin(sheet, job)
      for (const job of store.jobsInState('running')) if (!expire(sheet, job)) finish(sheet, job)
    },
  }
}
