import type { Step } from '../task.ts'

const MAX_STEPS = 24
/** How it began stays, however long it goes on. */
const KEEP_FIRST = 4

/** What happened so far and one thing more; the middle is forgotten first. */
export function withStep(steps: readonly Step[], atMs: number, text: string): readonly Step[] {
  const all = [...steps, { atMs, text }]
  return all.length <= MAX_STEPS ? all : [...all.slice(0, KEEP_FIRST), ...all.slice(KEEP_FIRST + 1)]
}
