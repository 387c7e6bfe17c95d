import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { TradingDeps } from '../../src/domains/trading/market.ts'
import { createTrading } from '../../src/domains/trading/trading.ts'
import { createCommit } from '../../src/inbox/commit.ts'
import { createInbox } from '../../src/inbox/inbox.ts'
import { type Clock, repeat, systemClock } from '../../src/kernel/clock.ts'
import type { NewId, PeerId } from '../../src/kernel/ids.ts'
import { type Log, silentLog } from '../../src/kernel/log.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import { type CourierDeps, createCourier } from '../../src/outbox/courier.ts'
import { createOutbox } from '../../src/outbox/outbox.ts'
import { createReception } from '../../src/parts/reception.ts'
import { answerDraft } from '../../src/protocol/answer.ts'
import { identityFromSeed, verifySignature } from '../../src/protocol/keys.ts'
import type { MessageType } from '../../src/protocol/message-type.ts'
import { createOpener, isSealed } from '../../src/protocol/sealed.ts'
import { topicsOf } from '../../src/protocol/topics.ts'
import type { Fact } from '../../src/storage/facts.ts'
import { openStorage } from '../../src/storage/storage.ts'

export const NETWORK = 'test'
export const ZONE = 'zone-1'

export interface RoadOptions {
  readonly home: string
  readonly seed: Uint8Array
  readonly network: CourierDeps['network']
  readonly clock?: Clock
  readonly log?: Log
  readonly newId?: NewId
  readonly random?: () => number
  /** Rows of the router beside those of trading. */
  readonly types?: ReadonlyMap<string, MessageType<Fact>>
  /** Whether gossip is tried before a stream. */
  readonly inZone?: boolean
  /** Whether there is a connection to everybody; by default to nobody. */
  readonly connected?: boolean
  readonly reservationMs?: number
  readonly stepTimeoutMs?: number
  /** Market time; by default the wall clock. */
  readonly marketNow?: () => number
  readonly metered?: TradingDeps['metered']
}

export type Road = Awaited<ReturnType<typeof openRoad>>

/** The road as `node.ts` composes it, with trading at its end and any transport at its beginning. */
export async function openRoad(options: RoadOptions) {
  const { home, seed, network, clock = systemClock, log = silentLog } = options
  const { newId = randomUUID, random = Math.random, inZone = true } = options
  const identity = identityFromSeed(seed)
  const self = identity.peerId
  const metrics = createMetrics()
  const open = await createOpener(identity)
  const storage = openStorage(join(home, 'wattmesh.db'), { clock, metrics })
  const types = new Map<string, MessageType<Fact>>()
  const topics = topicsOf(NETWORK, ZONE)
  const commit = createCommit<Fact>({
    storage,
    keep: drafts => outbox.keep(drafts),
    wake: () => outbox.wake(),
    committed: () => undefined,
    log,
  })
  const courier = createCourier({
    isConnected: () => options.connected ?? false,
    identity,
    networkName: NETWORK,
    zone: ZONE,
    open,
    clock,
    network,
    inZone: () => inZone,
    metrics,
  })
  const outbox = createOutbox<Fact>({
    identity,
    network: NETWORK,
    journal: storage.messages,
    courier,
    commit,
    types,
    clock,
    random,
    newId,
    log,
    metrics,
  })
  const inbox = createInbox<Fact>({
    receiver: { peerId: self, network: NETWORK },
    types,
    clock,
    open,
    journal: storage.messages,
    commit,
    metrics,
    log,
    reply: (asked, answer) => outbox.post(answerDraft(asked, answer, isSealed(asked.payload))),
  })
  const trading = createTrading({
    self,
    name: self.slice(-6),
    networkId: NETWORK,
    currency: 'USD',
    reservationMs: options.reservationMs ?? 30_000,
    stepTimeoutMs: options.stepTimeoutMs ?? 10_000,
    store: storage.trading,
    newId,
    random,
    now: clock.now,
    marketNow: options.marketNow ?? clock.now,
    sign: identity.sign,
    verify: (peer, text, signature) => verifySignature(peer, text, signature) === true,
    searchMs: 1_000,
    limits: { maxBuyWh: Number.MAX_SAFE_INTEGER, neighbours: [], avoidPeers: [] },
    shortfall: { penaltyMicro: 0, tolerancePercent: 100 },
    isBelieved: () => true,
    gridFeeMicro: () => 0,
    creditLeftMicro: () => Number.MAX_SAFE_INTEGER,
    beyondZone: () => [],
    isConnected: () => options.connected ?? false,
    metered: options.metered ?? (() => undefined),
  })
  for (const table of [trading.messages, outbox.answers, options.types ?? new Map<string, MessageType<Fact>>()]) {
    for (const [name, type] of table) types.set(name, type)
  }
  const reception = createReception({
    inbox,
    identity,
    networkName: NETWORK,
    topics,
    clock,
    newId,
    reachable: () => true,
  })
  const stopping = new AbortController()

  async function tick(): Promise<void> {
    const due = trading.nextDeadline()
    if (due !== undefined && due <= clock.now()) await commit(() => trading.tick())
  }

  return {
    identity,
    self,
    storage,
    metrics,
    outbox,
    inbox,
    trading,
    reception,
    commit,
    tick,
    async start() {
      await outbox.start?.()
      void repeat(clock, 20, stopping.signal, () => tick().catch(() => undefined))
    },
    async stop() {
      stopping.abort()
      await outbox.stop?.()
      await inbox.idle()
      storage.stop()
    },
  }
}

/** What becomes of a message on its way. */
export type Fate = 'arrives' | 'is lost' | 'arrives twice' | 'its answer is lost'

/** Roads joined in memory, over a network as bad as `fate` says. */
export function createWire(fate: () => Fate = () => 'arrives') {
  const members = new Map<PeerId, Road>()
  const lost = () => new Error('lost on the way')
  return {
    join: (road: Road) => void members.set(road.self, road),
    networkOf: (self: PeerId): CourierDeps['network'] => ({
      async publish(topic, bytes) {
        const others = [...members.values()].filter(road => road.self !== self)
        for (const road of others) if (fate() !== 'is lost') await road.reception.gossip(topic, bytes, self)
        return others.length
      },
      async request(peer, _protocol, bytes) {
        const road = members.get(peer)
        const what = fate()
        if (road === undefined || what === 'is lost') throw lost()
        const first = road.reception.request(bytes, self)
        if (what === 'arrives twice') await road.reception.request(bytes, self)
        const answer = await first
        if (what === 'its answer is lost') throw lost()
        return answer
      },
    }),
  }
}
