import { backoffMs } from '../../../kernel/backoff.ts'
import { stateAfter } from '../states.ts'
import type { Job, Task } from '../task.ts'
import type { QueueDeps } from './deps.ts'

/** Why a lease ended without a result: its worker vanished, failed, or gave the task back unbegun. */
export type LeaseEnd = 'lost' | 'failed' | 'returned'

const MAX_ATTEMPTS = 5
const MAX_LOST_WITH = 3
const RETRY_WAITS = { baseMs: 1_000, maxMs: 60_000 }

type Own = Pick<QueueDeps, 'self' | 'ownSlots' | 'ownLacks' | 'random' | 'now'>

/** Nobody has it any more: again at once, later, or never. */
export function released(own: Own, ended: Task, how: LeaseEnd, job: Job | undefined): Task {
  const { worker: _, ...idle } = ended
  if (how === 'returned') {
    return { ...idle, state: stateAfter(ended, 'release'), attempt: Math.max(0, ended.attempt - 1) }
  }
  const verdict = retryWork(ended, how, own.random())
  if ('giveUp' in verdict) return givenUp(ended, idle, verdict.giveUp, ownMayTry(own, ended, job))
  const notBeforeMs = verdict.delayMs === 0 ? 0 : own.now() + verdict.delayMs
  const queued: Task = { ...idle, state: stateAfter(ended, 'release'), notBeforeMs }
  return how === 'lost' ? { ...queued, lostAtMs: own.now() } : queued
}

/** Not before this machine has tried it too. */
function givenUp(ended: Task, idle: Omit<Task, 'worker'>, how: 'failed' | 'poisoned', ownTries: boolean): Task {
  if (ownTries) return { ...idle, state: stateAfter(ended, 'release'), notBeforeMs: 0, ownTurn: true }
  return { ...idle, state: stateAfter(ended, how === 'failed' ? 'fail' : 'poison') }
}

/** Whoever failed may have failed by itself. What was lost with this machine counts as tried: it may be the cause. */
function ownMayTry(own: Own, { tried, ownCannot }: Task, job: Job | undefined): boolean {
  if (job === undefined || tried.includes(own.self) || ownCannot === true) return false
  return own.ownSlots > 0 && own.ownLacks(job.needs) === undefined
}

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
