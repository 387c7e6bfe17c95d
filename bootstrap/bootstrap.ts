import { join } from 'node:path'
import { openSeed } from '../src/config/identity.ts'
import { type Clock, repeat } from '../src/kernel/clock.ts'
import type { PeerId } from '../src/kernel/ids.ts'
import type { Log } from '../src/kernel/log.ts'
import type { Metrics } from '../src/kernel/metrics.ts'
import type { Random } from '../src/kernel/random.ts'
import { createNetwork, type Network } from '../src/network/network.ts'
import { topicFor } from '../src/protocol/topics.ts'

export interface BootstrapOptions {
  /** Where the identity and the peers file live. */
  readonly home: string
  readonly network: string
  /** Multiaddrs. */
  readonly listen: readonly string[]
  /** Public multiaddrs, for a machine that does not see its own. */
  readonly announce: readonly string[]
  /** The other bootstrap peers, multiaddrs ending in `/p2p/<peer id>`. */
  readonly peers: readonly string[]
  readonly maxConnections: number
  /** The content of a swarm.key file: only peers that hold it can connect. */
  readonly presharedKey?: Uint8Array
}

export interface Bootstrap {
  readonly peerId: PeerId
  addresses(): string[]
  peers(): number
  start(): Promise<void>
  stop(): Promise<void>
}

export interface BootstrapDeps {
  readonly options: BootstrapOptions
  readonly passphrase?: string
  /** Whether an advert is passed on. */
  readonly onGossip: (topic: string, bytes: Uint8Array, from: PeerId) => Promise<'accept' | 'ignore' | 'reject'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

const REPORT_EVERY_MS = 5 * 60_000

/**
 * The first peer of a network: others find each other through it, and reach each other when nobody can dial them. It
 * trades nothing, stores nothing but its identity and who was here, and is not needed once peers know each other.
 */
export async function openBootstrap(deps: BootstrapDeps): Promise<Bootstrap> {
  const { options, log, clock } = deps
  const { seed, created } = openSeed(options.home, deps.passphrase)
  const network = await createNetwork({
    options: { ...networkOptions(options), peersFile: join(options.home, 'peers.json') },
    seed,
    // Gossip travels over subscribers only: this peer follows adverts, so that those who know only it hear each other.
    topics: [topicFor('adverts', 'network', { network: options.network, zone: '' })],
    protocols: [],
    onGossip: deps.onGossip,
    onRequest: () => Promise.reject(new TypeError('a bootstrap peer answers no requests')),
    onPeer: () => {},
    clock,
    random: deps.random,
    log: log.child({ part: 'network' }),
    metrics: deps.metrics,
  })
  if (created) log.info({ home: options.home, peer: network.peerId }, 'made a new identity: back it up')

  let stopping = new AbortController()
  return {
    peerId: network.peerId,
    addresses: () => network.addresses(),
    peers: () => network.peers().length,
    async start() {
      stopping = new AbortController()
      await network.start()
      log.info(
        { ready: true, network: options.network, peer: network.peerId, addresses: network.addresses() },
        'bootstrap peer is ready',
      )
      void repeat(clock, REPORT_EVERY_MS, stopping.signal, () => report(network, log))
    },
    async stop() {
      stopping.abort()
      await network.stop()
      log.info({}, 'bootstrap peer has stopped')
    },
  }
}

function networkOptions(options: BootstrapOptions) {
  const { network, listen, announce, peers, maxConnections, presharedKey } = options
  return {
    network,
    listen,
    announce,
    bootstrap: peers,
    maxConnections,
    mdns: false,
    mdnsServiceTag: '_wattmesh._udp.local',
    dht: 'server',
    // It is meant to be dialled, so it relays and never needs a relay.
    relayClient: false,
    relayServer: true,
    autonat: true,
    dcutr: false,
    upnp: false,
    denyPeers: [],
    ...(presharedKey === undefined ? {} : { presharedKey }),
  } as const
}

function report(network: Network, log: Log): void {
  const relayed = network.peers().filter(peer => peer.relayed).length
  const fields = { peers: network.peers().length, relayed, routingTable: network.routingTableSize() }
  log.info({ ...fields, discovered: network.discovered() }, 'bootstrap peer is well')
}
