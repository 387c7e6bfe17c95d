/** The only source of time. Everything that waits or stamps asks a Clock, so that tests and scenarios own the time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Resolves after `ms`, or at once when one of the signals is aborted (never rejects). */
  sleep(ms: number, ...signals: readonly AbortSignal[]): Promise<void>
}

export const systemClock: Clock = { now: () => Date.now(), sleep }

function sleep(ms: number, ...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise(resolve => {
    if (signals.some(({ aborted }) => aborted)) return resolve()
    const done = () => {
      clearTimeout(timer)
      for (const signal of signals) signal.removeEventListener('abort', done)
      resolve()
    }
    // setTimeout fires at once for more than 2^31 − 1 ms; no caller means that.
    const timer = setTimeout(done, Math.min(ms, 0x7fffffff))
    for (const signal of signals) signal.addEventListener('abort', done)
  })
}

/** Runs `work` every `periodMs` of `clock` until `signal` aborts. Runs never overlap; `work` handles its own errors. */
export async function repeat(
  clock: Clock,
  periodMs: number,
  signal: AbortSignal,
  work: () => Promise<void> | void,
): Promise<void> {
  for (;;) {
    await clock.sleep(periodMs, signal)
    if (signal.aborted) return
    await work()
  }
}
