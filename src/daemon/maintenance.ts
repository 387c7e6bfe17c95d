import type { Options } from '../config/options.ts'
import { type Clock, repeat } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import { CLOCK_SKEW_MS } from '../protocol/limits.ts'
import type { Storage } from '../storage/storage.ts'
import type { Carried, Registry } from './registry.ts'

const DAY_MS = 24 * 60 * 60_000
const MAINTENANCE_MS = 10 * 60_000
const FORGET_AT_A_TIME = 2_000

export interface MaintenanceDeps {
  readonly options: Options['storage']
  readonly storage: Pick<Storage, 'write' | 'messages'>
  readonly registry: Pick<Registry, 'all'>
  readonly clock: Clock
  readonly log: Log
}

/** Keeps the database bounded: old messages, and what each domain says is too old. */
export function createMaintenance({ options, storage, registry, clock, log }: MaintenanceDeps): Part {
  const stopping = new AbortController()

  async function maintain(): Promise<void> {
    const now = clock.now()
    const bounds = {
      beforeMs: now - options.journalDays * DAY_MS,
      keep: options.journalMessages,
      nowMs: now - CLOCK_SKEW_MS,
    }
    let pruned = 0
    // In slices: nothing else runs while rows are deleted.
    for (let slice = FORGET_AT_A_TIME; slice === FORGET_AT_A_TIME && !stopping.signal.aborted; pruned += slice) {
      slice = await storage.write(() => storage.messages.prune(bounds, FORGET_AT_A_TIME))
    }
    for (const { forget } of registry.all()) if (forget !== undefined) await forgetAll(forget, now)
    if (pruned > 0) log.info({ messages: pruned }, 'forgot old messages')
  }

  async function forgetAll(forget: NonNullable<Carried['forget']>, now: number): Promise<void> {
    let isMore = true
    while (isMore && !stopping.signal.aborted) isMore = await storage.write(() => forget(now, FORGET_AT_A_TIME))
  }

  return {
    name: 'maintenance',
    async start() {
      await maintain()
      void repeat(clock, MAINTENANCE_MS, stopping.signal, () =>
        maintain().catch(error => log.warn({ reason: messageOf(error) }, 'nothing old was forgotten')),
      )
    },
    stop: () => stopping.abort(),
  }
}
