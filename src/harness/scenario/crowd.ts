import { seededRandom, shuffled } from '../../kernel/random.ts'
import type { Actor } from './street.ts'

export interface CrowdOptions {
  readonly compute: number
  /** Whether somebody of its own asks, because no household is there to do it. */
  readonly asker: boolean
  /** Share of the compute peers that lie, and share of their results that are lies. */
  readonly liarShare: number
  readonly lieShare: number
  readonly seed: number
}

/** Small tasks want many on a desk: else each waits for the network. */
const DESK_TASKS = 32

/** Peers that only compute, some of which lie; and one household that only asks, where nobody else does. */
export function crowd({ compute, asker, liarShare, lieShare, seed }: CrowdOptions): Actor[] {
  const names = Array.from({ length: compute }, (_, i) => `compute-${String(i + 1).padStart(2, '0')}`)
  const liars = new Set(shuffled(names, seededRandom(seed)).slice(0, Math.round(compute * liarShare)))
  const workers = names.map(
    (name): Actor => ({
      name,
      roles: ['compute'],
      options: { 'compute.deskTasks': DESK_TASKS, ...(liars.has(name) ? { 'compute.lieShare': lieShare } : {}) },
    }),
  )
  const asks: Actor = { name: 'asker-01', roles: ['household'], options: { 'household.trade': false } }
  return asker ? [asks, ...workers] : workers
}
