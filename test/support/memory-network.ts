import type { Transport } from '../../src/daemon/link.ts'
import type { PeerView } from '../../src/kernel/connection.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import type { Network, NetworkDeps } from '../../src/network/network.ts'
import { identityFromSeed } from '../../src/protocol/keys.ts'

/** What becomes of a message on its way. */
export type Fate = 'arrives' | 'is lost' | 'arrives twice' | 'its answer is lost'

/** How a network carries bytes, and to whom it is connected; by default nobody listens and nobody answers. */
export interface Way {
  readonly publish?: Network['publish']
  readonly request?: Network['request']
  readonly connected?: () => readonly PeerId[]
  readonly start?: () => void
  readonly stop?: () => void
}

/** A network that is a function of the test. */
export function networkOf({ seed, clock }: Pick<NetworkDeps, 'seed' | 'clock'>, way: Way): Network {
  const connected = way.connected ?? (() => [])
  return {
    name: 'network',
    peerId: identityFromSeed(seed).peerId,
    start: async () => way.start?.(),
    stop: async () => way.stop?.(),
    addresses: () => [],
    publish: way.publish ?? (async () => 0),
    request: way.request ?? (() => Promise.reject(new Error('nobody there'))),
    isConnected: peer => connected().includes(peer),
    connect: () => Promise.reject(new Error('nobody there')),
    peers: () => connected().map(peer => viewOf(peer, clock.now())),
    subscribers: () => connected().length,
    reachability: () => ({ status: 'unknown', addresses: [] }),
    dialBack: () => Promise.reject(new Error('nobody there')),
    discovered: () => ({ bootstrap: 0, mdns: 0, dht: 0, cache: 0 }),
    routingTableSize: () => 0,
  }
}

function viewOf(peer: PeerId, sinceMs: number): PeerView {
  return { peer, addresses: [], direction: 'outbound', sinceMs, relayed: false }
}

export interface MemoryNetworkOptions {
  /** What becomes of each message; by default it arrives. */
  readonly fate?: () => Fate
  /** Who is connected to whom, and told so; by default nobody is, and is dialled when asked. */
  readonly connects?: (one: PeerId, other: PeerId) => boolean
}

/** Daemons joined in memory, from their start to their stop, over a network as bad as `fate` says. */
export function createMemoryNetwork({
  fate = () => 'arrives',
  connects = () => false,
}: MemoryNetworkOptions = {}): Transport {
  const members = new Map<PeerId, NetworkDeps>()
  const lost = (): Error => new Error('lost on the way')
  const others = (self: PeerId): [PeerId, NetworkDeps][] => [...members].filter(([peer]) => peer !== self)
  const connectedTo = (self: PeerId): [PeerId, NetworkDeps][] => others(self).filter(([peer]) => connects(self, peer))

  function tell(self: PeerId, deps: NetworkDeps, connected: boolean): void {
    for (const [peer, other] of connectedTo(self)) {
      other.onPeer({ peer: self, connected })
      deps.onPeer({ peer, connected })
    }
  }

  return async deps => {
    const self = identityFromSeed(deps.seed).peerId
    return networkOf(deps, {
      start() {
        members.set(self, deps)
        tell(self, deps, true)
      },
      stop() {
        members.delete(self)
        tell(self, deps, false)
      },
      connected: () => connectedTo(self).map(([peer]) => peer),
      async publish(topic, bytes) {
        const listeners = others(self).filter(([, { topics }]) => topics.includes(topic))
        for (const [, { onGossip }] of listeners) if (fate() !== 'is lost') await onGossip(topic, bytes, self)
        return listeners.length
      },
      async request(peer, protocol, bytes) {
        const asked = members.get(peer)
        const what = fate()
        if (asked === undefined || what === 'is lost') throw lost()
        const first = asked.onRequest(protocol, bytes, self)
        if (what === 'arrives twice') await asked.onRequest(protocol, bytes, self)
        const answer = await first
        if (what === 'its answer is lost') throw lost()
        return answer
      },
    })
  }
}
