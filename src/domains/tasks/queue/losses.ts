import { type PeerId, peerText, type TaskId } from '../../../kernel/ids.ts'
import type { Lease } from '../task.ts'
import type { QueueDeps } from './deps.ts'
import type { Sheet } from './sheet.ts'
import { withStep } from './steps.ts'

interface Lost {
  readonly taskId: TaskId
  readonly lease: Lease
}

/** One that vanished alone may have been killed by its work; two are enough to tell. */
const ENOUGH_TO_TELL = 2

/** What was lost since a worker was last heard: when all have gone in silence, this machine's network has. */
export interface Losses {
  lost(taskId: TaskId, lease: Lease): void
  heard(worker: PeerId): void
  gone(sheet: Sheet, worker: PeerId): void
}

export function createLosses(deps: QueueDeps): Losses {
  const lost = deps.memory<string, Lost>(deps.maxOpenTasks)
  const left = deps.memory<PeerId, true>(ENOUGH_TO_TELL)

  /** False: somebody is left who works on such tasks. */
  function forgiven(sheet: Sheet, { taskId, lease }: Lost): boolean {
    const task = sheet.task(taskId)
    const job = task === undefined ? undefined : sheet.job(task.jobId)
    if (task === undefined || job === undefined) return true
    if (deps.workersFor(job.kind, job.version).some(({ peer }) => peer !== deps.self)) return false
    if (task.state !== 'queued' && task.state !== 'leased') return true
    const blamed = lease.begun === true ? task.lostWith.lastIndexOf(lease.worker) : -1
    sheet.keepTask({
      ...task,
      attempt: Math.max(0, task.attempt - 1),
      lostWith: task.lostWith.filter((_, i) => i !== blamed),
      steps: withStep(
        task.steps,
        deps.now(),
        `this machine had lost its network: ${peerText(lease.worker)} is not counted`,
      ),
    })
    return true
  }

  return {
    lost: (taskId, lease) => void lost.set(`${taskId}/${lease.epoch}`, { taskId, lease }),
    heard(worker) {
      if (worker === deps.self) return
      lost.clear()
      left.clear()
    },
    gone(sheet, worker) {
      left.set(worker, true)
      if (left.size < ENOUGH_TO_TELL) return
      for (const [key, one] of [...lost]) if (forgiven(sheet, one)) lost.delete(key)
    },
  }
}
