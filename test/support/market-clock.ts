import type { Clock } from '../../src/kernel/clock.ts'
import { createMarketClock, type MarketClock } from '../../src/kernel/market-clock.ts'

/** Market time as it is in life: the clock's own. */
export function marketClockOf(clock: Clock, slotMs = 900_000): MarketClock {
  return createMarketClock({ clock, originMs: 0, speed: 1, slotMs })
}
