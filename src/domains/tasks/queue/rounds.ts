import type { Worker } from '../placement.ts'
import type { Acceptance } from '../proof/acceptance.ts'
import type { JobState } from '../states.ts'
import type { TasksOutcome } from '../task.ts'
import type { Bids } from './bids.ts'
import { kindName, type QueueDeps } from './deps.ts'
import { createGiving } from './giving.ts'
import type { Jobs } from './jobs.ts'
import type { Lapses } from './lapses.ts'
import type { Leases } from './leases.ts'
import { openSheet } from './sheet.ts'
import { copyStragglers } from './stragglers.ts'

/** What has no moment of its own is looked at so often while jobs are open: how slow is slow, whether anybody takes work. */
const LOOK_MS = 1_000
const LIVING: readonly JobState[] = ['running', 'waiting']

/** What time brings to the queue. */
export interface Rounds {
  /** Gives out what waits, takes back leases that ran out, begins and ends jobs. */
  tick(): TasksOutcome
  /** When `tick` has something to do that time brings, after it was done then; unless something changes before. */
  nextMs(doneMs: number): number
}

interface Parts {
  readonly jobs: Jobs
  readonly bids: Bids
  readonly leases: Leases
  readonly lapses: Lapses
  readonly acceptance: Acceptance
}

export function createRounds(deps: QueueDeps, { jobs, bids, leases, lapses, acceptance }: Parts): Rounds {
  const { store } = deps
  /** Asked for each job, and the same for all of a tick. */
  const staff = new Map<string, readonly Worker[]>()
  const workersFor: QueueDeps['workersFor'] = (kind, version) => {
    const name = kindName({ kind, version })
    const found = staff.get(name) ?? deps.workersFor(kind, version)
    staff.set(name, found)
    return found
  }
  const giving = createGiving({ ...deps, workersFor }, { leases, acceptance, bids })

  return {
    tick() {
      staff.clear()
      const sheet = openSheet(deps)
      const load = store.load()
      lapses.runOut(sheet)
      jobs.review(sheet)
      for (const { id } of store.jobsInState('running')) {
        const job = sheet.job(id)
        if (job?.state !== 'running') continue
        const desks = giving.round(sheet, job, load)
        copyStragglers(deps, { giving, bids }, { sheet, job, desks, load })
      }
      return sheet.outcome()
    },

    nextMs(doneMs) {
      const deadlines = LIVING.flatMap(state => store.jobsInState(state)).map(({ deadlineMs }) => deadlineMs)
      const moments = [store.nextLeaseEnd(), store.nextWaiting(doneMs), bids.nextMs(doneMs), ...deadlines]
      return Math.min(doneMs + LOOK_MS, ...moments.filter(ms => ms !== undefined))
    },
  }
}
