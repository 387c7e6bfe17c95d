import type { PeerId } from '../../../kernel/ids.ts'
import type { QueueDeps } from './deps.ts'
import type { Leases } from './leases.ts'
import type { Sheet } from './sheet.ts'

/** Leases that end, or go on, without a word of their worker. */
export interface Lapses {
  /** Those whose time is over. */
  runOut(sheet: Sheet): void
  /** All of one worker. @returns how many it had */
  endAll(sheet: Sheet, worker: PeerId, reason: string): number
  /** Others get time to come back, after this machine was away. */
  prolong(sheet: Sheet): void
}

export function createLapses(deps: Pick<QueueDeps, 'store' | 'leaseMs' | 'now'>, leases: Leases): Lapses {
  const { store, now } = deps
  return {
    runOut(sheet) {
      for (const { id, leases: before } of store.overdueTasks(now())) {
        for (const { epoch, worker } of before.filter(leases.isOver)) {
          const held = leases.held(sheet, id, worker, epoch)
          if (held !== undefined) leases.end(sheet, held, 'lost', 'it gave no sign of life')
        }
      }
    },

    endAll(sheet, worker, reason) {
      let ended = 0
      for (const { id } of store.leasedTasks()) {
        const task = sheet.task(id)
        const lease = task?.leases.find(one => one.worker === worker)
        if (task === undefined || lease === undefined) continue
        leases.end(sheet, { task, lease }, 'lost', reason)
        ended++
      }
      return ended
    },

    prolong(sheet) {
      const untilMs = now() + deps.leaseMs
      for (const { id } of store.leasedTasks()) {
        const task = sheet.task(id)
        if (task?.state !== 'leased') continue
        const renewed = task.leases.map(lease => ({ ...lease, untilMs, capMs: Math.max(lease.capMs, untilMs) }))
        sheet.keepTask({ ...task, leases: renewed })
      }
    },
  }
}
