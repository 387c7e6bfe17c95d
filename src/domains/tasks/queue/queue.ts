import type { PeerId, TaskId } from '../../../kernel/ids.ts'
import { acknowledged, type Refusal } from '../../../kernel/outcome.ts'
import type { Bid, Progress, Refuse, Result } from '../messages.ts'
import type { Worker } from '../placement.ts'
import { createAcceptance } from '../proof/acceptance.ts'
import { refuseTask, type Task, type TasksOutcome } from '../task.ts'
import { createBids } from './bids.ts'
import { kindName, type QueueDeps } from './deps.ts'
import { createGiving } from './giving.ts'
import { type JobRequest, openJob } from './intake.ts'
import { createJobs } from './jobs.ts'
import { createLeases, type LeaseEnd } from './leases.ts'
import { createResults } from './results.ts'
import { openSheet, type Sheet } from './sheet.ts'
import { copyStragglers } from './stragglers.ts'
import { type Submission, submissionOf } from './submission.ts'

/** The submitter's side: jobs and their tasks, given out by leases to who bid for them. */
export interface Queue {
  /** Checks a request and begins to take it in; to be called by `takeIn`. */
  submit(request: JobRequest): Submission
  /** Jobs that were being taken in when this machine stopped: to be gone on with by `takeIn`. */
  unopened(): Submission[]
  /** Gives out what waits, takes back leases that ran out, begins and ends jobs. */
  tick(): TasksOutcome
  progressed(jobId: string, worker: PeerId, progress: Progress): TasksOutcome
  finished(jobId: string, worker: PeerId, result: Result): TasksOutcome
  bid(worker: PeerId, bid: Bid): TasksOutcome
  /** The worker will not, or not now: an offer, or tasks it was given. */
  refused(worker: PeerId, refuse: Refuse): TasksOutcome
  /** An assignment was refused as a whole, or nobody was reached. */
  notTaken(
    kind: string,
    worker: PeerId,
    refs: readonly { task_id: string; lease_epoch: number }[],
    why: Refusal,
  ): TasksOutcome
  /** A worker's connection is gone: its leases are over. */
  workerLost(worker: PeerId): TasksOutcome
  cancel(jobId: string): TasksOutcome
  retry(jobId: string): TasksOutcome
  /** After a start: what this machine did itself is lost, and others get time to come back. */
  restarted(): TasksOutcome
}

/** Refusals that say "later": no work was begun, so no attempt is counted. */
const LATER: ReadonlySet<string> = new Set(['TASK_BUSY', 'TASK_PAUSED'])
const NOT_REACHED_MS = 5_000
const REFUSED_MS = 60_000

export function createQueue(deps: QueueDeps): Queue {
  const { store, self } = deps
  const bids = createBids(deps.now)
  const leases = createLeases(deps)
  const jobs = createJobs(deps, leases)
  const acceptance = createAcceptance(deps, leases)
  const results = createResults(deps, { leases, acceptance, bids })
  /** Asked for each job, and the same for all of a tick. */
  const staff = new Map<string, readonly Worker[]>()
  const workersFor: QueueDeps['workersFor'] = (kind, version) => {
    const name = kindName({ kind, version })
    const found = staff.get(name) ?? deps.workersFor(kind, version)
    staff.set(name, found)
    return found
  }
  const giving = createGiving({ ...deps, workersFor }, { leases, acceptance, bids })

  /** @returns how many it had */
  function endLeases(sheet: Sheet, worker: PeerId, reason: string): number {
    let ended = 0
    for (const { id } of store.leasedTasks()) {
      const task = sheet.task(id)
      const lease = task?.leases.find(one => one.worker === worker)
      if (task === undefined || lease === undefined) continue
      leases.end(sheet, { task, lease }, 'lost', reason)
      ended++
    }
    return ended
  }

  function runOut(sheet: Sheet, tasks: readonly Task[]): void {
    for (const { id, leases: before } of tasks) {
      for (const { epoch, worker } of before.filter(leases.isOver)) {
        const held = leases.held(sheet, id, worker, epoch)
        if (held !== undefined) leases.end(sheet, held, 'lost', 'it gave no sign of life')
      }
    }
  }

  function giveBack(
    worker: PeerId,
    refs: readonly { task_id: string; lease_epoch: number }[],
    why: Refusal,
  ): TasksOutcome {
    const sheet = openSheet(deps)
    const how: LeaseEnd = LATER.has(why.code) || why.code === 'OUTBOX_EXPIRED' ? 'returned' : 'failed'
    for (const { task_id, lease_epoch } of refs) {
      const held = leases.held(sheet, task_id as TaskId, worker, lease_epoch)
      if (held !== undefined) leases.end(sheet, held, how, why.message)
    }
    return sheet.outcome()
  }

  return {
    submit: request => openJob(request, deps),
    unopened: () => store.jobsInState('opening').map(job => submissionOf(job, deps)),

    tick() {
      staff.clear()
      const sheet = openSheet(deps)
      const load = store.load()
      runOut(sheet, store.overdueTasks(deps.now()))
      jobs.review(sheet)
      for (const { id } of store.jobsInState('running')) {
        const job = sheet.job(id)
        if (job?.state !== 'running') continue
        const desks = giving.round(sheet, job, load)
        copyStragglers(deps, { giving, bids }, { sheet, job, desks, load })
      }
      return sheet.outcome()
    },

    progressed(jobId, worker, { tasks }) {
      leases.heard(worker)
      const sheet = openSheet(deps)
      let over = 0
      for (const { task_id, lease_epoch, ...said } of tasks) {
        const held = leases.held(sheet, task_id as TaskId, worker, lease_epoch)
        if (held !== undefined && leases.beat(sheet, held, said)) continue
        over++
        const ref = { taskId: task_id as TaskId, leaseEpoch: lease_epoch }
        // Only who has had it is told: an answer to ids made up by a stranger would cost us a signature and a row each.
        const had = sheet.task(ref.taskId)?.tried.includes(worker) === true
        if (held === undefined && had && worker !== self) sheet.cancel(jobId, worker, ref, 'this lease is over')
      }
      const { answer } =
        over < tasks.length
          ? { answer: acknowledged }
          : refuseTask('TASK_LEASE_OVER', 'this lease is over; stop working on it')
      return sheet.outcome(answer)
    },

    finished(jobId, worker, result) {
      leases.heard(worker)
      return results.finished(jobId, worker, result)
    },

    bid(worker, bid) {
      leases.heard(worker)
      bids.heard(worker, kindName(bid), bid)
      return openSheet(deps).outcome()
    },

    refused(worker, refuse) {
      leases.heard(worker)
      bids.refused(worker, kindName(refuse), refuse.retry_after_ms ?? REFUSED_MS)
      return giveBack(worker, refuse.tasks ?? [], refuse)
    },

    notTaken(kind, worker, refs, why) {
      const asked = Number(why.details?.['retry_after_ms'])
      const unreached = why.code === 'OUTBOX_EXPIRED' ? NOT_REACHED_MS : REFUSED_MS
      bids.refused(worker, kind, Number.isFinite(asked) ? asked : unreached)
      return giveBack(worker, refs, why)
    },

    workerLost(worker) {
      const asked = bids.gone(worker)
      const sheet = openSheet(deps)
      const had = endLeases(sheet, worker, 'it went away')
      // Others come and go all day, and say nothing about this machine's network.
      if (asked || had > 0) leases.gone(sheet, worker)
      return sheet.outcome()
    },

    cancel: jobs.cancel,
    retry: jobs.retry,

    restarted() {
      const sheet = openSheet(deps)
      endLeases(sheet, self, 'the daemon was started again')
      const untilMs = deps.now() + deps.leaseMs
      for (const { id } of store.leasedTasks()) {
        const task = sheet.task(id)
        if (task?.state !== 'leased') continue
        const renewed = task.leases.map(lease => ({ ...lease, untilMs, capMs: Math.max(lease.capMs, untilMs) }))
        sheet.keepTask({ ...task, leases: renewed })
      }
      return sheet.outcome()
    },
  }
}
