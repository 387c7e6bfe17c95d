import type { Clock } from '../../kernel/clock.ts'
import { messageOf } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import { type LeaseRef, MAX_TASKS_A_MESSAGE } from './messages.ts'
import type { WorkResult } from './task.ts'

/** How long results gather after some were sent. */
const GATHER_MS = 20
/** How soon results that could not be kept (a full disk) are tried again. */
const KEEP_AGAIN_MS = 5_000

export interface TrayDeps {
  /** Keeps what came of work; what ends while this waits comes together with the next call. */
  readonly worked: (results: readonly WorkResult[]) => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

/** Results that are not kept yet: their work is still on the desk, but not to be begun again. */
export interface Tray {
  put(result: WorkResult): void
  has(work: LeaseRef): boolean
  /** Resolves when all is kept; in a stop also when it could not be. undefined: nothing lies here. */
  emptied(): Promise<void> | undefined
}

export function createTray({ worked, clock, log }: TrayDeps, stopping: AbortSignal): Tray {
  const results = new Map<string, WorkResult>()
  let emptying: Promise<void> | undefined

  async function empty(): Promise<void> {
    for (let going = true; going && results.size > 0; ) {
      const kept = await keepSome()
      // A lone result goes at once; a stream of them goes many in a message.
      await clock.sleep(kept ? GATHER_MS : KEEP_AGAIN_MS, stopping)
      going = kept || !stopping.aborted
    }
  }

  async function keepSome(): Promise<boolean> {
    const batch = [...results].slice(0, MAX_TASKS_A_MESSAGE)
    try {
      await worked(batch.map(([, result]) => result))
      for (const [key] of batch) results.delete(key)
      return true
    } catch (error) {
      log.warn({ tasks: batch.length, reason: messageOf(error) }, 'results could not be kept; tried again')
      return false
    }
  }

  return {
    put(result) {
      results.set(leaseKey(result), result)
      emptying ??= empty().finally(() => {
        emptying = undefined
      })
    },
    has: work => results.has(leaseKey(work)),
    emptied: () => emptying,
  }
}

/** The same task under another lease is other work. */
export function leaseKey({ taskId, leaseEpoch }: LeaseRef): string {
  return `${taskId}/${leaseEpoch}`
}
