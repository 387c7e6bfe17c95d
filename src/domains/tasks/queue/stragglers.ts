import type { Job } from '../task.ts'
import type { Bids } from './bids.ts'
import { kindName, type QueueDeps } from './deps.ts'
import type { Desk, Load } from './desks.ts'
import type { Giving } from './giving.ts'
import type { Sheet } from './sheet.ts'

/** Work is slow when it takes this many times as long as others did, and long enough for a copy to be worth it. */
const SLOW_FACTOR = 3
const MIN_SLOW_MS = 2_000
const COPIES_AT_ONCE = 8

/**
 * Near a job's end, with everything given out and desks free, the slowest tasks go to a second worker as well: the first
 * valid result counts, the other worker is told to stop.
 */
export function copyStragglers(
  deps: QueueDeps,
  { giving, bids }: { giving: Giving; bids: Bids },
  { sheet, job, desks, load }: { sheet: Sheet; job: Job; desks: readonly Desk[]; load: Load },
): void {
  if (desks.length === 0) return
  const paceMs = bids.paceMs(kindName(job))
  const slowMs = paceMs === undefined ? deps.leaseMs / 2 : Math.max(MIN_SLOW_MS, SLOW_FACTOR * paceMs)
  for (const { id } of deps.store.slowTasks(job.id, deps.now() - slowMs, COPIES_AT_ONCE)) {
    const task = sheet.task(id)
    const holder = task?.leases[0]?.worker
    if (task?.state !== 'leased' || task.leases.length !== 1) continue
    giving.give(sheet, job, [task], { desks: desks.filter(({ peer }) => peer !== holder), load })
  }
}
