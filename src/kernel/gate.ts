export interface GateOptions {
  /** How many are inside at once. It may change: it is asked whenever somebody comes or leaves. */
  readonly width: number | (() => number)
  /** How many more may wait; without a number, all who come. */
  readonly queue?: number
}

/**
 * Lets so many in at once; who comes later waits, in order, and who leaves hands the place on, so that nobody slips in
 * between. Who waits may give up.
 */
export interface Gate {
  /**
   * Resolves to true once there is a place, which must be left again; to false at once where too many wait.
   * @throws the signal's reason, while it waits
   */
  enter(signal?: AbortSignal): Promise<boolean>
  leave(): void
  /** The result of work done inside; undefined when there was no room. @throws as `enter` does */
  pass<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T | undefined>
  isFull(): boolean
  /** How many are inside. */
  inside(): number
  /** How many wait. */
  waiting(): number
}

export function createGate({ width, queue = Number.POSITIVE_INFINITY }: GateOptions): Gate {
  const waiting: (() => void)[] = []
  let inside = 0
  const isFull = (): boolean => inside >= (typeof width === 'number' ? width : width())

  /** Those who wait longest, first. Counted in before they wake: nobody else gets in meanwhile. */
  function admit(): void {
    while (waiting.length > 0 && !isFull()) {
      inside += 1
      waiting.shift()?.()
    }
  }

  async function enter(signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted()
    admit()
    if (waiting.length === 0 && !isFull()) {
      inside += 1
      return true
    }
    if (waiting.length >= queue) return false
    const turn = Promise.withResolvers<void>()
    waiting.push(turn.resolve)
    const giveUp = (): void => {
      const place = waiting.indexOf(turn.resolve)
      // Not among them any more: the place is its own, and whoever enters sees to the signal.
      if (place === -1) return
      waiting.splice(place, 1)
      turn.reject(signal?.reason)
    }
    signal?.addEventListener('abort', giveUp, { once: true })
    await turn.promise.finally(() => signal?.removeEventListener('abort', giveUp))
    return true
  }

  function leave(): void {
    inside -= 1
    admit()
  }

  return {
    enter,
    leave,
    async pass(work, signal) {
      if (!(await enter(signal))) return undefined
      try {
        return await work()
      } finally {
        leave()
      }
    },
    isFull,
    inside: () => inside,
    waiting: () => waiting.length,
  }
}
