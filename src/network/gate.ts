/**
 * Lets `width` pieces of work run at once and `queue` more wait; the rest is turned away.
 * Libraries that run handlers unbounded in parallel go through one.
 */
export interface Gate {
  /** The result, or undefined when there was no room. */
  pass<T>(work: () => Promise<T>): Promise<T | undefined>
}

export function createGate(limits: { width: number; queue: number }): Gate {
  const waiting: (() => void)[] = []
  let running = 0

  return {
    async pass(work) {
      if (running >= limits.width) {
        if (waiting.length >= limits.queue) return undefined
        // The one who leaves hands over the place, so `running` stays as it is.
        await new Promise<void>(resolve => waiting.push(resolve))
      } else {
        running++
      }
      try {
        return await work()
      } finally {
        const next = waiting.shift()
        if (next === undefined) running--
        else next()
      }
    },
  }
}
