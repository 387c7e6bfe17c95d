import { LRUCache } from 'lru-cache'
import type { Clock } from '../kernel/clock.ts'
import type { PeerId } from '../kernel/ids.ts'

/** How much each peer may say. Bounded, because peers choose how many they are. */
export interface Rates {
  /** Counts a message of this peer. False: it said too much lately, and this one is turned away. */
  allows(sender: PeerId): boolean
}

/** Messages at once: what a peer has to say after an absence, and half of what may wait for its turn here. */
export const BURST = 1_000
/** Messages a second in the long run: more than full work and full trade between two peers take. */
export const A_SECOND = 200
const MAX_SENDERS = 4_096

export function createRates(clock: Clock): Rates {
  const senders = new LRUCache<PeerId, { readonly left: number; readonly atMs: number }>({ max: MAX_SENDERS })
  return {
    allows(sender) {
      const nowMs = clock.now()
      const { left, atMs } = senders.get(sender) ?? { left: BURST, atMs: nowMs }
      // A clock that is set back gives nothing, and takes nothing.
      const room = Math.min(BURST, left + (Math.max(0, nowMs - atMs) / 1000) * A_SECOND)
      senders.set(sender, { left: room < 1 ? room : room - 1, atMs: nowMs })
      return room >= 1
    },
  }
}
