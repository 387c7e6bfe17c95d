import type { Libp2p, PeerId as Libp2pPeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { backoffMs } from '../kernel/backoff.ts'
import type { Clock } from '../kernel/clock.ts'
import { repeat } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { Random } from '../kernel/random.ts'

/** How a peer became known. */
export type Source = 'bootstrap' | 'mdns' | 'dht' | 'cache'

export interface FoundPeer {
  readonly id: Libp2pPeerId
  readonly multiaddrs: readonly Multiaddr[]
}

export interface Dialer {
  /** Somebody worth a connection; told again, somebody seen alive. */
  offer(found: FoundPeer, source: Source): void
  counts(): Readonly<Record<Source, number>>
  start(): void
  stop(): void
}

interface Candidate {
  readonly id: Libp2pPeerId
  readonly source: Source
  attempts: number
  nextAt: number
  dialling: boolean
}

const MAX_CANDIDATES = 256
const MAX_PARALLEL_DIALS = 4
const DIAL_TIMEOUT_MS = 15_000
/** Both ends of a discovery know each other. The smaller id dials; the other waits this long before it tries itself. */
const YIELD_MS = 3_000
const RETRY = { baseMs: 1_000, maxMs: 5 * 60_000 }
/** Without its bootstrap peer a node may have nobody, so that one is asked more often. */
const BOOTSTRAP_RETRY = { baseMs: 1_000, maxMs: 30_000 }
/** What a connection is worth when there are too many. */
const TAG_VALUE: Readonly<Record<Source, number>> = { bootstrap: 50, mdns: 40, dht: 10, cache: 10 }

/** Keeps this node connected to the peers it knows: dials, dials again with back-off, for ever. */
export function createDialer(deps: {
  libp2p: Libp2p
  maxConnections: number
  clock: Clock
  random: Random
  log: Log
  metrics: Metrics
}): Dialer {
  const { libp2p, clock, random, log } = deps
  const self = libp2p.peerId.toString()
  const candidates = new Map<string, Candidate>()
  const counts: Record<Source, number> = { bootstrap: 0, mdns: 0, dht: 0, cache: 0 }
  const dialled = deps.metrics.counter('dials_total', 'Dials to discovered peers, by outcome.', ['outcome'])
  // The other half is for those who dial us.
  const enough = Math.ceil(deps.maxConnections / 2)
  let stopping = new AbortController()

  const yieldMs = (id: string, source: Source) => (source === 'bootstrap' || self < id ? 0 : YIELD_MS)

  function offer(found: FoundPeer, source: Source): void {
    const key = found.id.toString()
    if (key === self) return
    const known = candidates.get(key)
    if (known === undefined) {
      if (candidates.size >= MAX_CANDIDATES) forgetWorst(candidates)
      const nextAt = clock.now() + yieldMs(key, source)
      candidates.set(key, { id: found.id, source, attempts: 0, nextAt, dialling: false })
      counts[source]++
      log.debug({ peer: key, source }, 'peer discovered')
    } else if (source === 'mdns') {
      // It answers on this wire right now: no reason to wait out a long back-off.
      known.nextAt = Math.min(known.nextAt, clock.now() + yieldMs(key, source))
    }
    libp2p.peerStore
      .merge(found.id, {
        multiaddrs: [...found.multiaddrs],
        tags: { [`wattmesh-${source}`]: { value: TAG_VALUE[source] } },
      })
      .then(dialDue, (error: unknown) => log.debug({ peer: key, reason: messageOf(error) }, 'cannot keep a peer'))
  }

  function wanted(candidate: Candidate, connections: number): boolean {
    if (candidate.dialling || candidate.nextAt > clock.now()) return false
    const always = candidate.source === 'bootstrap' || candidate.source === 'mdns'
    return (always || connections < enough) && libp2p.getConnections(candidate.id).length === 0
  }

  function dialDue(): void {
    if (stopping.signal.aborted || libp2p.status !== 'started') return
    const connections = libp2p.getConnections().length
    let running = [...candidates.values()].filter(candidate => candidate.dialling).length
    for (const candidate of candidates.values()) {
      if (running >= MAX_PARALLEL_DIALS) return
      if (!wanted(candidate, connections + running)) continue
      running++
      void dial(candidate)
    }
  }

  async function dial(candidate: Candidate): Promise<void> {
    candidate.dialling = true
    try {
      const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)])
      await libp2p.dial(candidate.id, { signal })
      candidate.attempts = 0
      dialled({ outcome: 'connected' })
    } catch (error) {
      candidate.attempts++
      dialled({ outcome: 'failed' })
      const fields = { peer: candidate.id.toString(), attempts: candidate.attempts, reason: messageOf(error) }
      // A bootstrap peer that stays away is worth a word; a neighbour that went to bed is not.
      if (candidate.source === 'bootstrap' && candidate.attempts === 3)
        log.warn(fields, 'cannot reach a bootstrap peer')
      else log.debug(fields, 'cannot reach a discovered peer')
    } finally {
      const limits = candidate.source === 'bootstrap' ? BOOTSTRAP_RETRY : RETRY
      candidate.nextAt = clock.now() + (candidate.attempts === 0 ? 0 : backoffMs(candidate.attempts, limits, random()))
      candidate.dialling = false
    }
  }

  function onDisconnect({ detail }: CustomEvent<Libp2pPeerId>): void {
    const candidate = candidates.get(detail.toString())
    if (candidate === undefined) return
    // Back-off counts from here, so a peer that drops us at once is not dialled in a loop.
    candidate.nextAt = clock.now() + yieldMs(detail.toString(), candidate.source) + backoffMs(1, RETRY, random())
  }

  return {
    offer,
    counts: () => ({ ...counts }),
    start() {
      stopping = new AbortController()
      libp2p.addEventListener('start', dialDue)
      libp2p.addEventListener('peer:disconnect', onDisconnect)
      void repeat(clock, 1_000, stopping.signal, dialDue)
    },
    stop() {
      stopping.abort()
      libp2p.removeEventListener('start', dialDue)
      libp2p.removeEventListener('peer:disconnect', onDisconnect)
    },
  }
}

/** Makes room: whoever failed most often goes; bootstrap peers stay. */
function forgetWorst(candidates: Map<string, Candidate>): void {
  let worst: Candidate | undefined
  for (const candidate of candidates.values()) {
    if (candidate.source === 'bootstrap') continue
    if (worst === undefined || candidate.attempts > worst.attempts) worst = candidate
  }
  if (worst !== undefined) candidates.delete(worst.id.toString())
}
