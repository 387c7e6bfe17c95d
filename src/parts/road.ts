import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Options } from '../config/options.ts'
import { createCommit } from '../inbox/commit.ts'
import { createInbox } from '../inbox/inbox.ts'
import type { Clock } from '../kernel/clock.ts'
import type { NewId, PeerId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { Answer, Commit, Draft } from '../kernel/outcome.ts'
import type { Random } from '../kernel/random.ts'
import { createNetwork, type Network, type PeerChange } from '../network/network.ts'
import { createCourier } from '../outbox/courier.ts'
import { createOutbox, type Outbox } from '../outbox/outbox.ts'
import { stamp } from '../outbox/wire.ts'
import { answerDraft } from '../protocol/answer.ts'
import type { Identity } from '../protocol/keys.ts'
import type { MessageType } from '../protocol/message-type.ts'
import { createOpener, isSealed } from '../protocol/sealed.ts'
import { A2A_PROTOCOL, STREAM_PROTOCOLS, topicsOf } from '../protocol/topics.ts'
import type { Fact } from '../storage/facts.ts'
import type { Storage } from '../storage/storage.ts'
import { createReception, type Reachable } from './reception.ts'

export interface RoadDeps {
  readonly options: Options
  readonly home: string
  readonly seed: Uint8Array
  readonly identity: Identity
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly newId: NewId
  readonly metrics: Metrics
  readonly log: Log
  /** Whether a message reaches this peer; a scenario loses some on purpose. */
  readonly reachable: Reachable
  readonly onPeer: (change: PeerChange) => void
  /** Observes commits. */
  readonly committed: (facts: readonly Fact[]) => void
  /** Answers what is not in our envelopes: tasks of other agents. */
  readonly agent: (bytes: Uint8Array, from: PeerId) => Promise<Uint8Array>
}

export interface Road {
  readonly network: Network
  readonly commit: Commit<Fact>
  readonly outbox: Outbox<Fact>
  readonly inbox: { idle(): Promise<void> }
  /** The rows of the router; each domain adds its own. */
  readonly types: Map<string, MessageType<Fact>>
  /** Asks one peer, straight and once; neither question nor answer is kept. */
  ask(peer: PeerId, draft: Draft, signal: AbortSignal): Promise<Answer>
}

/** bytes ── network ──▶ inbox ──▶ commit ──▶ outbox ──▶ network: everything a message passes, connected. */
export async function createRoad(deps: RoadDeps): Promise<Road> {
  const { options, identity, storage, clock, random, newId, metrics, log } = deps
  const networkName = options.network.name
  const zone = options.network.zone
  const open = await createOpener(identity)
  const types = new Map<string, MessageType<Fact>>()
  const topics = topicsOf(networkName, zone)
  const network = await createNetwork({
    options: {
      ...options.network,
      network: networkName,
      ...closedNetwork(options.network.presharedKeyFile),
      peersFile: join(deps.home, 'peers.json'),
    },
    seed: deps.seed,
    topics: [...topics.keys()],
    protocols: [...Object.values(STREAM_PROTOCOLS), A2A_PROTOCOL],
    onGossip: (topic, bytes, from) => reception.gossip(topic, bytes, from),
    onRequest: (protocol, bytes, from) =>
      protocol === A2A_PROTOCOL ? deps.agent(bytes, from) : reception.request(bytes, from),
    onPeer: deps.onPeer,
    clock,
    random,
    log: log.child({ part: 'network' }),
    metrics,
  })
  const commit = createCommit<Fact>({
    storage,
    keep: drafts => outbox.keep(drafts),
    wake: () => outbox.wake(),
    committed: deps.committed,
    log,
  })
  const inZone = (peer: PeerId): boolean => (storage.peers.peer(peer)?.zone ?? zone) === zone
  const courier = createCourier({
    identity,
    networkName,
    zone,
    open,
    clock,
    network,
    inZone,
    metrics,
    isConnected: network.isConnected,
  })
  const outbox = createOutbox<Fact>({
    identity,
    network: networkName,
    journal: storage.messages,
    courier,
    commit,
    types,
    clock,
    random,
    newId,
    log: log.child({ part: 'outbox' }),
    metrics,
  })
  const inbox = createInbox<Fact>({
    receiver: { peerId: identity.peerId, network: networkName },
    types,
    clock,
    open,
    journal: storage.messages,
    commit,
    metrics,
    reply: (asked, answer) => outbox.post(answerDraft(asked, answer, isSealed(asked.payload))),
    log: log.child({ part: 'inbox' }),
  })
  const reception = createReception({ inbox, identity, networkName, topics, clock, newId, reachable: deps.reachable })
  return {
    network,
    commit,
    outbox,
    inbox,
    types,
    ask: (peer, draft, signal) =>
      courier.ask(
        peer,
        { envelope: stamp({ ...draft, to: peer }, { peerId: identity.peerId, network: networkName }, clock, newId) },
        { sealed: draft.sealed === true, signal },
      ),
  }
}

/** The preshared key of a closed network. */
function closedNetwork(file: string | undefined): { presharedKey?: Uint8Array } {
  return file === undefined ? {} : { presharedKey: readFileSync(file) }
}
