/** Works on so many items at a time as `width` says now, in order of their coming. The first failure ends it, when those begun have ended. */
export async function inParallel<T>(
  items: Iterable<T> | AsyncIterable<T>,
  width: () => number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []
  for await (const item of items) {
    if (failures.length > 0) break
    const one = work(item)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => running.delete(one))
    running.add(one)
    if (running.size >= width()) await Promise.race(running)
  }
  await Promise.all(running)
  if (failures.length > 0) throw failures[0]
}
