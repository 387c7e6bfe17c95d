import { CodedError, messageOf } from './errors.ts'
import type { Log } from './log.ts'

/** Something that owns time or sockets. */
export interface Part {
  readonly name: string
  start?(): Promise<void> | void
  stop?(): Promise<void> | void
}

export interface Lifecycle {
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts parts in order; when one fails, stops those already started and throws. Stops in reverse; a part that does
 * not stop within `deadlineMs` is named in the log and left.
 */
export function lifecycle(parts: readonly Part[], log: Log, deadlineMs = 5_000): Lifecycle {
  const running: Part[] = []

  async function start(): Promise<void> {
    for (const part of parts) {
      try {
        await part.start?.()
        running.push(part)
      } catch (error) {
        await stop()
        throw error
      }
    }
  }

  async function stop(): Promise<void> {
    for (let part = running.pop(); part !== undefined; part = running.pop()) {
      try {
        await within(deadlineMs, part)
      } catch (error) {
        log.warn({ part: part.name, reason: messageOf(error) }, 'a part did not stop cleanly')
      }
    }
  }

  return { start, stop }
}

async function within(deadlineMs: number, part: Part): Promise<void> {
  const { promise, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(
    () => reject(new CodedError('LIFECYCLE_STOP_TIMEOUT', `${part.name} took over ${deadlineMs} ms`)),
    deadlineMs,
  )
  try {
    await Promise.race([part.stop?.(), promise])
  } finally {
    clearTimeout(timer)
  }
}
