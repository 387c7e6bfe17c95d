import { LRUCache } from 'lru-cache'
import type { Clock } from '../kernel/clock.ts'
import type { MessageId } from '../kernel/ids.ts'
import { CLOCK_SKEW_MS } from '../protocol/limits.ts'

/** A short cut before the journal: ids handled lately. Bounded, because senders choose the ids. */
export interface Seen {
  has(id: MessageId): boolean
  add(id: MessageId, expires: number): void
}

export function createSeen(clock: Clock): Seen {
  const ids = new LRUCache<MessageId, true>({ max: 50_000, perf: { now: () => clock.now() } })
  return {
    has: id => ids.has(id),
    add(id, expires) {
      ids.set(id, true, { ttl: Math.max(1, expires + CLOCK_SKEW_MS - clock.now()) })
    },
  }
}
