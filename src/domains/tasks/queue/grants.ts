import { type PeerId, peerText } from '../../../kernel/ids.ts'
import type { Json } from '../../../kernel/outcome.ts'
import { stateAfter } from '../states.ts'
import type { Job, Lease, Task, Work } from '../task.ts'
import type { QueueDeps } from './deps.ts'
import type { Sheet } from './sheet.ts'
import { withStep } from './steps.ts'

const MISSED_BEATS = 3

export interface Grantee {
  readonly worker: PeerId
  /** Tasks that it has already. */
  readonly ahead: number
  readonly step: 'assign' | 'copy'
}

/** A task is given to a worker, for a time. */
export function grant(deps: QueueDeps, sheet: Sheet, job: Job, task: Task, to: Grantee): void {
  const [input] = JSON.parse(deps.store.input(task.id) ?? '[]') as [Json]
  const { worker } = to
  const capMs = deps.now() + capOf(deps, job, input, to.ahead)
  const leased = leasedTask(task, to, { nowMs: deps.now(), silenceMs: silenceMsOf(deps), capMs })
  const { attempt, leaseEpoch } = leased
  sheet.keepTask(leased)
  if (worker === deps.self) sheet.keep({ kind: 'tasks.work', work: ownWork(deps, job, leased) })
  else sheet.assign(job, worker, { taskId: task.id, leaseEpoch, attempt, input, bytes: task.inputBytes })
}

/** How long a worker may say nothing. */
export function silenceMsOf({ leaseMs, heartbeatMs }: Pick<QueueDeps, 'leaseMs' | 'heartbeatMs'>): number {
  return Math.min(leaseMs, MISSED_BEATS * heartbeatMs)
}

/** What a slow machine may take for it and for those that lie there before it. */
function capOf(deps: QueueDeps, job: Job, input: Json, ahead: number): number {
  return deps.leaseMs + (ahead + 1) * (deps.kinds[job.kind]?.limits.maxRunMs(input) ?? 0)
}

function leasedTask(
  task: Task,
  { worker, step }: Grantee,
  { nowMs, silenceMs, capMs }: { nowMs: number; silenceMs: number; capMs: number },
): Task {
  const epoch = task.leaseEpoch + 1
  const progress = { done: 0, total: 1, atMs: nowMs }
  const lease: Lease = { worker, epoch, grantedMs: nowMs, untilMs: nowMs + silenceMs, capMs, progress }
  const { lostAtMs, ...rest } = task
  const what = step === 'copy' ? 'a copy given' : 'given'
  return {
    ...rest,
    state: stateAfter(task, step),
    worker,
    leaseEpoch: epoch,
    leases: [...task.leases, lease],
    attempt: step === 'assign' ? task.attempt + 1 : task.attempt,
    tried: task.tried.includes(worker) ? task.tried : [...task.tried, worker],
    steps: withStep(task.steps, nowMs, `${what} to ${peerText(worker)}, lease ${epoch}`),
    ...(lostAtMs === undefined ? {} : { releaseMs: nowMs - lostAtMs }),
  }
}

function ownWork({ self, now }: QueueDeps, job: Job, task: Task): Work {
  const { kind, version, params, id: jobId } = job
  const { id: taskId, leaseEpoch, attempt, inputBytes, inputHash } = task
  const about = { taskId, jobId, leaseEpoch, attempt, kind, version, params, inputBytes, inputHash }
  return { ...about, submitter: self, state: 'accepted', acceptedMs: now() }
}
