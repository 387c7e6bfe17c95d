import type { Clock } from './clock.ts'
import { numberedSlot, type Slot, slotNumberAt } from './slot.ts'

export interface MarketClockOptions {
  /** The wall's. */
  readonly clock: Clock
  /** When market time and the wall's agreed, in Unix milliseconds; 0: they always do, and `speed` means nothing. */
  readonly originMs: number
  /** Market milliseconds in one of the wall's. */
  readonly speed: number
  readonly slotMs: number
}

/**
 * Market time: that of delivery slots. In life it is the wall's; in a scenario it agreed with it at `originMs` and has run
 * `speed` times as fast since, the same for everybody who is given the same origin. Signatures and time-outs never
 * follow it. Its `now` and `sleep` are in market milliseconds.
 */
export interface MarketClock extends Clock {
  /** 1 in life. */
  readonly speed: number
  readonly slotMs: number
  /** Of the slot that runs. */
  slotNumber(): number
  /** By its number; without one, the slot that runs. */
  slot(slotNumber?: number): Slot
  /** When the wall's clock shows that moment of market time: a whole millisecond, at which it has come. */
  toWallMs(marketMs: number): number
  /** How long a stretch of market time lasts on the wall. */
  wallDurationMs(marketMs: number): number
}

export function createMarketClock({ clock, originMs, speed: asked, slotMs }: MarketClockOptions): MarketClock {
  const speed = originMs === 0 ? 1 : asked
  const now = (): number => (speed === 1 ? clock.now() : originMs + Math.round((clock.now() - originMs) * speed))
  const slotNumber = (): number => slotNumberAt(now(), slotMs)
  return {
    now,
    // Rounded up: who sleeps until a slot begins must not wake in the one before.
    sleep: (ms, ...signals) => clock.sleep(Math.ceil(ms / speed), ...signals),
    speed,
    slotMs,
    slotNumber,
    slot: (number = slotNumber()) => numberedSlot(number, slotMs),
    toWallMs: marketMs => originMs + Math.ceil((marketMs - originMs) / speed),
    wallDurationMs: marketMs => marketMs / speed,
  }
}
