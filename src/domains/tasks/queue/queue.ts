import { createAcceptance } from '../proof/acceptance.ts'
import type { TasksOutcome } from '../task.ts'
import { createBids } from './bids.ts'
import type { QueueDeps } from './deps.ts'
import { createHearing, type Hearing } from './hearing.ts'
import { openJob } from './intake.ts'
import { createJobs } from './jobs.ts'
import { createLapses } from './lapses.ts'
import { createLeases } from './leases.ts'
import type { JobRequest } from './request.ts'
import { createResults } from './results.ts'
import { createRounds, type Rounds } from './rounds.ts'
import { openSheet } from './sheet.ts'
import { type Submission, submissionOf } from './submission.ts'

/** The submitter's side: jobs and their tasks, given out by leases to who bid for them. */
export interface Queue extends Rounds, Hearing {
  /** Checks a request and begins to take it in; to be called by `takeIn`. */
  submit(request: JobRequest): Submission
  /** Jobs that were being taken in when this machine stopped: to be gone on with by `takeIn`. */
  unopened(): Submission[]
  cancel(jobId: string): TasksOutcome
  retry(jobId: string): TasksOutcome
  /** After a start: what this machine did itself is lost, and others get time to come back. */
  restarted(): TasksOutcome
}

export function createQueue(deps: QueueDeps): Queue {
  const bids = createBids(deps)
  const leases = createLeases(deps)
  const lapses = createLapses(deps, leases)
  const jobs = createJobs(deps, leases)
  const acceptance = createAcceptance(deps, leases)
  const results = createResults(deps, { leases, acceptance, bids })
  const { tick, nextMs } = createRounds(deps, { jobs, bids, leases, lapses, acceptance })
  const hearing = createHearing(deps, { bids, leases, lapses, results })

  return {
    submit: request => openJob(request, deps),
    unopened: () => deps.store.jobsInState('opening').map(job => submissionOf(job, deps)),
    tick,
    nextMs,
    progressed: hearing.progressed,
    finished: hearing.finished,
    bid: hearing.bid,
    refused: hearing.refused,
    notTaken: hearing.notTaken,
    workerLost: hearing.workerLost,
    cancel: jobs.cancel,
    retry: jobs.retry,

    restarted() {
      const sheet = openSheet(deps)
      lapses.endAll(sheet, deps.self, 'the daemon was started again')
      lapses.prolong(sheet)
      return sheet.outcome()
    },
  }
}
