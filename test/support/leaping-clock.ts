import { type Clock, systemClock } from '../../src/kernel/clock.ts'

export interface LeapingClock extends Clock {
  /** So much time passes at once: who slept until then wakes. */
  leap(ms: number): void
}

/** The clock of life, for tests that cannot wait for tomorrow. */
export function leapingClock(clock: Clock): LeapingClock {
  let aheadMs = 0
  let leaps = new AbortController()
  const now = (): number => clock.now() + aheadMs
  return {
    now,
    async sleep(ms, ...signals) {
      const untilMs = now() + ms
      for (let leftMs = ms; leftMs > 0 && !signals.some(({ aborted }) => aborted); leftMs = untilMs - now()) {
        const { signal: leapt } = leaps
        await clock.sleep(leftMs, ...signals, leapt)
        if (!leapt.aborted) return
      }
    },
    leap(ms) {
      aheadMs += ms
      leaps.abort()
      leaps = new AbortController()
    },
  }
}

/** What is done every few minutes is done as seldom as ever. */
const SELDOM_MS = 60_000

/** The clock of life, but nobody waits long before trying again. */
export function hastyClock(mostMs: number): Clock {
  return {
    now: systemClock.now,
    sleep: (ms, ...signals) => systemClock.sleep(ms < SELDOM_MS ? Math.min(ms, mostMs) : ms, ...signals),
  }
}
