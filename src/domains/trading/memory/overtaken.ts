import type { PeerId, TaskId } from '../../../kernel/ids.ts'

/** Cancellations that came before the trade they end: the select that one of them overtook begins nothing. */
export interface Overtaken {
  add(transactionId: TaskId, buyer: PeerId): void
  has(transactionId: TaskId, buyer: PeerId): boolean
}

/** Longer than a select is valid anywhere, clocks that disagree counted. */
const OVERTAKEN_MS = 10 * 60_000
/** Strangers choose the ids: the oldest is forgotten first. */
const MAX_OVERTAKEN = 1_000

export function createOvertaken(now: () => number): Overtaken {
  const untilMs = new Map<string, number>()
  const keyOf = (transactionId: TaskId, buyer: PeerId): string => `${transactionId}/${buyer}`
  return {
    add(transactionId, buyer) {
      const key = keyOf(transactionId, buyer)
      untilMs.delete(key)
      untilMs.set(key, now() + OVERTAKEN_MS)
      const [oldest] = untilMs.keys()
      if (untilMs.size > MAX_OVERTAKEN && oldest !== undefined) untilMs.delete(oldest)
    },
    has: (transactionId, buyer) => (untilMs.get(keyOf(transactionId, buyer)) ?? 0) > now(),
  }
}
