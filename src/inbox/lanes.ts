/** Work in lanes: of one key in order, of different keys side by side, never more than `limit` in all. */
export interface Lanes {
  /** False: the lanes are full and `work` was not taken. `work` handles its own errors. */
  enter(key: string, work: () => Promise<void>): boolean
  /** How many wait or run. */
  size(): number
  /** Resolves when nothing waits or runs. */
  idle(): Promise<void>
}

export function createLanes(limit: number): Lanes {
  const queues = new Map<string, (() => Promise<void>)[]>()
  let inside = 0
  let idlers: (() => void)[] = []

  async function drain(key: string, queue: (() => Promise<void>)[]): Promise<void> {
    for (let work = queue[0]; work !== undefined; work = queue[0]) {
      try {
        await work()
      } finally {
        queue.shift()
        inside--
      }
    }
    queues.delete(key)
    if (inside > 0) return
    for (const resolve of idlers) resolve()
    idlers = []
  }

  return {
    enter(key, work) {
      if (inside >= limit) return false
      inside++
      const queue = queues.get(key)
      if (queue !== undefined) {
        queue.push(work)
        return true
      }
      const fresh = [work]
      queues.set(key, fresh)
      void drain(key, fresh)
      return true
    },
    size: () => inside,
    idle: () => (inside === 0 ? Promise.resolve() : new Promise(resolve => idlers.push(resolve))),
  }
}
