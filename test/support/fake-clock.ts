import type { Clock } from '../../src/kernel/clock.ts'

export interface FakeClock extends Clock {
  /** Lets time pass: whoever sleeps until then wakes, in order, and has had its turn when this resolves. */
  advance(ms: number): Promise<void>
  /** How many sleep. */
  sleepers(): number
}

/** Time that stands still until a test moves it. */
export function fakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let nowMs = startMs
  const sleeping = new Set<{ untilMs: number; wake: () => void }>()

  return {
    now: () => nowMs,
    sleep(ms, ...signals) {
      if (signals.some(({ aborted }) => aborted)) return Promise.resolve()
      return new Promise(resolve => {
        const sleeper = {
          untilMs: nowMs + ms,
          wake() {
            sleeping.delete(sleeper)
            for (const signal of signals) signal.removeEventListener('abort', sleeper.wake)
            resolve()
          },
        }
        sleeping.add(sleeper)
        for (const signal of signals) signal.addEventListener('abort', sleeper.wake)
      })
    },
    async advance(ms) {
      const endMs = nowMs + ms
      for (;;) {
        const [next] = [...sleeping].toSorted((a, b) => a.untilMs - b.untilMs)
        if (next === undefined || next.untilMs > endMs) break
        nowMs = Math.max(nowMs, next.untilMs)
        next.wake()
        await turn()
      }
      nowMs = endMs
      await turn()
    },
    sleepers: () => sleeping.size,
  }
}

/** Everything that is ready to run has run: promises, and commits that end with their turn of the event loop. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise(resolve => setImmediate(resolve))
}
