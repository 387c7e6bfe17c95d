import type { Connection, IdentifyResult, PeerId as Libp2pPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { isPrivate } from '@libp2p/utils'
import type { Clock } from '../kernel/clock.ts'
import type { PeerChange, PeerView } from '../kernel/connection.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { Random } from '../kernel/random.ts'
import { answerRequests, type OnRequest, PATIENCE, type Patience } from './answers.ts'
import { createDialBack, type DialBackResult } from './dial-back.ts'
import { createDialer, type Source } from './dialer.ts'
import { createDiscovery } from './discovery.ts'
import { createGossip, type OnGossip } from './gossip.ts'
import { createHost, type Host, type HostOptions, parsed, withPeerId } from './host.ts'
import { createDeadline, listenError, networkError } from './network-error.ts'
import { openPeersFile } from './peers-file.ts'
import { createRequests, type RequestOptions, type Requests } from './requests.ts'

export interface NetworkOptions extends HostOptions {
  /** The network's name: those who share it find each other in the DHT. */
  readonly network: string
  /** Where good peers are kept for the next start. */
  readonly peersFile?: string
}

export interface NetworkDeps {
  readonly options: NetworkOptions
  /** The 32 bytes of the Ed25519 private key. */
  readonly seed: Uint8Array
  readonly topics: readonly string[]
  /** Protocols whose requests are answered. */
  readonly protocols: readonly string[]
  readonly onGossip: OnGossip
  readonly onRequest: OnRequest
  readonly onPeer: (change: PeerChange) => void
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  readonly patience?: Patience
}

/** Whether strangers can dial this node, as far as it was told. */
export interface Reachability {
  readonly status: 'public' | 'private' | 'unknown'
  /** Public addresses that others have confirmed. */
  readonly addresses: readonly string[]
  readonly dialBack?: DialBackResult & { readonly at: number }
}

export interface Network extends Part {
  readonly peerId: PeerId
  start(): Promise<void>
  stop(): Promise<void>
  /** Full multiaddrs, with `/p2p/<peer id>`. */
  addresses(): string[]
  /**
   * How many peers it was handed to: 0 when nobody listens, and when these bytes were published in the last two minutes.
   * @throws NET_TOO_LARGE, NET_UNKNOWN_TOPIC
   */
  publish(topic: string, bytes: Uint8Array): Promise<number>
  /** Connects first where needed. Errors: see Requests.request. */
  request(peer: PeerId, protocol: string, bytes: Uint8Array, options: RequestOptions): Promise<Uint8Array>
  isConnected(peer: PeerId): boolean
  /**
   * To a peer id (its known addresses, then the DHT) or a multiaddr.
   * @throws NET_BAD_ADDRESS, NET_UNREACHABLE, NET_TIMEOUT, NET_ABORTED
   */
  connect(target: string, options: RequestOptions): Promise<void>
  peers(): PeerView[]
  /** Connected peers who listen to a topic. */
  subscribers(topic: string): number
  reachability(): Reachability
  /** Asks connected peers to dial us. */
  dialBack(timeoutMs: number): Promise<DialBackResult>
  /** Peers found since the start, by source. */
  discovered(): Readonly<Record<Source, number>>
  routingTableSize(): number
}

/** Builds a node of the network; nothing listens or dials before `start`. */
export async function createNetwork(deps: NetworkDeps): Promise<Network> {
  const { options, seed, topics, protocols, onGossip, onRequest, clock, random, log, metrics } = deps
  const host = await createHost(options, seed, topics, log)
  const { libp2p } = host

  const gossip = createGossip({ service: host.gossip, topics, onGossip, log, metrics })
  const requests = createRequests({ connect: (peer, signal) => reach(host, peer, signal), metrics })
  const dialer = createDialer({ libp2p, maxConnections: options.maxConnections, clock, random, log, metrics })
  const peersFile = options.peersFile === undefined ? undefined : openPeersFile(options.peersFile, log)
  const discovery = createDiscovery({ host, network: options.network, dialer, peersFile, clock, log })
  const dialBack = createDialBack({ libp2p, clock, log })

  const agents = new Map<string, string>()
  let lastDialBack: Reachability['dialBack']
  watchPeers(host, agents, deps)
  await answerRequests({ libp2p, protocols, onRequest, patience: deps.patience ?? PATIENCE, log, metrics })
  await dialBack.start()
  measure(host, requests, metrics)

  return {
    name: 'network',
    peerId: libp2p.peerId.toString() as PeerId,
    async start() {
      // First, or what libp2p discovers while it starts is missed.
      await discovery.start()
      try {
        await libp2p.start()
      } catch (error) {
        await discovery.stop()
        throw listenError(error, options.listen)
      }
      gossip.start()
    },
    async stop() {
      await discovery.stop()
      requests.stop()
      await libp2p.stop()
    },
    addresses: () => libp2p.getMultiaddrs().map(String),
    publish: (topic, bytes) => gossip.publish(topic, bytes),
    subscribers: topic => gossip.subscribers(topic),
    request: (peer, protocol, bytes, request) => requests.request(peer, protocol, bytes, request),
    isConnected: peer => libp2p.getConnections(peerIdFromString(peer)).length > 0,
    connect: (target, request) => connectTo(host, target, request),
    peers: () => libp2p.getPeers().map(peer => viewOf(libp2p.getConnections(peer), agents.get(peer.toString()))),
    reachability: () => reachabilityOf(host, lastDialBack),
    async dialBack(timeoutMs) {
      const result = await dialBack.ask(timeoutMs)
      // A refusal to try says nothing about us: what was known stays.
      if (result.asked > 0 || lastDialBack === undefined) lastDialBack = { ...result, at: clock.now() }
      return result
    },
    discovered: () => dialer.counts(),
    routingTableSize: () => host.dht?.routingTable.size ?? 0,
  }
}

async function connectTo(host: Host, target: string, { timeoutMs, signal }: RequestOptions): Promise<void> {
  using deadline = createDeadline(timeoutMs, signal)
  try {
    await reach(host, target, deadline.signal)
  } catch (error) {
    throw deadline.explain(error, 'NET_UNREACHABLE', { target })
  }
}

/** The open connection to a peer or address, or a new one. */
async function reach(host: Host, target: string, signal: AbortSignal): Promise<Connection> {
  if (target.startsWith('/')) return host.libp2p.dial(parsed(withPeerId(target)), { signal })
  const peer = peerIdOf(target)
  const open = host.libp2p.getConnections(peer).find(connection => connection.status === 'open')
  if (open !== undefined) return open
  try {
    if (await hasAddresses(host, peer)) return await host.libp2p.dial(peer, { signal })
  } catch (error) {
    // Its addresses may be old: unless time is up, the DHT may know better.
    if (signal.aborted || host.dht === undefined) throw unreachable(target, error)
  }
  // With nobody in the table the query would only wait.
  if (host.dht === undefined || host.dht.routingTable.size === 0) throw unreachable(target)
  try {
    const { multiaddrs } = await host.libp2p.peerRouting.findPeer(peer, { signal })
    await host.libp2p.peerStore.merge(peer, { multiaddrs })
    return await host.libp2p.dial(peer, { signal })
  } catch (error) {
    throw signal.aborted ? error : unreachable(target, error)
  }
}

async function hasAddresses(host: Host, peer: Libp2pPeerId): Promise<boolean> {
  if (!(await host.libp2p.peerStore.has(peer))) return false
  return (await host.libp2p.peerStore.get(peer)).addresses.length > 0
}

function peerIdOf(text: string): Libp2pPeerId {
  try {
    return peerIdFromString(text)
  } catch (error) {
    throw networkError('NET_BAD_ADDRESS', `not a peer id: ${text}`, {
      hint: 'a peer id starts with 12D3KooW; an address starts with a slash',
      cause: error,
    })
  }
}

function unreachable(peer: string, cause?: unknown): Error {
  return networkError('NET_UNREACHABLE', `cannot reach ${peer}`, { details: { peer }, cause })
}

function watchPeers(host: Host, agents: Map<string, string>, { onPeer, log }: NetworkDeps): void {
  host.libp2p.addEventListener('peer:connect', ({ detail }) => {
    const peer = detail.toString() as PeerId
    log.debug({ peer }, 'peer connected')
    onPeer({ peer, connected: true })
  })
  host.libp2p.addEventListener('peer:disconnect', ({ detail }) => {
    const peer = detail.toString() as PeerId
    agents.delete(peer)
    log.debug({ peer }, 'peer disconnected')
    onPeer({ peer, connected: false })
  })
  host.libp2p.addEventListener('peer:identify', ({ detail }: CustomEvent<IdentifyResult>) => {
    if (detail.agentVersion !== undefined) agents.set(detail.peerId.toString(), detail.agentVersion.slice(0, 64))
  })
}

function measure({ libp2p, dht }: Host, requests: Requests, metrics: Metrics): void {
  metrics.gauge('peers_connected', 'Peers connected now.', () => libp2p.getPeers().length)
  metrics.gauge('request_lanes', 'Open request streams to peers.', () => requests.lanes())
  metrics.gauge('dht_peers', 'Peers in the DHT routing table.', () => dht?.routingTable.size ?? 0)
}

function viewOf(connections: Connection[], agent: string | undefined): PeerView {
  const oldest = connections.reduce((a, b) => (a.timeline.open <= b.timeline.open ? a : b))
  return {
    peer: oldest.remotePeer.toString() as PeerId,
    addresses: connections.map(connection => connection.remoteAddr.toString()),
    direction: oldest.direction,
    sinceMs: oldest.timeline.open,
    relayed: connections.every(connection => !connection.direct),
    ...(oldest.rtt === undefined ? {} : { latencyMs: oldest.rtt }),
    ...(agent === undefined ? {} : { agent }),
  }
}

function reachabilityOf(host: Host, dialBack: Reachability['dialBack']): Reachability {
  const own = host.own.getAddressesWithMetadata().filter(address => !isPrivate(address.multiaddr))
  // Announced addresses count as confirmed in libp2p, but only by whoever wrote the configuration.
  const addresses = own
    .filter(address => address.verified && address.type !== 'announce')
    .map(a => a.multiaddr.toString())
  const told = dialBack === undefined ? 'unknown' : dialBack.reachable ? 'public' : 'private'
  return { status: addresses.length > 0 ? 'public' : told, addresses, ...(dialBack === undefined ? {} : { dialBack }) }
}
