import { LRUCache } from 'lru-cache'
import type { PeerId } from '../../../kernel/ids.ts'
import { type Answer, acknowledged, type Json, type JsonObject } from '../../../kernel/outcome.ts'
import { canonical } from '../../../protocol/canonical.ts'
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

/** Clocks are set while work goes on. */
const CLOCK_SLACK_MS = 1_000
/** No thread of any machine takes more, its share of everything around it included. */
const MAX_THREAD_W = 1_000

/** Workers and kinds of which a result with another model is remembered. */
const MAX_OTHER_MODELS = 4_096

/** What came of tasks at a worker: each on its own, many in a message. */
export function createResults(
  deps: QueueDeps,
  { leases, acceptance, bids }: { leases: Leases; acceptance: Acceptance; bids: Bids },
) {
  const { self, now, kinds } = deps
  /** When a worker first answered with another model than was wanted. */
  const otherModels = new LRUCache<string, number>({ max: MAX_OTHER_MODELS })

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
    if (one.error !== undefined) {
      failed(worker, job)
      leases.end(sheet, held, 'failed', `${one.error.code}: ${one.error.message}`)
      return undefined
    }
    const refusal = weighed(sheet, job, held, { output: one.output as Json, claim })
    if (refusal !== undefined) failed(worker, job)
    // Only of good results: failing takes no time, and a pace learnt from it would bring the worker more.
    else bids.took(worker, kindName(job), now() - held.lease.grantedMs)
    return refusal
  }

  function failed(worker: PeerId, job: Job): void {
    if (worker !== self) bids.failed(worker, kindName(job))
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
    const excused = unsigned !== undefined || (isOfAnotherModel(job, output) && isForgiven(job, held.lease))
    if (!excused) acceptance.caught(sheet, job, worker)
    return wrong(reason)
  }

  /**
   * Whose model was exchanged may well be honest: what it had when that came to light is forgiven. From then on it knows,
   * and a fingerprint made up for each lie excuses nothing.
   */
  function isForgiven(job: Job, { worker, grantedMs }: Lease): boolean {
    const key = `${worker} ${kindName(job)}`
    const sinceMs = otherModels.get(key) ?? now()
    otherModels.set(key, sinceMs)
    return grantedMs <= sinceMs
  }

  function brokenClaim({ task, lease }: Held, claim: WorkClaim | undefined, text: string) {
    if (claim === undefined) return 'the worker does not sign for it'
    if (claim.inputHash !== task.inputHash) return 'it is of another input'
    const hadMs = now() - lease.grantedMs + CLOCK_SLACK_MS
    if (claim.busyMs > hadMs) return 'it claims more time than it had the task'
    if (claim.energyMicroWh > (hadMs * MAX_THREAD_W) / 3.6) return 'it claims more energy than a machine takes'
    return claim.outputHash === hashOfText(text) ? undefined : 'the output is not the one that was signed for'
  }

  /** The claims as the worker must have signed them, for the job's own tasks; the rest of the message says nothing new. */
  function claimsOf(jobId: string, results: Result['results']): (WorkClaim | undefined)[] {
    return results.map(({ task_id, lease_epoch, claim }) => {
      const task = deps.store.task(task_id as Task['id'])
      const job = task === undefined ? undefined : deps.store.job(task.jobId)
      if (task?.jobId !== jobId || job === undefined || claim === undefined) return undefined
      return {
        taskId: task.id,
        leaseEpoch: lease_epoch,
        kind: kindName(job),
        source: claim.source,
        inputHash: task.inputHash,
        outputHash: claim.output_hash,
        units: task.inputBytes,
        busyMs: claim.busy_ms,
        energyMicroWh: claim.energy_micro_wh,
        measure: claim.measure,
      }
    })
  }

  /** What the worker signed for; undefined: nothing, or not with its own signature. */
  function signedStatement(
    jobId: string,
    worker: PeerId,
    all: readonly (WorkClaim | undefined)[],
    signature = '',
  ): Statement | undefined {
    const claims = all.filter(claim => claim !== undefined)
    if (worker === self || claims.length === 0) return undefined
    const hashes = claims.map(claimHash)
    const parties = { role: 'worker', jobId, worker, submitter: self } as const
    const statement: Statement = { ...parties, hashes, claims, signature, atMs: now() }
    return statementIsGood(statement, deps.verify) ? statement : undefined
  }

  return {
    /** @param jobId what the message was about */
    finished(jobId: string, worker: PeerId, { results, signature }: Result): TasksOutcome {
      const sheet = openSheet(deps)
      const claims = claimsOf(jobId, results)
      const statement = signedStatement(jobId, worker, claims, signature)
      if (statement === undefined) claims.fill(undefined)
      const refused = results.flatMap((one, i) => {
        const refusal = taken(sheet, worker, one, claims[i])
        return refusal === undefined ? [] : [{ task_id: one.task_id, ...refusal }]
      })
      // A statement under which nothing was taken would only fill the disk.
      const someTaken = results.some(
        ({ task_id, error }) => error === undefined && !refused.some(one => one.task_id === task_id),
      )
      if (statement !== undefined && someTaken) sheet.keep({ kind: 'work.statement', statement })
      return sheet.outcome(answerTo(results.length, refused))
    },
  }
}

/** Outputs of kinds that take a model say which it was. */
function isOfAnotherModel({ needs }: Job, output: Json): boolean {
  if (needs.fingerprint === undefined || output === null || typeof output !== 'object') return false
  const said = Array.isArray(output) ? undefined : output['fingerprint']
  return typeof said === 'string' && said !== needs.fingerprint
}

function answerTo(count: number, refused: readonly (Refused & { task_id: string })[]): Answer {
  const [first] = refused
  if (first === undefined) return acknowledged
  const details = { refused } as unknown as JsonObject
  if (refused.length < count) return { status: 'ACK', details }
  return { status: 'NACK', error: { code: first.code, message: first.message } }
}
