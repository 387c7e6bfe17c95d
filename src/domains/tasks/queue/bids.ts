import type { PeerId } from '../../../kernel/ids.ts'
import type { Bid } from '../messages.ts'
import { createPaces } from '../paces.ts'
import type { QueueDeps } from './deps.ts'
import { createFailures } from './failures.ts'

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

export function createBids({ now, memory }: Pick<QueueDeps, 'now' | 'memory'>): Bids {
  const entries = memory<string, Entry>(MAX_ENTRIES)
  const paces = createPaces(memory(MAX_ENTRIES))
  const failures = createFailures(memory(MAX_ENTRIES), now)

  function standing(peer: PeerId, kind: string): Bid | undefined {
    const bid = entries.get(keyOf(peer, kind))?.bid
    return bid !== undefined && bid.until > now() && !failures.isLeftAlone(keyOf(peer, kind)) ? bid : undefined
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
      if (failures.isLeftAlone(keyOf(peer, kind))) return true
      return standing(peer, kind) === undefined && saysNo(entries.get(keyOf(peer, kind)), now())
    },
    isAwaited: (peer, kind) => isAwaited(entries.get(keyOf(peer, kind)), now()),
    mayBeAsked(peer, kind) {
      const notBeforeMs = entries.get(keyOf(peer, kind))?.notBeforeMs ?? 0
      return notBeforeMs <= now() && !failures.isLeftAlone(keyOf(peer, kind))
    },
    took(peer, kind, tookMs) {
      failures.forgive(keyOf(peer, kind))
      paces.took(keyOf(peer, kind), tookMs)
      paces.took(kind, tookMs)
    },
    failed: (peer, kind) => failures.failed(keyOf(peer, kind)),
    paceMs: (kind, peer) => (peer === undefined ? undefined : paces.of(keyOf(peer, kind))) ?? paces.of(kind),
    nextMs(afterMs) {
      const moments = [...[...entries.values()].flatMap(momentsOf), ...failures.ends()]
      return moments.reduce((next, ms) => (ms > afterMs && ms < next ? ms : next), Number.POSITIVE_INFINITY)
    },
    gone(peer) {
      const its = [...entries.keys()].filter(key => key.startsWith(`${peer} `))
      for (const key of its) entries.delete(key)
      return its.length > 0
    },
  }
}

function keyOf(peer: PeerId, kind: string): string {
  return `${peer} ${kind}`
}

/** It has refused, or an offer has waited for its answer for too long. */
function saysNo(entry: Entry | undefined, nowMs: number): boolean {
  if (entry === undefined) return false
  if (entry.askedMs !== undefined) return nowMs - entry.askedMs >= ASK_AGAIN_MS
  return entry.bid === undefined && entry.notBeforeMs > nowMs
}

function isAwaited(entry: Entry | undefined, nowMs: number): boolean {
  return entry?.bid === undefined && entry?.askedMs !== undefined && nowMs - entry.askedMs < AWAITED_MS
}

/** When something changes about it by itself. */
function momentsOf({ bid, askedMs, notBeforeMs }: Entry): number[] {
  return [
    notBeforeMs,
    ...(bid === undefined ? [] : [bid.until]),
    ...(askedMs === undefined ? [] : [askedMs + AWAITED_MS, askedMs + ASK_AGAIN_MS]),
  ]
}
