import { createRateLimit, type RateLimit } from '../catalogs/rate-limit.ts'
import { createOvertaken, type Overtaken } from './overtaken.ts'

/** How often one peer may say what costs it nothing and this peer something. */
export interface Rates {
  /** Its catalogs: a few at once; in the long run one a second. */
  readonly announcements: RateLimit
  /** Its searches, each of which is answered. */
  readonly searches: RateLimit
  /** Receipts of its settled trades: those of a slot come together. */
  readonly receipts: RateLimit
  /** Cancellations of what is not known here. */
  readonly cancels: RateLimit
}

/**
 * What trading keeps in memory beside the catalogs. After a restart everybody begins anew: a select whose cancellation
 * is forgotten gets a quote, which holds nothing and runs out.
 */
export interface MarketMemory {
  readonly rates: Rates
  readonly overtaken: Overtaken
}

export function createMarketMemory(now: () => number): MarketMemory {
  return {
    rates: {
      announcements: createRateLimit({ burst: 5, perSecond: 1, now }),
      searches: createRateLimit({ burst: 100, perSecond: 5, now }),
      receipts: createRateLimit({ burst: 100, perSecond: 1, now }),
      cancels: createRateLimit({ burst: 10, perSecond: 0.1, now }),
    },
    overtaken: createOvertaken(now),
  }
}
