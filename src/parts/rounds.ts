import type { Options } from '../config/options.ts'
import { ADVERT_TTL_MS, type KnownPeer, type Peers } from '../domains/peers/peers.ts'
import type { Worker } from '../domains/tasks/placement.ts'
import type { Runner } from '../domains/tasks/runner.ts'
import type { Tasks } from '../domains/tasks/tasks.ts'
import type { Trading } from '../domains/trading/trading.ts'
import { type Clock, repeat } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import type { Commit } from '../kernel/outcome.ts'
import type { Network, PeerChange } from '../network/network.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { CLOCK_SKEW_MS } from '../protocol/limits.ts'
import type { Fact } from '../storage/facts.ts'
import type { Storage } from '../storage/storage.ts'

export interface RoundsDeps {
  readonly self: PeerId
  readonly options: Options
  readonly storage: Storage
  readonly network: Network
  readonly outbox: Outbox<Fact>
  readonly peers: Peers
  readonly trading: Trading
  readonly tasks: Tasks
  readonly runner: Runner
  readonly commit: Commit<Fact>
  readonly clock: Clock
  /** Whether this peer works for others; it works for itself when it is alone. */
  readonly works: boolean
  readonly slots: number
  readonly log: Log
}

export interface Rounds extends Part {
  peerChanged(change: PeerChange): void
  /** Says anew who this peer is and what it offers. */
  advertise(): void
  /** Observes commits: what became true may be due at once. */
  committed(facts: readonly Fact[]): void
  /** Connected peers that advertise this kind. */
  peersWith(kind: string): PeerId[]
  /** Gives the work of others back, so that it is leased elsewhere. */
  giveBack(reason: string): void
  /** Connected peers that work on this kind, and this peer where it may. */
  workersFor(kind: string): Worker[]
}

const TICK_MS = 200
/** However many tasks a peer says it takes at a time. */
const MAX_SLOTS = 32
const HOUR_MS = 60 * 60_000
const PRUNE_AT_A_TIME = 2_000
const MAINTENANCE_MS = 10 * 60_000
/** When whoever gets work back may ask this peer again. */
const GIVE_BACK_MS = 60_000
const SOC_DAYS = 7
const DAY_MS = 24 * 60 * 60_000
/** Adverts promise nothing, and the first is often said before anybody listens: again so soon after the start. */
const EARLY_ADVERTS_MS = [2_000, 10_000, 60_000]
/** How soon a new neighbour is told again who we are. */
const AGAIN_MS = 3_000
const TASK_FACTS: ReadonlySet<Fact['kind']> = new Set(['job', 'task', 'tasks.moved', 'work', 'work.gone'])

/** The daemon's regular rounds: say who it is, look what is due, keep the journal bounded. */
export function createRounds(deps: RoundsDeps): Rounds {
  const { storage, network, outbox, peers, trading, tasks, runner, commit, clock, log } = deps
  let stopping: AbortController | undefined
  let ticking = false
  let woken = false
  /** Connected peers that were asked for catalogs; forgotten when they leave. */
  const pulled = new Set<PeerId>()

  async function tick(): Promise<void> {
    if (ticking || stopping?.signal.aborted !== false) return
    ticking = true
    try {
      const due = trading.nextDeadline()
      if (due !== undefined && due <= clock.now()) await commit(() => trading.tick())
      if (storage.tasks.hasOpenJobs()) await commit(() => tasks.tick())
      runner.wake()
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'a round failed; the next one tries again')
    } finally {
      ticking = false
    }
  }

  /** Soon, and once for all that is committed meanwhile. */
  function wake(): void {
    if (woken) return
    woken = true
    setImmediate(() => {
      woken = false
      void tick()
    })
  }

  function advertise(): void {
    if (stopping?.signal.aborted !== false) return
    outbox.post(peers.advertDraft())
  }

  /**
   * Somebody of our zone who trades and is connected has said who it is: it may know catalogs that were missed. A pull goes
   * straight; for a peer heard of from afar it would wait before the orders that a topic can carry.
   */
  function met({ peer, zone, roles }: KnownPeer): void {
    const trades = roles.includes('household') || roles.includes('utility')
    const near = zone === deps.options.network.zone && network.isConnected(peer)
    if (!trades || !near || pulled.has(peer)) return
    pulled.add(peer)
    commit(() => trading.joined(peer)).catch((error: unknown) =>
      log.warn({ peer, reason: messageOf(error) }, 'what was missed was not asked for'),
    )
  }

  /** Nobody answers an advert, so who has just connected is told twice: one of the two arrives. */
  function introduce(peer: PeerId, signal: AbortSignal): void {
    outbox.post(peers.advertDraft(peer))
    void clock.sleep(AGAIN_MS, signal).then(() => {
      if (!signal.aborted && network.isConnected(peer)) outbox.post(peers.advertDraft(peer))
    })
  }

  async function maintain(): Promise<void> {
    const now = clock.now()
    const { journalDays, journalMessages } = deps.options.storage
    await storage.write(() => {
      storage.forget({ ended: now - journalDays * DAY_MS, fruitless: now - DAY_MS })
      storage.peers.forget(now - HOUR_MS)
      storage.trading.forgetCatalogs(now - DAY_MS)
      storage.soc.forget(now - SOC_DAYS * DAY_MS)
    })
    // In slices: nothing else runs while rows are deleted.
    let pruned = 0
    for (let slice = PRUNE_AT_A_TIME; slice === PRUNE_AT_A_TIME; pruned += slice) {
      const bounds = { beforeMs: now - journalDays * DAY_MS, keep: journalMessages, nowMs: now - CLOCK_SKEW_MS }
      slice = await storage.write(() => storage.messages.prune(bounds, PRUNE_AT_A_TIME))
    }
    const { resultDays } = deps.options.compute
    while (await storage.write(() => storage.forgetJobs(now - resultDays * DAY_MS, PRUNE_AT_A_TIME)));
    if (pruned > 0) log.info({ messages: pruned }, 'forgot old messages')
  }

  return {
    name: 'rounds',
    async start() {
      stopping = new AbortController()
      const { signal } = stopping
      await maintain()
      advertise()
      for (const { peer } of network.peers()) introduce(peer, signal)
      void repeat(clock, TICK_MS, signal, tick)
      for (const waitMs of EARLY_ADVERTS_MS) void clock.sleep(waitMs, signal).then(advertise)
      void repeat(clock, ADVERT_TTL_MS / 2, signal, advertise)
      void repeat(clock, MAINTENANCE_MS, signal, () =>
        maintain().catch(error => log.warn({ reason: messageOf(error) }, 'the journal was not pruned')),
      )
    },
    stop: () => stopping?.abort(),
    advertise,

    peerChanged({ peer, connected }) {
      if (stopping?.signal.aborted !== false) return
      if (connected) {
        introduce(peer, stopping.signal)
        outbox.peerConnected(peer)
        return
      }
      pulled.delete(peer)
      commit(() => tasks.workerLost(peer)).then(tick, error =>
        log.warn({ peer, reason: messageOf(error) }, 'a lease was not taken back'),
      )
    },

    committed(facts) {
      for (const fact of facts) if (fact.kind === 'peer') met(fact.peer)
      if (facts.some(fact => TASK_FACTS.has(fact.kind))) wake()
    },

    peersWith: kind =>
      network.peers().flatMap(({ peer }) => (storage.peers.peer(peer)?.kinds.includes(kind) === true ? [peer] : [])),

    giveBack(reason) {
      if (storage.tasks.openWork().every(({ submitter }) => submitter === deps.self)) return
      commit(() => tasks.giveBack(reason, GIVE_BACK_MS)).catch((error: unknown) =>
        log.warn({ reason: messageOf(error) }, 'work of others was not given back'),
      )
    },

    workersFor(kind) {
      const others = network.peers().flatMap(({ peer, latencyMs }): Worker[] => {
        const known = storage.peers.peer(peer)
        return known?.kinds.includes(kind) === true && known.expiresMs > clock.now() ? [asWorker(known, latencyMs)] : []
      })
      // A peer that has nobody does its work itself.
      const own = deps.works || others.length === 0 ? [{ peer: deps.self, slots: deps.slots }] : []
      return [...others, ...own]
    },
  }
}

function asWorker({ peer, slots, models = [], availability }: KnownPeer, latencyMs: number | undefined): Worker {
  return {
    peer,
    slots: Math.min(slots, MAX_SLOTS),
    ...(availability === undefined ? {} : { availability }),
    ...(models.length === 0 ? {} : { models }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
  }
}
