/**
 * Exponential back-off with full jitter (each delay uniform between 0 and the cap of its step), so that peers that
 * failed together do not return together.
 * @param attempt counted from 1
 * @param random a number in [0, 1)
 */
export function backoffMs(attempt: number, limits: { baseMs: number; maxMs: number }, random: number): number {
  const cap = Math.min(limits.maxMs, limits.baseMs * 2 ** Math.min(attempt - 1, 30))
  return Math.round(cap * random)
}
