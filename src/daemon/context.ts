import type { Clock } from '../kernel/clock.ts'
import type { NewId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { MarketClock } from '../kernel/market-clock.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { Sealed } from '../kernel/outcome.ts'
import type { Random } from '../kernel/random.ts'
import { type Identity, verifySignature } from '../protocol/keys.ts'
import type { Storage } from '../storage/storage.ts'
import { type AnyCommit, requireTaken } from './commit.ts'
import type { Context } from './domain.ts'

/** What all domains of a daemon are given alike. */
export interface ContextDeps {
  readonly identity: Identity
  readonly clock: Clock
  readonly market: MarketClock
  readonly random: Random
  readonly newId: NewId
  readonly log: Log
  readonly metrics: Metrics
  readonly commit: AnyCommit
  readonly until: Context<never, never, never>['until']
  readonly wake: () => void
  readonly signal: AbortSignal
}

/** What is one domain's own. */
export interface Own<Options, Read> {
  readonly name: string
  readonly options: Options
  readonly read: Read
}

export function createContext<Options, Read, Fact>(
  deps: ContextDeps,
  { name, options, read }: Own<Options, Read>,
): Context<Options, Read, Fact> {
  const { identity, clock, market, random, newId, log, metrics, until, wake, signal } = deps
  return {
    self: identity.peerId,
    options,
    store: read,
    signal,
    clock,
    market,
    random,
    newId,
    log: log.child({ part: name }),
    metrics,
    now: () => clock.now(),
    sign: identity.sign,
    verify: (peer, text, signature) => verifySignature(peer, text, signature) === true,
    async commit(decide) {
      const outcome = await deps.commit(decide)
      requireTaken(outcome.answer)
      return outcome
    },
    seal: fact => fact as unknown as Sealed,
    until,
    wake,
  }
}

/** Looks at once, and after each group of writes. */
export function untilFound<T>(
  { onEnd }: Pick<Storage, 'onEnd'>,
  look: () => T | undefined,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => settle(() => reject(signal.reason))
    const again = (): void => {
      try {
        const found = look()
        if (found !== undefined) settle(() => resolve(found))
      } catch (error) {
        settle(() => reject(error))
      }
    }
    const stopListening = onEnd(again)
    const settle = (act: () => void): void => {
      stopListening()
      signal.removeEventListener('abort', giveUp)
      act()
    }
    if (signal.aborted) return giveUp()
    signal.addEventListener('abort', giveUp)
    again()
  })
}
