import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Options } from '../config/options.ts'
import type { Inbox } from '../inbox/inbox.ts'
import type { Clock } from '../kernel/clock.ts'
import type { PeerChange } from '../kernel/connection.ts'
import { CodedError } from '../kernel/errors.ts'
import type { NewId, PeerId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { Random } from '../kernel/random.ts'
import type { Network, NetworkDeps } from '../network/network.ts'
import type { Identity } from '../protocol/keys.ts'
import { streamProtocol } from '../protocol/topics.ts'
import { createReception, type Reachable } from './reception.ts'
import { type Routes, topicNames } from './routes.ts'

/** How a road reaches others. The daemon's own is libp2p; a test may hand messages over in memory. */
export type Transport = (deps: NetworkDeps) => Promise<Network>

export interface LinkDeps {
  readonly options: Options['network']
  readonly home: string
  readonly seed: Uint8Array
  readonly identity: Identity
  readonly clock: Clock
  readonly random: Random
  readonly newId: NewId
  readonly metrics: Metrics
  readonly log: Log
  readonly transport?: Transport
  /** Whether a message reaches this peer; a scenario loses some on purpose. */
  readonly reachable: Reachable
  readonly onPeer: (change: PeerChange) => void
}

/** The network, which exists from the start on, when all topics and streams are known. */
export function createLink() {
  let network: Network | undefined
  const started = (): Network => {
    if (network === undefined) throw new CodedError('NODE_NOT_STARTED', 'the network is not there before the start')
    return network
  }
  return {
    network: started,
    publish: (topic: string, bytes: Uint8Array) => started().publish(topic, bytes),
    request: (...asked: Parameters<Network['request']>) => started().request(...asked),
    peers: () => network?.peers() ?? [],
    isConnected: (peer: PeerId) => network?.isConnected(peer) === true,
    async start(opened: Network) {
      network = opened
      await opened.start()
    },
    stop: () => network?.stop(),
  }
}

export type Link = ReturnType<typeof createLink>

/** To be opened when all topics and streams are known. */
export async function openNetwork(deps: LinkDeps, { types, topics, streams }: Routes, inbox: Inbox): Promise<Network> {
  const { options, identity, clock, random, newId, metrics, log } = deps
  const names = topicNames(topics, options)
  const reception = createReception({
    inbox,
    identity,
    networkName: options.name,
    topics: names,
    clock,
    newId,
    reachable: deps.reachable,
  })
  const protocols = new Set([...types.values()].map(({ stream }) => streamProtocol(stream)))
  const others = new Map([...streams].map(([name, handle]) => [streamProtocol(name), handle]))
  const createNetwork = deps.transport ?? (await libp2p())
  return createNetwork({
    options: {
      ...options,
      network: options.name,
      ...closedNetwork(options.presharedKeyFile),
      peersFile: join(deps.home, 'peers.json'),
    },
    seed: deps.seed,
    topics: [...names.keys()],
    protocols: [...protocols, ...others.keys()],
    onGossip: (topic, bytes, from) => reception.gossip(topic, bytes, from),
    onRequest: (protocol, bytes, from) => others.get(protocol)?.(bytes, from) ?? reception.request(bytes, from),
    onPeer: deps.onPeer,
    clock,
    random,
    log: log.child({ part: 'network' }),
    metrics,
  })
}

/** Loaded only where it is wanted: it is half of what a start takes. */
async function libp2p(): Promise<Transport> {
  const { createNetwork } = await import('../network/network.ts')
  return createNetwork
}

/** The preshared key of a closed network. */
function closedNetwork(file: string | undefined): { presharedKey?: Uint8Array } {
  return file === undefined ? {} : { presharedKey: readFileSync(file) }
}
