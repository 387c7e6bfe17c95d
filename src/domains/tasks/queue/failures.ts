/** How long a worker that failed is left alone; doubled with each failure in a row. */
const FAILED_MS = 5_000
const MAX_LEFT_ALONE_MS = 10 * 60_000
const MAX_IN_A_ROW = 8

export interface Failure {
  readonly inARow: number
  readonly untilMs: number
}

/**
 * Workers that failed at a kind of work, and are left alone for a while. A bid does not take it back: failing fast must
 * not bring work.
 */
export interface Failures {
  failed(who: string): void
  /** A good result came. */
  forgive(who: string): void
  isLeftAlone(who: string): boolean
  /** When they are left alone no longer. */
  ends(): number[]
}

export function createFailures(failures: Map<string, Failure>, now: () => number): Failures {
  const isLeftAlone = (who: string): boolean => (failures.get(who)?.untilMs ?? 0) > now()
  return {
    failed(who) {
      // What it had when it failed comes back in the same message, and is one failure.
      if (isLeftAlone(who)) return
      const inARow = Math.min(MAX_IN_A_ROW, (failures.get(who)?.inARow ?? 0) + 1)
      const leftAloneMs = Math.min(MAX_LEFT_ALONE_MS, FAILED_MS * 2 ** (inARow - 1))
      failures.set(who, { inARow, untilMs: now() + leftAloneMs })
    },
    forgive: who => void failures.delete(who),
    isLeftAlone,
    ends: () => [...failures.values()].map(({ untilMs }) => untilMs),
  }
}
