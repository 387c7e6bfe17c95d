import { createGate } from '../../kernel/gate.ts'

/** Works on so many items at a time as `width` says now, in order of their coming. The first failure ends it, when those begun have ended. */
export async function inParallel<T>(
  items: Iterable<T> | AsyncIterable<T>,
  width: () => number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const gate = createGate({ width: () => Math.max(1, width()) })
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []
  await gate.enter()
  for await (const item of items) {
    if (failures.length > 0) break
    const one = work(item)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => {
        running.delete(one)
        gate.leave()
      })
    running.add(one)
    // Before the next item is taken: what is taken is in hand.
    await gate.enter()
  }
  await Promise.all(running)
  if (failures.length > 0) throw failures[0]
}
