import type { Storage } from '../../src/storage/storage.ts'

/** Does the work inside a write, and returns what comes of it: the work of a write is done at once, only its commit is not. */
export function written<T>(storage: Storage, work: () => T): T {
  let done: { readonly value: T } | undefined
  let failure: Error | undefined
  storage
    .write(() => {
      try {
        done = { value: work() }
      } catch (error) {
        failure = error instanceof Error ? error : new Error(String(error))
        throw failure
      }
    })
    .catch((error: unknown) => {
      // What the work threw was thrown here already.
      if (error !== failure) throw error
    })
  if (done === undefined) throw failure ?? new Error('the write did not take place')
  return done.value
}
