import { backoffMs } from '../../../kernel/backoff.ts'
import type { PeerId, TaskId } from '../../../kernel/ids.ts'
import type { Json } from '../../../kernel/outcome.ts'
import { nextTaskState, type TaskStep } from '../states.ts'
import type { Job, Lease, Task, Work } from '../task.ts'
import type { QueueDeps } from './deps.ts'
import type { Sheet } from './sheet.ts'
import { short, withStep } from './steps.ts'

/** Why a lease ended without a result: its worker vanished, failed, or gave the task back unbegun. */
export type LeaseEnd = 'lost' | 'failed' | 'returned'

/** A worker that only says it is alive, and gets no further, has stalled. */
const STALLED_MS = 60_000
const MISSED_BEATS = 3
const MAX_ATTEMPTS = 5
const MAX_LOST_WITH = 3
const RETRY_WAITS = { baseMs: 1_000, maxMs: 60_000 }

export interface Leases {
  grant(sheet: Sheet, job: Job, task: Task, to: { worker: PeerId; ahead: number; step: 'assign' | 'copy' }): void
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
  const silenceMs = Math.min(deps.leaseMs, MISSED_BEATS * deps.heartbeatMs)
  /** What was lost since a worker was last heard. */
  const lost: { readonly taskId: TaskId; readonly lease: Lease }[] = []
  const left = new Set<PeerId>()

  function grant(sheet: Sheet, job: Job, task: Task, to: { worker: PeerId; ahead: number; step: 'assign' | 'copy' }) {
    const [input] = JSON.parse(deps.store.input(task.id) ?? '[]') as [Json]
    const { worker, step } = to
    const leased = leasedTask(task, { worker, step, capMs: now() + capOf(job, input, to.ahead) })
    const { attempt, leaseEpoch } = leased
    sheet.keepTask(leased)
    if (worker === deps.self) sheet.keep({ kind: 'work', work: ownWork(job, leased, leaseEpoch) })
    else sheet.assign(job, worker, { taskId: task.id, leaseEpoch, attempt, input, bytes: task.inputBytes })
  }

  /** What a slow machine may take for it and for those that lie there before it. */
  function capOf(job: Job, input: Json, ahead: number): number {
    return deps.leaseMs + (ahead + 1) * (deps.kinds[job.kind]?.limits.maxRunMs(input) ?? 0)
  }

  function leasedTask(task: Task, to: { worker: PeerId; step: 'assign' | 'copy'; capMs: number }): Task {
    const { worker, step, capMs } = to
    const epoch = task.leaseEpoch + 1
    const progress = { done: 0, total: 1, atMs: now() }
    const lease: Lease = { worker, epoch, grantedMs: now(), untilMs: now() + silenceMs, capMs, progress }
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
      steps: withStep(task.steps, now(), `${what} to ${short(worker)}, lease ${epoch}`),
      ...(lostAtMs === undefined ? {} : { releaseMs: now() - lostAtMs }),
    }
  }

  function ownWork(job: Job, task: Task, leaseEpoch: number): Work {
    const { kind, version, params, id: jobId } = job
    const { id: taskId, attempt, inputBytes, inputHash } = task
    const about = { taskId, jobId, leaseEpoch, attempt, kind, version, params, inputBytes, inputHash }
    return { ...about, submitter: deps.self, state: 'accepted', acceptedMs: now() }
  }

  function held(sheet: Sheet, taskId: TaskId, worker: PeerId, epoch: number) {
    const task = sheet.task(taskId)
    const lease = task?.leases.find(one => one.worker === worker && one.epoch === epoch)
    return task === undefined || lease === undefined ? undefined : { task, lease }
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

  function end(sheet: Sheet, { task, lease }: { task: Task; lease: Lease }, how: LeaseEnd, reason: string): void {
    if (how === 'lost' && lease.worker !== deps.self && lost.length < deps.maxOpenTasks) {
      lost.push({ taskId: task.id, lease })
    }
    const leases = task.leases.filter(one => one !== lease)
    // What still lay on a desk has not made its worker vanish.
    const lostWith = how === 'lost' && lease.begun === true ? [...task.lostWith, lease.worker] : task.lostWith
    const steps = withStep(task.steps, now(), `${short(lease.worker)} ${HOW[how]}: ${reason}`)
    const ownCannot = how === 'failed' && lease.worker === deps.self && task.opinions.length > 0
    const ended: Task = { ...task, leases, lostWith, steps, reason, ...(ownCannot ? { ownCannot: true } : {}) }
    const [other] = leases
    if (other === undefined) sheet.keepTask(released(ended, how, sheet.job(task.jobId)))
    else sheet.keepTask({ ...ended, state: stateAfter(task, 'shed'), worker: other.worker })
  }

  /** Nobody has it any more: again at once, later, or never. */
  function released(ended: Task, how: LeaseEnd, job: Job | undefined): Task {
    const { worker: _, ...idle } = ended
    if (how === 'returned') {
      return { ...idle, state: stateAfter(ended, 'release'), attempt: Math.max(0, ended.attempt - 1) }
    }
    const verdict = retryWork(ended, how, deps.random())
    if ('giveUp' in verdict) return givenUp(ended, idle, verdict.giveUp, job)
    const notBeforeMs = verdict.delayMs === 0 ? 0 : now() + verdict.delayMs
    const queued: Task = { ...idle, state: stateAfter(ended, 'release'), notBeforeMs }
    return how === 'lost' ? { ...queued, lostAtMs: now() } : queued
  }

  /** Not before this machine has tried it too. */
  function givenUp(ended: Task, idle: Omit<Task, 'worker'>, how: 'failed' | 'poisoned', job: Job | undefined): Task {
    if (ownMayTry(ended, job)) return { ...idle, state: stateAfter(ended, 'release'), notBeforeMs: 0, ownTurn: true }
    return { ...idle, state: stateAfter(ended, how === 'failed' ? 'fail' : 'poison') }
  }

  /** Whoever failed may have failed by itself. What was lost with this machine counts as tried: it may be the cause. */
  function ownMayTry({ tried, ownCannot }: Task, job: Job | undefined): boolean {
    if (job === undefined || tried.includes(deps.self) || ownCannot === true) return false
    return deps.ownSlots > 0 && deps.ownLacks(job.needs) === undefined
  }

  function gone(sheet: Sheet, worker: PeerId): void {
    // One that vanished alone may have been killed by its work; two are enough to tell.
    if (left.size < 2) left.add(worker)
    if (left.size < 2) return
    for (const one of lost.splice(0)) if (!forgiven(sheet, one)) lost.push(one)
  }

  /** False: somebody is left who works on such tasks. */
  function forgiven(sheet: Sheet, { taskId, lease }: (typeof lost)[number]): boolean {
    const task = sheet.task(taskId)
    const job = task === undefined ? undefined : sheet.job(task.jobId)
    if (task === undefined || job === undefined) return true
    if (deps.workersFor(job.kind, job.version).some(({ peer }) => peer !== deps.self)) return false
    if (task.state !== 'queued' && task.state !== 'leased') return true
    const blamed = lease.begun === true ? task.lostWith.lastIndexOf(lease.worker) : -1
    sheet.keepTask({
      ...task,
      attempt: Math.max(0, task.attempt - 1),
      lostWith: task.lostWith.filter((_, i) => i !== blamed),
      steps: withStep(task.steps, now(), `this machine had lost its network: ${short(lease.worker)} is not counted`),
    })
    return true
  }

  function revoke(sheet: Sheet, { id, jobId, leases }: Task, reason: string): void {
    for (const { worker, epoch } of leases) sheet.cancel(jobId, worker, { taskId: id, leaseEpoch: epoch }, reason)
  }

  return {
    grant,
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
    heard(worker) {
      if (worker === deps.self) return
      lost.length = 0
      left.clear()
    },
    gone,
    isOver: lease => Math.min(lease.untilMs, lease.capMs) <= now(),
  }
}

const HOW: Readonly<Record<LeaseEnd, string>> = { lost: 'was lost', failed: 'failed', returned: 'gave it back' }

/**
 * Whether work is tried again, and when. A lost worker costs no delay: somebody else takes over at once. A task with
 * which three workers vanished is poison.
 */
export function retryWork(
  task: { attempt: number; lostWith: readonly string[] },
  cause: 'lost' | 'failed',
  random: number,
): { delayMs: number } | { giveUp: 'failed' | 'poisoned' } {
  if (new Set(task.lostWith).size >= MAX_LOST_WITH) return { giveUp: 'poisoned' }
  if (task.attempt >= MAX_ATTEMPTS) return { giveUp: 'failed' }
  return { delayMs: cause === 'lost' ? 0 : backoffMs(task.attempt, RETRY_WAITS, random) }
}

/** @throws TypeError: a step that cannot follow is a mistake of ours, never of a peer */
export function stateAfter({ id, state }: Task, step: TaskStep): Task['state'] {
  const next = nextTaskState(state, step)
  if (next === undefined) throw new TypeError(`${step} does not follow when task ${id} is ${state}`)
  return next
}
