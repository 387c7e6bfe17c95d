import type { GossipSub } from '@chainsafe/libp2p-gossipsub'
import { noise } from '@chainsafe/libp2p-noise'
import { type AutoNATComponents, autoNAT } from '@libp2p/autonat'
import { bootstrap } from '@libp2p/bootstrap'
import {
  type CircuitRelayTransportComponents,
  circuitRelayServer,
  circuitRelayTransport,
} from '@libp2p/circuit-relay-v2'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { dcutr } from '@libp2p/dcutr'
import { identify, identifyPush } from '@libp2p/identify'
import type { ConnectionGater, ConnectionProtector, Libp2p, PeerDiscovery, PeerId, Transport } from '@libp2p/interface'
import { kadDHT, passthroughMapper, type SingleKadDHT } from '@libp2p/kad-dht'
import { mdns } from '@libp2p/mdns'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { uPnPNAT } from '@libp2p/upnp-nat'
import { isLoopback } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import type { Log } from '../kernel/log.ts'
import { gossipService } from './gossip.ts'
import { libp2pLog } from './libp2p-log.ts'
import { networkError } from './network-error.ts'

export interface HostOptions {
  /** Multiaddrs, e.g. `/ip4/0.0.0.0/tcp/4747`. */
  readonly listen: readonly string[]
  /** Multiaddrs told to others besides those found out. */
  readonly announce: readonly string[]
  /** Multiaddrs ending in `/p2p/<peer id>`. */
  readonly bootstrap: readonly string[]
  readonly mdns: boolean
  readonly mdnsServiceTag: string
  readonly dht: 'client' | 'server' | 'off'
  /** A home router bears about 50. */
  readonly maxConnections: number
  readonly relayClient: boolean
  readonly relayServer: boolean
  readonly autonat: boolean
  readonly dcutr: boolean
  readonly upnp: boolean
  /** The content of a swarm.key file: only those who hold it can connect. */
  readonly presharedKey?: Uint8Array
  /** Peer ids never to talk to. */
  readonly denyPeers: readonly string[]
}

/** What libp2p knows of this node's own addresses. */
export interface OwnAddresses {
  getAddressesWithMetadata(): readonly { multiaddr: Multiaddr; verified: boolean; type: string }[]
}

/** libp2p and the parts of it this folder uses. */
export interface Host {
  readonly libp2p: Libp2p
  readonly gossip: GossipSub
  readonly dht: SingleKadDHT | undefined
  readonly mdns: PeerDiscovery | undefined
  readonly bootstrap: PeerDiscovery | undefined
  readonly own: OwnAddresses
}

export async function createHost(
  options: HostOptions,
  seed: Uint8Array,
  topics: readonly string[],
  log: Log,
): Promise<Host> {
  const libp2p = await createLibp2p({
    start: false,
    privateKey: await generateKeyPairFromSeed('Ed25519', seed),
    logger: libp2pLog(log),
    // The name and the generation of the protocol; what runs exactly is nobody's business.
    nodeInfo: { name: 'wattmesh', version: '1', userAgent: 'wattmesh/1' },
    addresses: addressesOf(options),
    transports: [tcp(), ...(options.relayClient ? [relayTransport] : [])],
    connectionEncrypters: [noise()],
    // The connection monitor pings already.
    streamMuxers: [yamux({ enableKeepAlive: false })],
    connectionGater: gaterOf(options.denyPeers),
    ...(await protectionOf(options.presharedKey)),
    ...connections(options),
    services: servicesOf(options, topics),
  })
  const { gossip, dht, mdns: local, bootstrap: first, own } = libp2p.services
  return { libp2p, gossip, dht: dht as SingleKadDHT | undefined, mdns: local, bootstrap: first, own }
}

function addressesOf(options: HostOptions): Libp2pOptions['addresses'] & object {
  const listen = options.listen.map(parsed)
  return {
    listen: [...listen.map(String), ...(options.relayClient ? ['/p2p-circuit'] : [])],
    // Appended, not instead: neighbours on the same wire still need the local address.
    appendAnnounce: options.announce.map(address => parsed(address).toString()),
    // Another machine that dials our loopback address reaches itself.
    announceFilter: addresses => {
      const reachable = addresses.filter(address => !isLoopback(address))
      return reachable.length > 0 ? reachable : addresses
    },
  }
}

function connections(options: HostOptions): Pick<Libp2pOptions, 'connectionManager' | 'connectionMonitor'> {
  return {
    connectionManager: {
      maxConnections: options.maxConnections,
      maxParallelDials: 16,
      dialTimeout: 10_000,
      // An unreachable address must not eat the time of the ones after it.
      addressDialTimeout: 4_000,
      // The default of 5 a second and host is too few for a household, or a test, behind one address.
      inboundConnectionThreshold: 64,
      maxIncomingPendingConnections: 32,
    },
    // The defaults (10 s, adaptive from 2 s) abort healthy connections while a CPU is busy.
    connectionMonitor: { pingInterval: 30_000, pingTimeout: { minTimeout: 20_000 } },
  }
}

function servicesOf(options: HostOptions, topics: readonly string[]) {
  return {
    identify: identify(),
    identifyPush: identifyPush(),
    ping: ping(),
    gossip: gossipService(topics),
    own: (components: { addressManager: OwnAddresses }) => components.addressManager,
    ...(options.dht === 'off'
      ? {}
      : {
          dht: kadDHT({
            protocol: '/wattmesh/kad/1.0.0',
            clientMode: options.dht === 'client',
            // The default drops private addresses, and with them every peer of a home network.
            peerInfoMapper: passthroughMapper,
          }),
        }),
    ...(options.mdns ? { mdns: mdns({ interval: 10_000, serviceTag: options.mdnsServiceTag }) } : {}),
    ...(options.bootstrap.length > 0
      ? { bootstrap: bootstrap({ list: options.bootstrap.map(withPeerId), timeout: 0 }) }
      : {}),
    ...(options.relayServer ? { relayServer: circuitRelayServer(RELAY_QUOTAS) } : {}),
    ...(options.autonat ? { autonat: quietAutoNat } : {}),
    ...(options.dcutr && options.relayClient ? { dcutr: dcutr() } : {}),
    ...(options.upnp ? { upnp: uPnPNAT() } : {}),
  }
}

/**
 * Without a relay libp2p walks the DHT without a pause (a fifth of a core) and dials whoever it meets, past the bounds
 * of our own dialler. Relays are found without that: among the peers we connect to, the bootstrap peers first.
 */
function relayTransport(components: CircuitRelayTransportComponents): Transport {
  return circuitRelayTransport()(quiet(components))
}

/** Confirmations come from the peers we connect to; AutoNAT need not go and look for strangers. */
function quietAutoNat(components: AutoNATComponents): unknown {
  return autoNAT()(quiet(components))
}

function quiet<Components extends Pick<AutoNATComponents, 'events' | 'randomWalk'>>(
  components: Components,
): Components {
  const events = new Proxy(components.events, {
    get(target, key) {
      if (key === 'addEventListener') return listenButToDiscovery
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const listenButToDiscovery: typeof components.events.addEventListener = (type, listener, options) => {
    if (type !== 'peer:discovery') components.events.addEventListener(type, listener, options)
  }
  const randomWalk: RandomWalk = { async *walk() {} }
  return Object.create(components, { events: { value: events }, randomWalk: { value: randomWalk } }) as Components
}

type RandomWalk = AutoNATComponents['randomWalk']

/** A relayed connection is for finding each other and for trade messages, not for documents. */
const RELAY_QUOTAS = {
  reservations: { maxReservations: 64, defaultDurationLimit: 10 * 60_000, defaultDataLimit: 4n * 1024n * 1024n },
}

/** Refuses a denied peer before any of its protocols run, whoever dials. */
function gaterOf(denyPeers: readonly string[]): ConnectionGater {
  const denied = new Set(denyPeers)
  const deny = (peer: PeerId) => denied.has(peer.toString())
  return {
    denyDialPeer: deny,
    denyInboundEncryptedConnection: deny,
    denyOutboundEncryptedConnection: deny,
    denyInboundRelayReservation: deny,
    denyInboundRelayedConnection: (_relay, peer) => deny(peer),
    denyOutboundRelayedConnection: (source, destination) => deny(source) || deny(destination),
  }
}

async function protectionOf(
  presharedKey: Uint8Array | undefined,
): Promise<{ connectionProtector?: () => ConnectionProtector }> {
  if (presharedKey === undefined) return {}
  // Loaded on demand: few networks are closed.
  const { preSharedKey } = await import('@libp2p/pnet')
  try {
    // Built here once, or a bad key would come up as a bare error in the middle of libp2p.
    const protector = preSharedKey({ psk: presharedKey })()
    return { connectionProtector: () => protector }
  } catch (error) {
    throw networkError('NET_BAD_KEY', 'the pre-shared key is not a swarm.key file', {
      hint: 'three lines: /key/swarm/psk/1.0.0/, then /base16/, then 64 hexadecimal digits',
      cause: error,
    })
  }
}

/** @throws NET_BAD_ADDRESS */
export function parsed(address: string): Multiaddr {
  try {
    return multiaddr(address)
  } catch (error) {
    throw networkError('NET_BAD_ADDRESS', `not a multiaddr: ${address}`, {
      hint: 'write it like /ip4/192.0.2.7/tcp/4747 or /dns4/example.org/tcp/4747',
      cause: error,
    })
  }
}

/** @throws NET_BAD_ADDRESS */
export function withPeerId(address: string): string {
  const last = parsed(address).getComponents().at(-1)
  if (last?.name === 'p2p') return address
  throw networkError('NET_BAD_ADDRESS', `the address does not say which peer it is: ${address}`, {
    hint: 'append /p2p/ and the peer id the other node prints when it starts',
  })
}
