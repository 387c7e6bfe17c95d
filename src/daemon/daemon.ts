import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { getHeapStatistics } from 'node:v8'
import type { Config } from '../config/config.ts'
import { type Clock, systemClock } from '../kernel/clock.ts'
import type { PeerChange } from '../kernel/connection.ts'
import { messageOf } from '../kernel/errors.ts'
import type { NewId, PeerId } from '../kernel/ids.ts'
import { type Lifecycle, lifecycle, type Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import { createMarketClock, type MarketClock } from '../kernel/market-clock.ts'
import { createMetrics, type Metrics } from '../kernel/metrics.ts'
import type { Answer, Draft, JsonObject } from '../kernel/outcome.ts'
import type { Random } from '../kernel/random.ts'
import type { Network } from '../network/network.ts'
import { type Identity, identityFromSeed } from '../protocol/keys.ts'
import { openStorage, type Storage } from '../storage/storage.ts'
import { type Add, type Brought, createAdd } from './admission.ts'
import type { AnyFact } from './commit.ts'
import { type ContextDeps, untilFound } from './context.ts'
import { createEvents, type Events } from './events.ts'
import type { KindModule, KindTable } from './kind.ts'
import type { Transport } from './link.ts'
import { createMaintenance } from './maintenance.ts'
import type { Reachable } from './reception.ts'
import { createRegistry, type Registry } from './registry.ts'
import { createRoad, type Road } from './road.ts'
import type { Served } from './served.ts'
import { createTicker, type Ticker } from './ticker.ts'

export const DATABASE_FILE = 'wattmesh.db'

/** What a test may put in the place of the world. */
export interface World {
  readonly clock?: Clock
  readonly random?: Random
  readonly newId?: NewId
  readonly transport?: Transport
  readonly reachable?: Reachable
}

export interface Daemon extends Lifecycle {
  readonly identity: Identity
  readonly self: PeerId
  readonly clock: Clock
  readonly market: MarketClock
  readonly random: Random
  readonly newId: NewId
  readonly metrics: Metrics
  readonly events: Events
  readonly log: Log
  readonly storage: Storage
  readonly road: Road
  readonly ticker: Ticker
  /** Everything that may be asked of it. */
  served(): readonly Served[]
  /** Opens a domain and lets it take part. @returns what it gives to others */
  readonly add: Add
  /** Commands that belong to no domain. */
  serve(served: Served): void
  /** Every kind of work that a domain brings: filled as domains are added. */
  readonly kinds: KindTable
  readonly kindModules: readonly KindModule[]
  /** Something that owns time or sockets and belongs to no domain. */
  addPart(part: Part): void
  /** What `look` finds, as soon as it finds something. @throws the signal's reason */
  until<T>(look: () => T | undefined, signal: AbortSignal): Promise<T>
  /** What all domains say of this peer. */
  advert(): JsonObject
  /** Connected peers; none before the start. */
  peers(): ReturnType<Network['peers']>
  isConnected(peer: PeerId): boolean
  /** @throws NET_BAD_ADDRESS, NET_UNREACHABLE, NET_TIMEOUT */
  connect(address: string): Promise<void>
  /** Sends frames of a protocol that is not ours. */
  request: Road['request']
  /** The most that a kind of work takes of a thread's memory. */
  workMemoryMb(): number
  /** Something outside of the database has changed that a round may be waiting for. */
  wake(): void
  /** Whom messages are kept for that they do not have yet. */
  undelivered(): readonly (PeerId | undefined)[]
  /** Sends once, keeps nothing and retries nothing: for what the next message replaces. */
  post(draft: Draft): void
  /** Asks one peer, straight and once; neither question nor answer is kept. */
  ask(peer: PeerId, draft: Draft, signal: AbortSignal): Promise<Answer>
}

const CONNECT_MS = 10_000

/** What is there before any domain: the database, the road, time, events. */
interface Works extends ContextDeps {
  readonly storage: Storage
  readonly registry: Registry
  readonly events: Events
  readonly road: Road
  readonly ticker: Ticker
  readonly stopping: AbortController
}

/** What carries the domains: the database, the road, time, events. It knows none of them by name. */
export async function openDaemon(config: Config, seed: Uint8Array, log: Log, world: World = {}): Promise<Daemon> {
  const works = await openWorks(config, seed, log, world)
  const { identity, clock, market, random, newId, metrics, storage, registry, events, road, ticker, until, wake } =
    works
  const brought: Brought = { served: [], parts: [], kinds: {}, kindModules: [] }
  const { served, parts, kinds, kindModules } = brought
  const { options } = config
  let life: Lifecycle | undefined
  const running = (): Lifecycle => {
    life ??= lifecycle(partsOf(works, parts, options), log)
    return life
  }
  return {
    identity,
    self: identity.peerId,
    clock,
    market,
    random,
    newId,
    metrics,
    events,
    log,
    storage,
    road,
    ticker,
    served: () => served,
    serve: one => void served.push(one),
    add: createAdd({ options, storage, registry, road, ticker, forAll: works }, brought),
    kinds,
    kindModules,
    addPart: part => void parts.push(part),
    until,
    advert: registry.advert,
    peers: () => road.connections.peers(),
    isConnected: peer => road.connections.isConnected(peer),
    wake,
    undelivered: () => storage.messages.waitingRecipients(),
    connect: address => road.network().connect(address, { timeoutMs: CONNECT_MS }),
    request: road.request,
    workMemoryMb: () => Math.max(0, ...Object.values(kinds).map(({ limits }) => limits.maxMemoryMb)),
    post: draft => road.outbox.post(draft),
    ask: road.ask,
    start: () => running().start(),
    stop: () => running().stop(),
  }
}

async function openWorks(config: Config, seed: Uint8Array, log: Log, world: World): Promise<Works> {
  const { clock = systemClock, random = Math.random, newId = randomUUID } = world
  const identity = identityFromSeed(seed)
  const metrics = createMetrics()
  metrics.gauge('heap_used_bytes', 'Memory of JavaScript objects in use', () => getHeapStatistics().used_heap_size)
  const storage = openStorage(join(config.home, DATABASE_FILE), { clock, metrics })
  const registry = createRegistry()
  const events = createEvents({ epochMs: clock.now(), clock })
  const road = await createRoad({
    options: config.options.network,
    home: config.home,
    seed,
    identity,
    storage,
    clock,
    random,
    newId,
    metrics,
    log,
    ...(world.transport === undefined ? {} : { transport: world.transport }),
    reachable: world.reachable ?? (() => true),
    onPeer: change => peerChanged(change, works),
    apply: registry.apply,
    changed: () => ticker.changed(),
    kept: facts => tellAll(facts, registry, events),
  })
  const ticker = createTicker({ commit: road.commit, clock, log })
  storage.onEnd(how => {
    // What was undone may have to be decided again.
    if (how === 'undone') ticker.changed()
    ticker.look()
  })
  const stopping = new AbortController()
  const works: Works = {
    identity,
    clock,
    market: createMarketClock({ clock, ...config.options.market }),
    random,
    newId,
    log,
    metrics,
    commit: road.commit,
    until: (look, signal) => untilFound(storage, look, signal),
    wake() {
      ticker.changed()
      ticker.look()
    },
    signal: stopping.signal,
    storage,
    registry,
    events,
    road,
    ticker,
    stopping,
  }
  return works
}

function peerChanged(change: PeerChange, { signal, road, registry, log, wake }: Works): void {
  if (signal.aborted) return
  if (change.connected) road.outbox.peerConnected(change.peer)
  for (const domain of registry.all()) {
    const turn = domain.onPeer(change)
    if (turn === undefined) continue
    road
      .commit(turn)
      .catch(error =>
        log.warn({ ...change, domain: domain.name, reason: messageOf(error) }, 'what follows was not kept'),
      )
  }
  wake()
}

function tellAll(facts: readonly AnyFact[], registry: Registry, events: Events): void {
  for (const fact of facts) {
    const told = registry.told(fact)
    if (told !== undefined) events.tell(told)
  }
}

/** Started in this order, stopped in reverse: the database is closed last. */
function partsOf(works: Works, ofDomains: readonly Part[], options: Config['options']): Part[] {
  const { storage, registry, road, ticker, clock, log, stopping } = works
  return [
    storage,
    recovery(registry, road),
    ...road.parts,
    // After the road: while they stop, what they still have to say is delivered.
    ...ofDomains,
    ticker,
    createMaintenance({ options: options.storage, storage, registry, clock, log }),
    { name: 'signal', stop: () => stopping.abort() },
  ]
}

function recovery(registry: Registry, road: Road): Part {
  return {
    name: 'recovery',
    async start() {
      for (const { recover } of registry.all()) if (recover !== undefined) await road.commit(recover)
    },
  }
}
