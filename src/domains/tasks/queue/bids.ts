import type { PeerId } from '../../../kernel/ids.ts'
import type { Bid } from '../messages.ts'
import type { QueueDeps } from './deps.ts'

/**
 * What workers said they would take, and what they were seen to take. Known for minutes and asked for again, so it is
 * not kept on the disk; bounded, for peers choose how many they are.
 */
export interface Bids {
  asked(peer: PeerId, kind: string): void
  /** A bid nobody asked for is ignored: it would only push out those of others. */
  heard(peer: PeerId, kind: string, bid: Bid): void
  /** Neither offers nor tasks until then; of a peer that was never asked nothing is remembered. */
  refused(peer: PeerId, kind: string, retryAfterMs: number): void
  standing(peer: PeerId, kind: string): Bid | undefined
  /** It said no a while ago, failed, or does not answer. */
  refuses(peer: PeerId, kind: string): boolean
  /** Asked a moment ago, and not answered yet. */
  isAwaited(peer: PeerId, kind: string): boolean
  mayBeAsked(peer: PeerId, kind: string): boolean
  /** A good result came this long after its lease began. */
  took(peer: PeerId, kind: string, tookMs: number): void
  /** An error or a wrong result came instead: neither offers nor tasks for a while, longer each time in a row. */
  failed(peer: PeerId, kind: string): void
  /** What a lease lasts at this peer; without one, at anybody. */
  paceMs(kind: string, peer?: PeerId): number | undefined
  /** Whether it was ever asked for work. */
  gone(peer: PeerId): boolean
  /** When, after that, a worker may be asked again, stops being waited for, or is left alone no longer. */
  nextMs(afterMs: number): number
}

interface Entry {
  readonly bid?: Bid
  /** Since when an offer waits for its answer. */
  readonly askedMs?: number
  readonly notBeforeMs: number
}

const MAX_ENTRIES = 4_096
/** An offer that nobody answered is made again after this. */
const ASK_AGAIN_MS = 10_000
/** What the slowest of a few answers may cost the first of a job's tasks. */
const AWAITED_MS = 500
/** A bid is renewed this long before it ends, so that work does not pause. */
const RENEW_MS = 10_000
/** How soon a worker that refused is asked again, whatever it says. */
const MIN_REFUSED_MS = 1_000
const MAX_REFUSED_MS = 10 * 60_000
/** How long a worker that failed is left alone; doubled with each failure in a row. */
const FAILED_MS = 5_000
const MAX_FAILURES = 8
/** Weight of the newest of measured times. */
const NEWEST = 0.2

export function createBids({ now, memory }: Pick<QueueDeps, 'now' | 'memory'>): Bids {
  const entries = memory<string, Entry>(MAX_ENTRIES)
  const paces = memory<string, number>(MAX_ENTRIES)
  const failures = memory<string, { readonly inARow: number; readonly untilMs: number }>(MAX_ENTRIES)
  const keyOf = (peer: PeerId, kind: string): string => `${peer} ${kind}`

  function learn(key: string, tookMs: number): void {
    const before = paces.get(key)
    paces.set(key, before === undefined ? tookMs : before + NEWEST * (tookMs - before))
  }

  /** A bid does not take it back: failing fast must not bring work. */
  function isLeftAlone(peer: PeerId, kind: string): boolean {
    return (failures.get(keyOf(peer, kind))?.untilMs ?? 0) > now()
  }

  function standing(peer: PeerId, kind: string): Bid | undefined {
    const bid = entries.get(keyOf(peer, kind))?.bid
    return bid !== undefined && bid.until > now() && !isLeftAlone(peer, kind) ? bid : undefined
  }

  return {
    asked(peer, kind) {
      const before = entries.get(keyOf(peer, kind))
      // Who never answers is silent since the first offer, however often it was made again.
      const askedMs = before?.askedMs ?? now()
      entries.set(keyOf(peer, kind), { ...before, askedMs, notBeforeMs: now() + ASK_AGAIN_MS })
    },
    heard(peer, kind, bid) {
      if (entries.get(keyOf(peer, kind))?.askedMs === undefined) return
      entries.set(keyOf(peer, kind), { bid, notBeforeMs: Math.min(bid.until, now() + MAX_REFUSED_MS) - RENEW_MS })
    },
    refused(peer, kind, retryAfterMs) {
      if (!entries.has(keyOf(peer, kind))) return
      const delayMs = Math.min(MAX_REFUSED_MS, Math.max(MIN_REFUSED_MS, retryAfterMs))
      entries.set(keyOf(peer, kind), { notBeforeMs: now() + delayMs })
    },
    standing,
    refuses(peer, kind) {
      const entry = entries.get(keyOf(peer, kind))
      if (isLeftAlone(peer, kind)) return true
      if (entry === undefined || standing(peer, kind) !== undefined) return false
      if (entry.askedMs !== undefined) return now() - entry.askedMs >= ASK_AGAIN_MS
      return entry.bid === undefined && entry.notBeforeMs > now()
    },
    isAwaited(peer, kind) {
      const entry = entries.get(keyOf(peer, kind))
      return entry?.bid === undefined && entry?.askedMs !== undefined && now() - entry.askedMs < AWAITED_MS
    },
    mayBeAsked: (peer, kind) => (entries.get(keyOf(peer, kind))?.notBeforeMs ?? 0) <= now() && !isLeftAlone(peer, kind),
    took(peer, kind, tookMs) {
      failures.delete(keyOf(peer, kind))
      learn(keyOf(peer, kind), tookMs)
      learn(kind, tookMs)
    },
    failed(peer, kind) {
      // What it had when it failed comes back in the same message, and is one failure.
      if (isLeftAlone(peer, kind)) return
      const inARow = Math.min(MAX_FAILURES, (failures.get(keyOf(peer, kind))?.inARow ?? 0) + 1)
      const leftAloneMs = Math.min(MAX_REFUSED_MS, FAILED_MS * 2 ** (inARow - 1))
      failures.set(keyOf(peer, kind), { inARow, untilMs: now() + leftAloneMs })
    },
    paceMs: (kind, peer) => (peer === undefined ? undefined : paces.get(keyOf(peer, kind))) ?? paces.get(kind),
    nextMs(afterMs) {
      const moments = [
        ...[...entries.values()].flatMap(({ bid, askedMs, notBeforeMs }) => [
          notBeforeMs,
          ...(bid === undefined ? [] : [bid.until]),
          ...(askedMs === undefined ? [] : [askedMs + AWAITED_MS, askedMs + ASK_AGAIN_MS]),
        ]),
        ...[...failures.values()].map(({ untilMs }) => untilMs),
      ]
      return moments.reduce((next, ms) => (ms > afterMs && ms < next ? ms : next), Number.POSITIVE_INFINITY)
    },
    gone(peer) {
      const its = [...entries.keys()].filter(key => key.startsWith(`${peer} `))
      for (const key of its) entries.delete(key)
      return its.length > 0
    },
  }
}
