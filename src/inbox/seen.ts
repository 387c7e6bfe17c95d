import { LRUCache } from 'lru-cache'
import type { Clock } from '../kernel/clock.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { CLOCK_SKEW_MS } from '../protocol/limits.ts'

/** A short cut before the journal: messages handled lately, by sender and id. Bounded, because senders choose the ids. */
export interface Seen {
  has(envelope: Pick<Envelope, 'sender_id' | 'id'>): boolean
  add(envelope: Pick<Envelope, 'sender_id' | 'id' | 'expires'>): void
}

export function createSeen(clock: Clock): Seen {
  const ids = new LRUCache<string, true>({ max: 50_000, perf: { now: () => clock.now() } })
  const keyOf = ({ sender_id, id }: Pick<Envelope, 'sender_id' | 'id'>): string => `${sender_id}/${id}`
  return {
    has: envelope => ids.has(keyOf(envelope)),
    add(envelope) {
      ids.set(keyOf(envelope), true, { ttl: Math.max(1, envelope.expires + CLOCK_SKEW_MS - clock.now()) })
    },
  }
}
