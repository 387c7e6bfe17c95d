/** What computing drew in the last minutes. */
export interface Draw {
  /** From now on it draws this. */
  note(atMs: number, watts: number): void
  /** The mean between two moments; before the first note nothing was drawn. */
  meanW(fromMs: number, toMs: number): number
}

/** Longer than any meter's mean. */
const KEPT_MS = 15 * 60_000
const MAX_STEPS = 1_000

/**
 * A meter tells the mean of minutes. Were what computing draws this moment counted back to it, each thread that starts
 * would look like so much more surplus until the meter has seen it, and start the next.
 */
export function createDraw(): Draw {
  let steps: { readonly atMs: number; readonly watts: number }[] = []

  return {
    note(atMs, watts) {
      const last = steps.at(-1)
      if (last !== undefined && atMs < last.atMs) steps = []
      else if (last?.watts === watts) return
      steps.push({ atMs, watts })
      while (steps.length > MAX_STEPS || (steps[1]?.atMs ?? atMs) < atMs - KEPT_MS) steps.shift()
    },
    meanW(fromMs, toMs) {
      const wattMs = steps.map(({ atMs, watts }, i) => {
        const untilMs = Math.min(steps[i + 1]?.atMs ?? toMs, toMs)
        return watts * Math.max(0, untilMs - Math.max(atMs, fromMs))
      })
      return wattMs.reduce((sum, one) => sum + one, 0) / (toMs - fromMs)
    },
  }
}
