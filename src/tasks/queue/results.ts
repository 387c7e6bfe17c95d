import type { PeerId } from '../../kernel/ids.ts'
import { type Answer, acknowledged, type Json, type JsonObject } from '../../kernel/outcome.ts'
import { canonical } from '../../protocol/canonical.ts'
import type { Result } from '../messages.ts'
import type { Acceptance } from '../proof/acceptance.ts'
import { claimHash, hashOfText, type Statement, statementIsGood, type WorkClaim } from '../proof/receipt.ts'
import type { Job, Lease, Task, TaskCode, TasksOutcome } from '../task.ts'
import type { Bids } from './bids.ts'
import { kindName, type QueueDeps } from './deps.ts'
import type { Leases } from './leases.ts'
import { openSheet, type Sheet } from './sheet.ts'

type One = Result['results'][number]
type Held = { task: Task; lease: Lease }
type Refused = { code: TaskCode; message: string }

const LATE: Refused = { code: 'TASK_LEASE_OVER', message: 'this lease is over; the result is not wanted any more' }
const wrong = (message: string): Refused => ({ code: 'TASK_RESULT_WRONG', message })

/** What came of tasks at a worker: each on its own, many in a message. */
export function createResults(
  deps: QueueDeps,
  { leases, acceptance, bids }: { leases: Leases; acceptance: Acceptance; bids: Bids },
) {
  const { self, now, kinds } = deps

  /** What is wrong with an output, as far as can be told without doing the work again. */
  function fault(job: Job, task: Task, output: unknown): string | undefined {
    const kind = kinds[job.kind]
    const parsed = kind?.output.safeParse(output)
    if (kind === undefined || parsed?.success !== true) return 'not of the right shape'
    const [input] = JSON.parse(deps.store.input(task.id) ?? '[]') as [unknown]
    return kind.verify({ input, output: parsed.data }, job.params)
  }

  function taken(sheet: Sheet, worker: PeerId, one: One, claim: WorkClaim | undefined): Refused | undefined {
    const held = leases.held(sheet, one.task_id as Task['id'], worker, one.lease_epoch)
    const job = held === undefined ? undefined : sheet.job(held.task.jobId)
    if (held === undefined || job === undefined) return LATE
    bids.took(worker, kindName(job), now() - held.lease.grantedMs)
    if (one.error === undefined) return weighed(sheet, job, held, { output: one.output as Json, claim })
    leases.end(sheet, held, 'failed', `${one.error.code}: ${one.error.message}`)
    return undefined
  }

  function weighed(
    sheet: Sheet,
    job: Job,
    held: Held,
    { output, claim }: { output: Json; claim: WorkClaim | undefined },
  ) {
    const { worker, epoch } = held.lease
    const text = canonical([output])
    const unsigned = worker === self ? undefined : brokenClaim(held, claim, text)
    const reason = unsigned ?? fault(job, held.task, output)
    if (reason === undefined) {
      sheet.keepOutput(held.task, epoch, text)
      acceptance.heard(sheet, job, held, claim === undefined ? undefined : claimHash(claim))
      return undefined
    }
    leases.end(sheet, held, 'failed', `wrong result: ${reason}`)
    // What nobody signed proves nothing about anybody.
    if (unsigned === undefined) acceptance.caught(sheet, job, worker)
    return wrong(reason)
  }

  function brokenClaim({ task }: Held, claim: WorkClaim | undefined, text: string) {
    if (claim === undefined) return 'the worker does not sign for it'
    if (claim.inputHash !== task.inputHash) return 'it is of another input'
    return claim.outputHash === hashOfText(text) ? undefined : 'the output is not the one that was signed for'
  }

  /** The claims as the worker must have signed them, for the tasks we know; the rest of the message says nothing new. */
  function claimsOf(results: Result['results']): (WorkClaim | undefined)[] {
    return results.map(({ task_id, lease_epoch, claim }) => {
      const task = deps.store.task(task_id as Task['id'])
      const job = task === undefined ? undefined : deps.store.job(task.jobId)
      if (task === undefined || job === undefined || claim === undefined) return undefined
      return {
        ...{ taskId: task.id, leaseEpoch: lease_epoch, kind: kindName(job), source: claim.source },
        ...{ inputHash: task.inputHash, outputHash: claim.output_hash, units: task.inputBytes },
        ...{ busyMs: claim.busy_ms, energyMicroWh: claim.energy_micro_wh },
      }
    })
  }

  function statementOf(jobId: string, worker: PeerId, claims: readonly WorkClaim[], signature: string): Statement {
    const hashes = claims.map(claimHash)
    return { role: 'worker', jobId, worker, submitter: self, hashes, claims, signature, atMs: now() }
  }

  return {
    /** @param jobId what the message was about */
    finished(jobId: string, worker: PeerId, { results, signature }: Result): TasksOutcome {
      const sheet = openSheet(deps)
      const claims = claimsOf(results)
      const stated = claims.filter(claim => claim !== undefined)
      if (worker !== self && stated.length > 0) {
        const statement = statementOf(jobId, worker, stated, signature ?? '')
        if (!statementIsGood(statement, deps.verify)) claims.fill(undefined)
        else sheet.keep({ kind: 'work.statement', statement })
      }
      const refused = results.flatMap((one, i) => {
        const refusal = taken(sheet, worker, one, claims[i])
        return refusal === undefined ? [] : [{ task_id: one.task_id, ...refusal }]
      })
      return sheet.outcome(answerTo(results.length, refused))
    },
  }
}

function answerTo(count: number, refused: readonly (Refused & { task_id: string })[]): Answer {
  const [first] = refused
  if (first === undefined) return acknowledged
  const details = { refused } as unknown as JsonObject
  if (refused.length < count) return { status: 'ACK', details }
  return { status: 'NACK', error: { code: first.code, message: first.message } }
}
