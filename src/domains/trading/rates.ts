import { createRateLimit, type RateLimit } from '../../kernel/rate.ts'

/** Peers that each limit remembers. */
const MAX_KEYS = 10_000

/** How often one peer may say what costs it nothing and this peer something. */
export interface Rates {
  /** Its catalogs: a few at once; in the long run one a second. */
  readonly announcements: RateLimit
  /** Its searches, each of which is answered. */
  readonly searches: RateLimit
  /** Cancellations of what is not known here. */
  readonly cancels: RateLimit
  /** Its questions for catalogs it has missed. */
  readonly pulls: RateLimit
}

/** Counts what was asked, whatever came of it; in memory only: after a restart everybody begins anew. */
export function createRates(now: () => number): Rates {
  const limit = (burst: number, perSecond: number): RateLimit =>
    createRateLimit({ burst, perSecond, maxKeys: MAX_KEYS, now })
  return {
    announcements: limit(5, 1),
    searches: limit(100, 5),
    cancels: limit(10, 0.1),
    pulls: limit(60, 2),
  }
}
