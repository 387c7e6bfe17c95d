import { backoffMs } from '../../kernel/backoff.ts'

const MAX_ATTEMPTS = 5
const MAX_LOST_WITH = 3
const LIMITS = { baseMs: 1_000, maxMs: 60_000 }

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
  return { delayMs: cause === 'lost' ? 0 : backoffMs(task.attempt, LIMITS, random) }
}
