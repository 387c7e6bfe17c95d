import { LRUCache } from 'lru-cache'

/** Lets a burst through and then so many a second, for each key by itself. */
export interface RateLimit<Key extends string = string> {
  /** Counts one. False: it was too many, and is not counted. */
  take(key: Key): boolean
}

export interface RateLimitOptions {
  readonly burst: number
  /** In the long run. */
  readonly perSecond: number
  /** Keys are chosen by strangers: beyond so many, who was silent longest is forgotten first, and begins anew. */
  readonly maxKeys: number
  now(): number
}

/** A bucket of tokens for each key, in memory: after a restart everybody begins anew. */
export function createRateLimit<Key extends string = string>(options: RateLimitOptions): RateLimit<Key> {
  const { burst, perSecond, maxKeys, now } = options
  const buckets = new LRUCache<Key, { readonly left: number; readonly atMs: number }>({ max: maxKeys })
  return {
    take(key) {
      const nowMs = now()
      const { left, atMs } = buckets.get(key) ?? { left: burst, atMs: nowMs }
      // A clock that is set back gives nothing, and takes nothing.
      const grown = Math.min(burst, left + (Math.max(0, nowMs - atMs) / 1000) * perSecond)
      const allowed = grown >= 1
      buckets.set(key, { left: allowed ? grown - 1 : grown, atMs: nowMs })
      return allowed
    },
  }
}
