/** Lets a burst through and then so many a second, for each key by itself. */
export interface RateLimit {
  /** False: too many. */
  take(key: string): boolean
}

export interface RateLimitOptions {
  readonly burst: number
  readonly perSecond: number
  now(): number
}

/** Keys are chosen by strangers: who was silent longest is forgotten first. */
const MAX_KEYS = 10_000

/** A bucket of tokens for each key, in memory: after a restart everybody begins anew. */
export function createRateLimit({ burst, perSecond, now }: RateLimitOptions): RateLimit {
  const buckets = new Map<string, { tokens: number; atMs: number }>()
  return {
    take(key) {
      const atMs = now()
      const before = buckets.get(key) ?? { tokens: burst, atMs }
      const grown = Math.min(burst, before.tokens + (Math.max(0, atMs - before.atMs) / 1000) * perSecond)
      const allowed = grown >= 1
      buckets.delete(key)
      buckets.set(key, { tokens: allowed ? grown - 1 : grown, atMs })
      const [oldest] = buckets.keys()
      if (buckets.size > MAX_KEYS && oldest !== undefined) buckets.delete(oldest)
      return allowed
    },
  }
}
