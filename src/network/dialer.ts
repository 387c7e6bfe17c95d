import type { Libp2p, PeerId as Libp2pPeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { backoffMs } from '../kernel/backoff.ts'
import { type Clock, repeat } from '../kernel/clock.ts'
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

interface DialerDeps {
  readonly libp2p: Libp2p
  readonly maxConnections: number
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

/** The peers this node knows of, and what it dials them with. */
interface Circle extends DialerDeps {
  readonly candidates: Map<string, Candidate>
  readonly counts: Record<Source, number>
  readonly dialled: (labels: { outcome: 'connected' | 'failed' }) => void
  stopping: AbortController
}

/** Keeps this node connected to the peers it knows: dials, dials again with back-off, for ever. */
export function createDialer(deps: DialerDeps): Dialer {
  const { libp2p, clock } = deps
  const circle: Circle = {
    ...deps,
    candidates: new Map(),
    counts: { bootstrap: 0, mdns: 0, dht: 0, cache: 0 },
    dialled: deps.metrics.counter('dials_total', 'Dials to discovered peers, by outcome.', ['outcome']),
    stopping: new AbortController(),
  }
  const onStart = (): void => dialDue(circle)
  const onDisconnect = ({ detail }: CustomEvent<Libp2pPeerId>): void => disconnected(detail.toString(), circle)

  return {
    offer: (found, source) => offer(found, source, circle),
    counts: () => ({ ...circle.counts }),
    start() {
      circle.stopping = new AbortController()
      libp2p.addEventListener('start', onStart)
      libp2p.addEventListener('peer:disconnect', onDisconnect)
      void repeat(clock, 1_000, circle.stopping.signal, () => dialDue(circle))
    },
    stop() {
      circle.stopping.abort()
      libp2p.removeEventListener('start', onStart)
      libp2p.removeEventListener('peer:disconnect', onDisconnect)
    },
  }
}

function offer(found: FoundPeer, source: Source, circle: Circle): void {
  const { libp2p, log } = circle
  const peer = found.id.toString()
  if (peer === libp2p.peerId.toString()) return
  note(found, source, circle)
  const tags = { [`wattmesh-${source}`]: { value: TAG_VALUE[source] } }
  libp2p.peerStore.merge(found.id, { multiaddrs: [...found.multiaddrs], tags }).then(
    () => dialDue(circle),
    (error: unknown) => log.debug({ peer, reason: messageOf(error) }, 'cannot keep a peer'),
  )
}

function note({ id }: FoundPeer, source: Source, circle: Circle): void {
  const { candidates, counts, clock, log } = circle
  const peer = id.toString()
  const known = candidates.get(peer)
  const nextAt = clock.now() + yieldMs(peer, source, circle)
  if (known === undefined) {
    if (candidates.size >= MAX_CANDIDATES) forgetWorst(candidates)
    candidates.set(peer, { id, source, attempts: 0, nextAt, dialling: false })
    counts[source]++
    log.debug({ peer, source }, 'peer discovered')
  } else if (source === 'mdns') {
    // It answers on this wire right now: no reason to wait out a long back-off.
    known.nextAt = Math.min(known.nextAt, nextAt)
  }
}

function yieldMs(peer: string, source: Source, { libp2p }: Circle): number {
  return source === 'bootstrap' || libp2p.peerId.toString() < peer ? 0 : YIELD_MS
}

function dialDue(circle: Circle): void {
  const { libp2p, candidates, stopping } = circle
  if (stopping.signal.aborted || libp2p.status !== 'started') return
  const connections = libp2p.getConnections().length
  let running = [...candidates.values()].filter(candidate => candidate.dialling).length
  for (const candidate of candidates.values()) {
    if (running >= MAX_PARALLEL_DIALS) return
    if (!isWanted(candidate, connections + running, circle)) continue
    running++
    void dial(candidate, circle)
  }
}

function isWanted(candidate: Candidate, connections: number, { libp2p, maxConnections, clock }: Circle): boolean {
  if (candidate.dialling || candidate.nextAt > clock.now()) return false
  const always = candidate.source === 'bootstrap' || candidate.source === 'mdns'
  // The other half is for those who dial us.
  const enough = Math.ceil(maxConnections / 2)
  return (always || connections < enough) && libp2p.getConnections(candidate.id).length === 0
}

async function dial(candidate: Candidate, { libp2p, dialled, stopping, clock, random, log }: Circle): Promise<void> {
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
    if (candidate.source === 'bootstrap' && candidate.attempts === 3) log.warn(fields, 'cannot reach a bootstrap peer')
    else log.debug(fields, 'cannot reach a discovered peer')
  } finally {
    const limits = candidate.source === 'bootstrap' ? BOOTSTRAP_RETRY : RETRY
    candidate.nextAt = clock.now() + (candidate.attempts === 0 ? 0 : backoffMs(candidate.attempts, limits, random()))
    candidate.dialling = false
  }
}

function disconnected(peer: string, circle: Circle): void {
  const { candidates, clock, random } = circle
  const candidate = candidates.get(peer)
  if (candidate === undefined) return
  // Back-off counts from here, so a peer that drops us at once is not dialled in a loop.
  candidate.nextAt = clock.now() + yieldMs(peer, candidate.source, circle) + backoffMs(1, RETRY, random())
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
