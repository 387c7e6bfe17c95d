import type { PeerId, TaskId } from '../../../kernel/ids.ts'
import { type Answer, acknowledged, type Refusal } from '../../../kernel/outcome.ts'
import type { Bid, Progress, Refuse, Result } from '../messages.ts'
import { refuseTask, type TasksOutcome } from '../task.ts'
import type { Bids } from './bids.ts'
import { kindName, type QueueDeps } from './deps.ts'
import type { Lapses } from './lapses.ts'
import type { Leases } from './leases.ts'
import type { Results } from './results.ts'
import type { LeaseEnd } from './retries.ts'
import { openSheet } from './sheet.ts'

/** Refusals that say "later": no work was begun, so no attempt is counted. */
const LATER: ReadonlySet<string> = new Set(['TASK_BUSY', 'TASK_PAUSED'])
const NOT_REACHED_MS = 5_000
const REFUSED_MS = 60_000
const LEASE_OVER: Answer = refuseTask('TASK_LEASE_OVER', 'this lease is over; stop working on it').answer

type Refs = readonly { task_id: string; lease_epoch: number }[]

/** What workers say, or are heard of. */
export interface Hearing {
  progressed(jobId: string, worker: PeerId, progress: Progress): TasksOutcome
  finished(jobId: string, worker: PeerId, result: Result): TasksOutcome
  bid(worker: PeerId, bid: Bid): TasksOutcome
  /** The worker will not, or not now: an offer, or tasks it was given. */
  refused(worker: PeerId, refuse: Refuse): TasksOutcome
  /** An assignment was refused as a whole, or nobody was reached. */
  notTaken(kind: string, worker: PeerId, refs: Refs, why: Refusal): TasksOutcome
  /** A worker's connection is gone: its leases are over. */
  workerLost(worker: PeerId): TasksOutcome
}

interface Parts {
  readonly bids: Bids
  readonly leases: Leases
  readonly lapses: Lapses
  readonly results: Results
}

export function createHearing(deps: QueueDeps, { bids, leases, lapses, results }: Parts): Hearing {
  return {
    progressed(jobId, worker, { tasks }) {
      leases.heard(worker)
      return prolonged(deps, leases, { jobId, worker, tasks })
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
      return takenBack(deps, leases, { worker, refs: refuse.tasks ?? [], why: refuse })
    },

    notTaken(kind, worker, refs, why) {
      const asked = Number(why.details?.['retry_after_ms'])
      const unreached = why.code === 'OUTBOX_EXPIRED' ? NOT_REACHED_MS : REFUSED_MS
      bids.refused(worker, kind, Number.isFinite(asked) ? asked : unreached)
      return takenBack(deps, leases, { worker, refs, why })
    },

    workerLost(worker) {
      const asked = bids.gone(worker)
      const sheet = openSheet(deps)
      const had = lapses.endAll(sheet, worker, 'it went away')
      // Others come and go all day, and say nothing about this machine's network.
      if (asked || had > 0) leases.gone(sheet, worker)
      return sheet.outcome()
    },
  }
}

/** Tasks whose worker says that it is still at them. */
interface Alive {
  readonly jobId: string
  readonly worker: PeerId
  readonly tasks: Progress['tasks']
}

function prolonged(deps: QueueDeps, leases: Leases, { jobId, worker, tasks }: Alive): TasksOutcome {
  const sheet = openSheet(deps)
  let over = 0
  for (const { task_id, lease_epoch, ...said } of tasks) {
    const ref = { taskId: task_id as TaskId, leaseEpoch: lease_epoch }
    const held = leases.held(sheet, ref.taskId, worker, ref.leaseEpoch)
    if (held !== undefined && leases.beat(sheet, held, said)) continue
    over++
    // Only who has had it is told: an answer to ids made up by a stranger would cost us a signature and a row each.
    const had = sheet.task(ref.taskId)?.tried.includes(worker) === true
    if (held === undefined && had && worker !== deps.self) sheet.cancel(jobId, worker, ref, 'this lease is over')
  }
  return sheet.outcome(over < tasks.length ? acknowledged : LEASE_OVER)
}

/** Tasks that their worker gives back, or never took. */
interface Returned {
  readonly worker: PeerId
  readonly refs: Refs
  readonly why: Refusal
}

function takenBack(deps: QueueDeps, leases: Leases, { worker, refs, why }: Returned): TasksOutcome {
  const sheet = openSheet(deps)
  const how: LeaseEnd = LATER.has(why.code) || why.code === 'OUTBOX_EXPIRED' ? 'returned' : 'failed'
  for (const { task_id, lease_epoch } of refs) {
    const held = leases.held(sheet, task_id as TaskId, worker, lease_epoch)
    if (held !== undefined) leases.end(sheet, held, how, why.message)
  }
  return sheet.outcome()
}
