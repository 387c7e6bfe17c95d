/**
 * A thread that is ended while native code runs in it takes the whole process with it: the code cannot report an error
 * to a JavaScript that is gone, and aborts. So whoever wants to end a thread first closes its gate, and ends it once
 * nobody is inside. A shared number, for a thread that computes answers no messages.
 */
export type NativeGate = Int32Array<SharedArrayBuffer>

const INSIDE = 1
const CLOSED = 2

/** The gate of the part that this thread works on; without one, nobody ends the thread. */
let current: NativeGate | undefined

export function createNativeGate(): NativeGate {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
}

/** Everything native of this thread goes through this gate from now on. */
export function useNativeGate(gate: NativeGate): void {
  current = gate
}

/** Runs what calls native code, one at a time. Behind a closed gate nothing runs: the thread is about to end. */
export async function inside<T>(call: () => Promise<T>): Promise<T> {
  const gate = current
  if (gate === undefined) return call()
  if (Atomics.compareExchange(gate, 0, 0, INSIDE) !== 0) return new Promise<never>(() => undefined)
  try {
    return await call()
  } finally {
    Atomics.and(gate, 0, ~INSIDE)
  }
}

/** Lets nobody in any more. @returns whether nobody is inside, so that the thread can be ended */
export function closeNativeGate(gate: NativeGate): boolean {
  return (Atomics.or(gate, 0, CLOSED) & INSIDE) === 0
}
