import type { PeerId } from '../../../kernel/ids.ts'
import type { Result } from '../messages.ts'
import { claimHash, hashOfText, statementIsGood, type WorkClaim, type WorkStatement } from '../proof/receipt.ts'
import type { Lease, Task } from '../task.ts'
import { kindName, type QueueDeps } from './deps.ts'

/** Clocks are set while work goes on. */
const CLOCK_SLACK_MS = 1_000
/** No thread of any machine takes more, its share of everything around it included. */
const MAX_THREAD_W = 1_000

/** The claims as the worker must have signed them, for the job's own tasks; the rest of the message says nothing new. */
export function claimsOf(
  store: Pick<QueueDeps['store'], 'task' | 'job'>,
  jobId: string,
  results: Result['results'],
): (WorkClaim | undefined)[] {
  return results.map(({ task_id, lease_epoch, claim }) => {
    const task = store.task(task_id as Task['id'])
    const job = task === undefined ? undefined : store.job(task.jobId)
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
export function signedStatement(
  { self, verify, now }: Pick<QueueDeps, 'self' | 'verify' | 'now'>,
  jobId: string,
  worker: PeerId,
  all: readonly (WorkClaim | undefined)[],
  signature = '',
): WorkStatement | undefined {
  const claims = all.filter(claim => claim !== undefined)
  if (worker === self || claims.length === 0) return undefined
  const hashes = claims.map(claimHash)
  const parties = { role: 'worker', jobId, worker, submitter: self } as const
  const statement: WorkStatement = { ...parties, hashes, claims, signature, atMs: now() }
  return statementIsGood(statement, verify) ? statement : undefined
}

/** Why a claim does not stand under the output it came with; undefined: it does. */
export function brokenClaim(
  { task, lease }: { task: Task; lease: Lease },
  claim: WorkClaim | undefined,
  text: string,
  nowMs: number,
): string | undefined {
  if (claim === undefined) return 'the worker does not sign for it'
  if (claim.inputHash !== task.inputHash) return 'it is of another input'
  const hadMs = nowMs - lease.grantedMs + CLOCK_SLACK_MS
  if (claim.busyMs > hadMs) return 'it claims more time than it had the task'
  if (claim.energyMicroWh > (hadMs * MAX_THREAD_W) / 3.6) return 'it claims more energy than a machine takes'
  return claim.outputHash === hashOfText(text) ? undefined : 'the output is not the one that was signed for'
}
