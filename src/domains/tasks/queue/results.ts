import type { PeerId } from '../../../kernel/ids.ts'
import { type Answer, acknowledged, type Json, type JsonObject } from '../../../kernel/outcome.ts'
import type { Result } from '../messages.ts'
import type { Acceptance } from '../proof/acceptance.ts'
import type { WorkClaim } from '../proof/receipt.ts'
import type { Job, Task, TasksOutcome } from '../task.ts'
import type { Bids } from './bids.ts'
import { claimsOf, signedStatement } from './claims.ts'
import { kindName, type QueueDeps } from './deps.ts'
import type { Leases } from './leases.ts'
import { openSheet, type Sheet } from './sheet.ts'
import { createWeigh, type Refused } from './weighing.ts'

type One = Result['results'][number]

const LATE: Refused = { code: 'TASK_LEASE_OVER', message: 'this lease is over; the result is not wanted any more' }

/** What came of tasks at a worker: each on its own, many in a message. */
export function createResults(
  deps: QueueDeps,
  { leases, acceptance, bids }: { leases: Leases; acceptance: Acceptance; bids: Bids },
) {
  const { self, now } = deps
  const weigh = createWeigh(deps, { leases, acceptance })

  function failed(worker: PeerId, job: Job): void {
    if (worker !== self) bids.failed(worker, kindName(job))
  }

  function taken(sheet: Sheet, worker: PeerId, one: One, claim: WorkClaim | undefined): Refused | undefined {
    const held = leases.held(sheet, one.task_id as Task['id'], worker, one.lease_epoch)
    const job = held === undefined ? undefined : sheet.job(held.task.jobId)
    if (held === undefined || job === undefined) return LATE
    if (one.error !== undefined) {
      failed(worker, job)
      leases.end(sheet, held, 'failed', `${one.error.code}: ${one.error.message}`)
      return undefined
    }
    const refusal = weigh(sheet, job, held, { output: one.output as Json, claim })
    if (refusal !== undefined) failed(worker, job)
    // Only of good results: failing takes no time, and a pace learnt from it would bring the worker more.
    else bids.took(worker, kindName(job), now() - held.lease.grantedMs)
    return refusal
  }

  return {
    /** @param jobId what the message was about */
    finished(jobId: string, worker: PeerId, { results, signature }: Result): TasksOutcome {
      const sheet = openSheet(deps)
      const claims = claimsOf(deps.store, jobId, results)
      const statement = signedStatement(deps, jobId, worker, claims, signature)
      if (statement === undefined) claims.fill(undefined)
      const refused = results.flatMap((one, i) => {
        const refusal = taken(sheet, worker, one, claims[i])
        return refusal === undefined ? [] : [{ task_id: one.task_id, ...refusal }]
      })
      // A statement under which nothing was taken would only fill the disk.
      const someTaken = results.some(
        ({ task_id, error }) => error === undefined && !refused.some(one => one.task_id === task_id),
      )
      if (statement !== undefined && someTaken) sheet.keep({ kind: 'tasks.statement', statement })
      return sheet.outcome(answerTo(results.length, refused))
    },
  }
}

export type Results = ReturnType<typeof createResults>

function answerTo(count: number, refused: readonly (Refused & { task_id: string })[]): Answer {
  const [first] = refused
  if (first === undefined) return acknowledged
  const details = { refused } as unknown as JsonObject
  if (refused.length < count) return { status: 'ACK', details }
  return { status: 'NACK', error: { code: first.code, message: first.message } }
}
