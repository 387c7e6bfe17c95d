import { hash } from 'node:crypto'
import type { IdentifyResult, PeerDiscovery, PeerInfo } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { CID } from 'multiformats/cid'
import { create as multihash } from 'multiformats/hashes/digest'
import { type Clock, repeat } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Dialer, Source } from './dialer.ts'
import { type Host, parsed } from './host.ts'
import type { PeersFile, RememberedPeer } from './peers-file.ts'

export interface Discovery {
  start(): Promise<void>
  stop(): Promise<void>
}

const SAVE_EVERY_MS = 30_000
const LOOK_UP = {
  timeoutMs: 20_000,
  /** With an empty table a query waits for ever; the table is looked at this often instead. */
  emptyMs: 250,
  firstMs: 2_000,
  lastMs: 60_000,
  /** Far below the 24 hours a record lives: the peers who keep it come and go. */
  provideEveryMs: 10 * 60_000,
}

/** Finds peers: on the local network, through those we were told, from the last run, and through the DHT. */
export function createDiscovery(deps: {
  host: Host
  network: string
  dialer: Dialer
  peersFile: PeersFile | undefined
  clock: Clock
  log: Log
}): Discovery {
  const { host, dialer, peersFile, clock, log } = deps
  const { libp2p } = host
  let stopping = new AbortController()

  const offerFrom = (source: Source) => (event: CustomEvent<PeerInfo>) => dialer.offer(event.detail, source)
  const sources: [PeerDiscovery | undefined, (event: CustomEvent<PeerInfo>) => void][] = [
    // The module's own event: libp2p's `peer:discovery` fires once in a lifetime, and a pulled cable comes back.
    [host.mdns, offerFrom('mdns')],
    [host.bootstrap, offerFrom('bootstrap')],
  ]

  function onIdentify({ detail }: CustomEvent<IdentifyResult>): void {
    const peer = detail.peerId.toString() as PeerId
    // An address that just worked comes before those the peer believes in. Of an inbound connection it is no address.
    const worked = detail.connection.direction === 'outbound' ? [detail.connection.remoteAddr] : []
    const addresses = [...new Set([...worked, ...detail.listenAddrs].map(address => bare(address.toString())))]
    if (addresses.length > 0) peersFile?.note({ peer, addresses, seenAt: clock.now() })
  }

  function offerKnown(known: RememberedPeer): void {
    try {
      const multiaddrs = known.addresses.map(parsed)
      dialer.offer({ id: peerIdFromString(known.peer), multiaddrs }, 'cache')
    } catch (error) {
      log.debug({ peer: known.peer, reason: messageOf(error) }, 'a peer in the peers file is unreadable')
    }
  }

  return {
    async start() {
      stopping = new AbortController()
      for (const [source, listener] of sources) source?.addEventListener('peer', listener)
      libp2p.addEventListener('peer:identify', onIdentify)
      dialer.start()
      for (const known of (await peersFile?.read()) ?? []) offerKnown(known)
      if (peersFile !== undefined) void repeat(clock, SAVE_EVERY_MS, stopping.signal, () => peersFile.save())
      void meet(deps, stopping.signal)
    },
    async stop() {
      stopping.abort()
      dialer.stop()
      for (const [source, listener] of sources) source?.removeEventListener('peer', listener)
      libp2p.removeEventListener('peer:identify', onIdentify)
      await peersFile?.save()
    },
  }
}

/** The rendezvous: everybody provides the hash of the network's name, and asks who else does. */
async function meet(
  { host, network, dialer, clock, log }: { host: Host; network: string; dialer: Dialer; clock: Clock; log: Log },
  signal: AbortSignal,
): Promise<void> {
  const { dht, libp2p } = host
  if (dht === undefined) return
  const key = rendezvousKey(network)
  let providedAt = Number.NEGATIVE_INFINITY
  let waitMs = LOOK_UP.firstMs
  // A peer that left may leave us short of peers: ask more often again.
  const soon = () => {
    waitMs = LOOK_UP.firstMs
  }

  async function lookUp(): Promise<number> {
    const query = { signal: AbortSignal.any([signal, AbortSignal.timeout(LOOK_UP.timeoutMs)]) }
    if (clock.now() - providedAt > LOOK_UP.provideEveryMs) {
      await libp2p.contentRouting.provide(key, query)
      providedAt = clock.now()
    }
    let found = 0
    for await (const provider of libp2p.contentRouting.findProviders(key, query)) {
      if (provider.id.equals(libp2p.peerId) || libp2p.getConnections(provider.id).length > 0) continue
      dialer.offer(provider, 'dht')
      found++
    }
    return found
  }

  libp2p.addEventListener('peer:disconnect', soon)
  while (!signal.aborted) {
    if (dht.routingTable.size === 0) {
      await clock.sleep(LOOK_UP.emptyMs, signal)
      continue
    }
    try {
      const found = await lookUp()
      waitMs = found > 0 ? LOOK_UP.firstMs : Math.min(2 * waitMs, LOOK_UP.lastMs)
    } catch (error) {
      if (!signal.aborted) log.debug({ reason: messageOf(error) }, 'a DHT look-up failed')
    }
    await clock.sleep(waitMs, signal)
  }
  libp2p.removeEventListener('peer:disconnect', soon)
}

function rendezvousKey(network: string): CID {
  const RAW = 0x55
  const SHA2_256 = 0x12
  return CID.createV1(RAW, multihash(SHA2_256, hash('sha256', `wattmesh/rendezvous/1/${network}`, 'buffer')))
}

/** The peer is named beside its addresses already. */
function bare(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, '')
}
