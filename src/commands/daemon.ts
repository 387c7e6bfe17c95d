import { existsSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { KEY_FILE } from '../config/identity.ts'
import type { KnownPeer } from '../domains/peers/peers.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { PeerView } from '../network/network.ts'
import type { MessageFilter, MessageRow } from '../storage/messages.ts'
import type { CommandDeps } from './deps.ts'

export interface PeerRow extends Partial<KnownPeer> {
  readonly peer: PeerId
  readonly connected: PeerView | undefined
}

/** How the daemon is, whom it knows, what was said. */
export function daemonCommands(deps: CommandDeps) {
  const { config, identity, storage, network, metrics, clock, marketClock } = deps

  return {
    id: () => ({ peerId: identity.peerId, did: identity.did }),

    async status() {
      return {
        peerId: identity.peerId,
        did: identity.did,
        name: config.options.name,
        roles: config.options.roles,
        network: config.options.network.name,
        zone: config.options.network.zone,
        version: deps.version,
        home: config.home,
        startedMs: deps.startedMs,
        nowMs: clock.now(),
        addresses: network.addresses(),
        marketNowMs: marketClock.now(),
        peers: {
          connected: network.peers().length,
          known: storage.peers.known().length,
          discovered: network.discovered(),
        },
        dhtPeers: network.routingTableSize(),
        reachability: network.reachability(),
        household: storage.energy.household(),
        trading: { ...storage.trading.counts(), catalogs: storage.trading.catalogCount() },
        work: {
          offered: config.options.roles.includes('compute'),
          open: storage.tasks.openWork().length,
          running: deps.runner.running(),
        },
        compute: deps.offered
          ? { allowed: deps.manners.verdict().allowed, sentence: deps.manners.verdict().sentence }
          : undefined,
        journal: storage.messages.counts(),
        memoryBytes: deps.memoryBytes(),
      }
    },

    peers(): PeerRow[] {
      const connected = new Map(network.peers().map(view => [view.peer, view]))
      const known = new Map(storage.peers.known().map(peer => [peer.peer, peer]))
      return [...new Set([...connected.keys(), ...known.keys()])].map(peer => ({
        ...known.get(peer),
        peer,
        connected: connected.get(peer),
      }))
    },

    connect: (address: string) => network.connect(address, { timeoutMs: 10_000 }),
    messages: (filter: MessageFilter): MessageRow[] => storage.messages.list(filter),
    metrics: () => metrics.text(),

    /** Counters a report needs, by name. */
    async counters() {
      const names = [
        'messages_signed_total',
        'messages_verified_total',
        'messages_rejected_total',
        'messages_dead_lettered_total',
      ]
      return Object.fromEntries(await Promise.all(names.map(async name => [name, await metrics.total(name)] as const)))
    },

    /** What `doctor` looks at; what it makes of it is the command's business. */
    async health() {
      const keyFile = join(config.home, KEY_FILE)
      const disk = statfsSync(config.home)
      return {
        // Gone while the daemon runs: it lives on in memory alone.
        keyMode: existsSync(keyFile) ? (statSync(keyFile).mode & 0o777).toString(8) : 'missing',
        freeBytes: disk.bavail * disk.bsize,
        nowMs: clock.now(),
        addresses: network.addresses(),
        listen: config.options.network.listen,
        mdns: config.options.network.mdns,
        bootstrap: config.options.network.bootstrap,
        connected: network.peers().length,
        discovered: network.discovered(),
        dhtPeers: network.routingTableSize(),
        dialBack: await network.dialBack(5_000),
        futureMessages: await metrics.total('messages_rejected_total', { code: 'ENV_FROM_FUTURE' }),
        staleMessages: await metrics.total('messages_rejected_total', { code: 'ENV_EXPIRED' }),
      }
    },
  }
}
