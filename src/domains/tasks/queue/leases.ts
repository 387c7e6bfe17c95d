import { type PeerId, peerText, type TaskId } from '../../../kernel/ids.ts'
import { stateAfter, type TaskStep } from '../states.ts'
import type { Job, Lease, Task } from '../task.ts'
import type { QueueDeps } from './deps.ts'
import { type Grantee, grant, silenceMsOf } from './grants.ts'
import { createLosses } from './losses.ts'
import { type LeaseEnd, released } from './retries.ts'
import type { Sheet } from './sheet.ts'
import { withStep } from './steps.ts'

/** A worker that only says it is alive, and gets no further, has stalled. */
const STALLED_MS = 60_000

const HOW: Readonly<Record<LeaseEnd, string>> = { lost: 'was lost', failed: 'failed', returned: 'gave it back' }

export interface Leases {
  grant(sheet: Sheet, job: Job, task: Task, to: Grantee): void
  /** The task as it is, when this worker holds it under this epoch. */
  held(sheet: Sheet, taskId: TaskId, worker: PeerId, epoch: number): { task: Task; lease: Lease } | undefined
  /** A sign of life. False: it got no further for too long, and the lease is over. */
  beat(
    sheet: Sheet,
    held: { task: Task; lease: Lease },
    said: { done: number; total: number; waiting: boolean },
  ): boolean
  end(sheet: Sheet, held: { task: Task; lease: Lease }, how: LeaseEnd, reason: string): void
  /** Tells all who work on a task that it is not wanted any more. */
  revoke(sheet: Sheet, task: Task, reason: string): void
  /** All leases of a task are over; those who work on it are told. */
  close(sheet: Sheet, task: Task, step: TaskStep, reason: string): void
  isOver(lease: Lease): boolean
  /** A worker said something: this machine has a network, and who was lost before went by itself. */
  heard(worker: PeerId): void
  /** A connection to one that worked ended. When all have ended in silence, this machine's network did, and no task is to blame. */
  gone(sheet: Sheet, worker: PeerId): void
}

export function createLeases(deps: QueueDeps): Leases {
  const { now } = deps
  const silenceMs = silenceMsOf(deps)
  const losses = createLosses(deps)

  function end(sheet: Sheet, { task, lease }: { task: Task; lease: Lease }, how: LeaseEnd, reason: string): void {
    if (how === 'lost' && lease.worker !== deps.self) losses.lost(task.id, lease)
    const leases = task.leases.filter(one => one !== lease)
    // What still lay on a desk has not made its worker vanish.
    const lostWith = how === 'lost' && lease.begun === true ? [...task.lostWith, lease.worker] : task.lostWith
    const steps = withStep(task.steps, now(), `${peerText(lease.worker)} ${HOW[how]}: ${reason}`)
    const ownCannot = how === 'failed' && lease.worker === deps.self && task.opinions.length > 0
    const ended: Task = { ...task, leases, lostWith, steps, reason, ...(ownCannot ? { ownCannot: true } : {}) }
    const [other] = leases
    if (other === undefined) sheet.keepTask(released(deps, ended, how, sheet.job(task.jobId)))
    else sheet.keepTask({ ...ended, state: stateAfter(task, 'shed'), worker: other.worker })
  }

  function beat(sheet: Sheet, { task, lease }: { task: Task; lease: Lease }, said: Parameters<Leases['beat']>[2]) {
    const further = said.waiting || said.done > lease.progress.done
    const progress = further ? { done: said.done, total: said.total, atMs: now() } : lease.progress
    if (now() - progress.atMs > STALLED_MS) {
      end(sheet, { task, lease }, 'failed', 'the worker got no further')
      sheet.cancel(task.jobId, lease.worker, { taskId: task.id, leaseEpoch: lease.epoch }, 'no progress')
      return false
    }
    const { begun: _, ...before } = lease
    const renewed: Lease = {
      ...before,
      progress,
      untilMs: now() + silenceMs,
      ...(said.waiting ? {} : { begun: true }),
    }
    sheet.keepTask({ ...task, leases: task.leases.map(one => (one === lease ? renewed : one)) })
    return true
  }

  return {
    grant: (sheet, job, task, to) => grant(deps, sheet, job, task, to),
    held,
    beat,
    end,
    revoke,
    close(sheet, task, step, reason) {
      revoke(sheet, task, reason)
      sheet.keepTask({
        ...task,
        state: stateAfter(task, step),
        leases: [],
        reason,
        steps: withStep(task.steps, now(), reason),
      })
    },
    isOver: lease => Math.min(lease.untilMs, lease.capMs) <= now(),
    heard: losses.heard,
    gone: losses.gone,
  }
}

function held(sheet: Sheet, taskId: TaskId, worker: PeerId, epoch: number) {
  const task = sheet.task(taskId)
  const lease = task?.leases.find(one => one.worker === worker && one.epoch === epoch)
  return task === undefined || lease === undefined ? undefined : { task, lease }
}

function revoke(sheet: Sheet, { id, jobId, leases }: Task, reason: string): void {
  for (const { worker, epoch } of leases) sheet.cancel(jobId, worker, { taskId: id, leaseEpoch: epoch }, reason)
}
