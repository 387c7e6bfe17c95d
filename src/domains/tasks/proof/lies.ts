import { type PeerId, peerText } from '../../../kernel/ids.ts'
import { kindName, type QueueDeps } from '../queue/deps.ts'
import type { Leases } from '../queue/leases.ts'
import type { Sheet } from '../queue/sheet.ts'
import { withStep } from '../queue/steps.ts'
import { stateAfter } from '../states.ts'
import type { Job, Task } from '../task.ts'
import { afterWrong } from './reputation.ts'

/** A result was provably wrong: its maker starts over, and its pending work is redone. */
export type Caught = (sheet: Sheet, job: Job, peer: PeerId) => void

export function createCaught(deps: QueueDeps, leases: Leases): Caught {
  const { store, now, self } = deps

  /** What this peer said of a job's tasks, whether it was kept before or in this very decision. */
  function redo(sheet: Sheet, jobId: string, peer: PeerId): void {
    const kept = [...store.doubtedTasks(jobId), ...store.unconfirmedTasks(jobId, peer)]
    const changed = sheet.changed().filter(task => task.jobId === jobId)
    for (const id of new Set([...kept, ...changed].map(task => task.id))) {
      forget(sheet, id, peer)
      withdraw(sheet, id, peer, now())
    }
  }

  function takeBack(sheet: Sheet, id: Task['id'], peer: PeerId, kind: string): void {
    const task = sheet.task(id)
    const lease = task?.leases.find(one => one.worker === peer)
    const job = task === undefined ? undefined : sheet.job(task.jobId)
    if (task === undefined || lease === undefined || job === undefined) return
    if (job.verify === 'none' || kindName(job) !== kind) return
    leases.end(sheet, { task, lease }, 'returned', 'it was caught with a wrong result')
    sheet.cancel(task.jobId, peer, { taskId: id, leaseEpoch: lease.epoch }, 'a result was wrong')
  }

  return (sheet, job, peer) => {
    if (peer === self || job.verify === 'none') return
    const kind = kindName(job)
    sheet.keepReputation(afterWrong(sheet.reputation(peer, job), now()))
    for (const { id } of store.leasedTasks()) takeBack(sheet, id, peer, kind)
    const running = store.jobsInState('running').filter(one => one.verify !== 'none' && kindName(one) === kind)
    for (const { id } of running) redo(sheet, id, peer)
  }
}

/** What a liar said of other tasks is not heard any more. */
function forget(sheet: Sheet, id: Task['id'], peer: PeerId): void {
  const task = sheet.task(id)
  const said = task?.opinions.find(({ worker }) => worker === peer)
  if (task === undefined || said === undefined || task.state === 'done') return
  sheet.keep({ kind: 'tasks.output.gone', taskId: id, epoch: said.epoch })
  const opinions = task.opinions.filter(opinion => opinion !== said)
  const { doubt, ...rest } = task
  sheet.keepTask({ ...rest, opinions, ...(opinions.length === 0 || doubt === undefined ? {} : { doubt }) })
}

/** Accepted on trust alone, and not trusted any more. */
function withdraw(sheet: Sheet, id: Task['id'], peer: PeerId, nowMs: number): void {
  const task = sheet.task(id)
  if (task?.state !== 'done' || task.worker !== peer || task.acceptedEpoch === undefined || task.confirmed) return
  sheet.keep({ kind: 'tasks.output.gone', taskId: id, epoch: task.acceptedEpoch })
  const { acceptedEpoch: _, confirmed: __, worker: ___, ...rest } = task
  const why = `done again: ${peerText(peer)} was caught with a wrong result elsewhere`
  const again = { ...rest, state: stateAfter(task, 'withdraw'), accepted: 0, attempt: 0, notBeforeMs: 0 }
  sheet.keepTask({ ...again, reason: why, steps: withStep(task.steps, nowMs, why) })
}
