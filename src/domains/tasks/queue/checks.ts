import type { Acceptance } from '../proof/acceptance.ts'
import type { Job, Task } from '../task.ts'
import type { QueueDeps } from './deps.ts'
import type { Desk, DeskSpace, Desks } from './desks.ts'
import type { Sheet } from './sheet.ts'

/** Gives tasks to whoever has room. @returns how many found some */
export type Give = (sheet: Sheet, job: Job, tasks: readonly Task[], to: DeskSpace) => number

/** Finds somebody to check each of these tasks. @returns of how many there is nobody */
export type Check = (sheet: Sheet, job: Job, tasks: readonly Task[], room: DeskSpace) => number

export function createCheck(
  deps: Pick<QueueDeps, 'self' | 'ownLacks'>,
  { acceptance, ownDesk, give }: { acceptance: Acceptance; ownDesk: Desks['ownDesk']; give: Give },
): Check {
  /** Who gives a second opinion: a proven peer, or this machine; another stranger only when this machine cannot. */
  function referees(job: Job, { doubt, opinions, ...task }: Task, desks: readonly Desk[]): readonly Desk[] {
    const ownCannot = task.ownCannot === true || deps.ownLacks(job.needs) !== undefined
    const heard = new Set(opinions.map(({ worker }) => worker))
    const peers = desks.filter(({ peer, proven }) => peer !== deps.self && !heard.has(peer) && (proven || ownCannot))
    if (ownCannot) return peers
    // A proven peer without room will have some in a moment.
    return doubt?.ask === 'peer' && peers.length > 0 ? peers : [ownDesk(job)]
  }

  return (sheet, job, tasks, { desks, load }) => {
    let unchecked = 0
    for (const { id } of tasks) {
      const before = sheet.task(id)
      if (before === undefined || acceptance.reconsider(sheet, job, before)) continue
      const task = sheet.task(id) ?? before
      const able = referees(job, task, desks)
      if (able.length === 0) unchecked++
      give(sheet, job, [task], { desks: able, load })
    }
    return unchecked
  }
}
