const BAR_WIDTH = 30
/** The rate is that of the last so many looks. */
const WINDOW = 20

/** How far the work is, in a line: `██████░░░░ 61 %  6100 of 10000 tasks  183/s  21 s left`. */
export interface ProgressLine {
  /** Rate and remaining time are of what was measured; before that the line has neither. */
  at(done: number, nowMs: number): string
}

export function createProgressLine(total: number): ProgressLine {
  const looks: { done: number; atMs: number }[] = []
  return {
    at(done, nowMs) {
      looks.push({ done, atMs: nowMs })
      if (looks.length > WINDOW) looks.shift()
      const share = total === 0 ? 1 : Math.min(1, done / total)
      const full = Math.floor(share * BAR_WIDTH)
      const bar = '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full)
      const rate = rateOf(looks)
      const left = rate === undefined ? '' : `  ${Math.round(rate)}/s  ${Math.ceil((total - done) / rate)} s left`
      return `${bar} ${Math.floor(share * 100)} %  ${done} of ${total} tasks${left}`
    },
  }
}

/** Tasks a second; undefined while nothing moves. */
function rateOf(looks: readonly { done: number; atMs: number }[]): number | undefined {
  const [first, last] = [looks[0], looks.at(-1)]
  if (first === undefined || last === undefined || last.done <= first.done) return undefined
  return ((last.done - first.done) * 1000) / (last.atMs - first.atMs)
}
