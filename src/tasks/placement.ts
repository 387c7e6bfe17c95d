import type { PeerId } from '../kernel/ids.ts'
import type { Task } from './task.ts'

export interface Worker {
  readonly peer: PeerId
  /** Tasks it takes at a time. */
  readonly slots: number
}

/**
 * Gives waiting tasks to workers with room: who has not tried a task before comes first, then who is least busy.
 * What finds no room waits.
 */
export function place(
  waiting: readonly Task[],
  workers: readonly Worker[],
  leased: ReadonlyMap<PeerId, number>,
): { task: Task; worker: PeerId }[] {
  const room = new Map(workers.map(worker => [worker.peer, worker.slots - (leased.get(worker.peer) ?? 0)]))
  const share = (peer: PeerId): number => room.get(peer) ?? 0
  const placed: { task: Task; worker: PeerId }[] = []
  for (const task of waiting) {
    const free = workers.filter(worker => share(worker.peer) > 0)
    const [best] = free.toSorted(
      (a, b) =>
        Number(task.tried.includes(a.peer)) - Number(task.tried.includes(b.peer)) || share(b.peer) - share(a.peer),
    )
    if (best === undefined) break
    room.set(best.peer, share(best.peer) - 1)
    placed.push({ task, worker: best.peer })
  }
  return placed
}
