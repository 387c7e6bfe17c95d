/** Who has got what, and when. */
export interface Deliveries {
  /** Call before publishing. Resolves when everybody has the message, or when it is given up. */
  expect(id: string): Promise<void>
  arrived(id: string): void
  count(): number
  /** Deliveries that never came. */
  lost(): number
  /** Delivered, of all that should have been. */
  share(): number
  /** Of each delivery so far in the order of arrival, ms since its publication began. */
  latencies(): readonly number[]
}

const PATIENCE_MS = 5_000

interface Awaited {
  readonly sinceMs: number
  missing: number
  readonly finish: () => void
}

export function createDeliveries(receivers: number): Deliveries {
  const open = new Map<string, Awaited>()
  const latencies: number[] = []
  let lost = 0
  return {
    expect(id) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const giveUp = setTimeout(() => {
        lost += open.get(id)?.missing ?? 0
        open.delete(id)
        resolve()
      }, PATIENCE_MS)
      const finish = (): void => {
        clearTimeout(giveUp)
        open.delete(id)
        resolve()
      }
      open.set(id, { sinceMs: performance.now(), missing: receivers, finish })
      return promise
    },
    arrived(id) {
      const message = open.get(id)
      if (message === undefined) return
      latencies.push(performance.now() - message.sinceMs)
      message.missing -= 1
      if (message.missing === 0) message.finish()
    },
    count: () => latencies.length,
    lost: () => lost,
    share: () => latencies.length / (latencies.length + lost),
    latencies: () => latencies,
  }
}
