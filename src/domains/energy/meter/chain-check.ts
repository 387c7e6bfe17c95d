import type { Clock } from '../../../kernel/clock.ts'
import { messageOf } from '../../../kernel/errors.ts'
import type { Part } from '../../../kernel/lifecycle.ts'
import type { Log } from '../../../kernel/log.ts'
import { type BrokenLink, type Reading, verifyChain } from './reading-chain.ts'

export interface ChainCheckDeps {
  readonly store: {
    /** Whose readings are kept. */
    meters(): string[]
    /** The next of a meter’s readings after that link, in the order of their links. */
    chain(meterId: string, afterLink: number, limit: number): Reading[]
  }
  /** Whether this peer has signed that. */
  readonly verifyOwn: (text: string, signature: string) => boolean
  readonly clock: Clock
  readonly log: Log
}

/** Links read and looked at before others have their turn: about 10 ms. */
const AT_ONCE = 50

/**
 * Looks once, at the start and beside the work, whether the readings kept are still those that were signed. Where they
 * are not, somebody changed the database: that is said loudly, and the household goes on, for its next slots are none
 * the worse.
 */
export function createChainCheck({ store, verifyOwn, clock, log }: ChainCheckDeps): Part {
  const stopping = new AbortController()

  async function brokenLink(meterId: string): Promise<BrokenLink | undefined> {
    let last: Reading | undefined
    while (!stopping.signal.aborted) {
      const links = store.chain(meterId, last?.link ?? 0, AT_ONCE)
      const broken = verifyChain(links, verifyOwn, last)
      if (broken !== undefined) return broken
      await clock.sleep(0, stopping.signal)
      if (links.length < AT_ONCE) return undefined
      last = links.at(-1)
    }
    return undefined
  }

  async function check(): Promise<void> {
    for (const meterId of store.meters()) {
      const broken = await brokenLink(meterId)
      if (broken !== undefined)
        log.error(
          { meterId, ...broken },
          'the meter’s readings are not as they were signed: the database was changed or damaged; what was settled by them may be disputed, so keep a copy of it',
        )
    }
  }

  return {
    name: 'readings',
    start: () =>
      void check().catch(error => log.error({ reason: messageOf(error) }, 'the readings could not be checked')),
    stop: () => stopping.abort(),
  }
}
