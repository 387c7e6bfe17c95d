import { loadConfig } from '../../src/config/config.ts'
import type { Commands } from '../../src/daemon/command.ts'
import type { AnyFact } from '../../src/daemon/commit.ts'
import { type Daemon, openDaemon } from '../../src/daemon/daemon.ts'
import type { Domain, OptionSections } from '../../src/daemon/domain.ts'
import type { Transport } from '../../src/daemon/link.ts'
import { clientOf } from '../../src/daemon/served.ts'
import { booksDomain } from '../../src/domains/books/books.ts'
import { energyDomain } from '../../src/domains/energy/energy.ts'
import { tradingCommands } from '../../src/domains/trading/commands.ts'
import { type TradingNeeds, tradingDomain } from '../../src/domains/trading/trading.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import type { NewId } from '../../src/kernel/ids.ts'
import { type Log, silentLog } from '../../src/kernel/log.ts'
import { type FactOf, outcome } from '../../src/kernel/outcome.ts'
import type { Random } from '../../src/kernel/random.ts'
import type { NetworkDeps } from '../../src/network/network.ts'
import type { MessageType } from '../../src/protocol/message-type.ts'

export const NETWORK = 'test'
export const ZONE = 'zone-1'

export interface RoadOptions {
  readonly home: string
  readonly seed: Uint8Array
  readonly transport: Transport
  readonly clock?: Clock
  readonly log?: Log
  readonly newId?: NewId
  readonly random?: Random
  /** Rows of the router beside those of the domains. */
  readonly types?: ReadonlyMap<string, MessageType<AnyFact>>
  /** Whether the topics of the zone reach everybody. */
  readonly inZone?: boolean
  /** Options by their path, beside those that keep a road quiet. */
  readonly flags?: Readonly<Record<string, unknown>>
  /** By default what the energy domain's own meter says. */
  readonly metered?: TradingNeeds['metered']
}

export type Road = Awaited<ReturnType<typeof openRoad>>

/** A market that nobody's household moves by itself, without fees and penalties. */
const FLAGS = {
  'network.name': NETWORK,
  'network.zone': ZONE,
  'market.autoOpen': false,
  'market.penaltyMicro': 0,
  'market.tolerancePercent': 100,
  'household.creditMicro': Number.MAX_SAFE_INTEGER,
  'household.maxBuyWh': Number.MAX_SAFE_INTEGER,
  'utility.gridFeeMicro': 0,
}

/** The daemon as it ships, with its books and its trading, and any transport in the place of libp2p. */
export async function openRoad(options: RoadOptions) {
  const { home, seed, transport, clock, newId, random, log = silentLog, inZone = true } = options
  const arrives = Promise.withResolvers<Pick<NetworkDeps, 'onGossip' | 'onRequest'>>()
  const node = await openDaemon(loadConfig(home, {}, { ...FLAGS, ...options.flags }), seed, log, {
    ...(clock === undefined ? {} : { clock }),
    ...(newId === undefined ? {} : { newId }),
    ...(random === undefined ? {} : { random }),
    async transport(deps) {
      arrives.resolve(deps)
      return await transport(deps)
    },
  })
  const books = await added(node, booksDomain, { inZone: () => inZone, nameOf: () => '' })
  const energy = await node.add(energyDomain, {
    traded: books.gives.traded,
    unsettledBetween: books.gives.unsettledBetween,
  })
  const trading = await added(node, tradingDomain, {
    books: books.gives,
    metered: options.metered ?? energy.metered,
    house: energy,
    isConnected: node.isConnected,
    connected: node.peers,
    inZone: () => inZone,
    trades: () => true,
  })
  for (const [name, type] of options.types ?? []) node.road.types.set(name, type)

  return {
    self: node.self,
    identity: node.identity,
    storage: node.storage,
    metrics: node.metrics,
    outbox: node.road.outbox,
    inbox: node.road.inbox,
    commit: node.road.commit,
    until: node.until,
    wake: node.wake,
    start: node.start,
    stop: node.stop,
    /** What the domains keep. */
    books: books.read,
    trading: trading.read,
    offers: trading.gives.offers,
    /** What a person may ask of its trading. */
    asked: clientOf(node.served()).of(tradingCommands),
    /** Keeps facts, whoever decided them. */
    keep: (...facts: readonly AnyFact[]) => node.road.commit(() => outcome(facts)),
    /** What came over the network, once the road is started. */
    arrives: {
      gossip: async (...message: Parameters<NetworkDeps['onGossip']>) =>
        await (await arrives.promise).onGossip(...message),
      request: async (...message: Parameters<NetworkDeps['onRequest']>) =>
        await (await arrives.promise).onRequest(...message),
    },
  }
}

/** Adds a domain whose store the test reads as well. */
async function added<
  Name extends string,
  Options extends OptionSections,
  Fact extends FactOf<Name>,
  Read,
  Asked extends Commands,
  Needs,
  Gives,
>(
  node: Daemon,
  domain: Domain<Name, Options, Fact, Read, Asked, Needs, Gives>,
  needs: Needs,
): Promise<{ readonly read: Read; readonly gives: Gives }> {
  const { promise, resolve } = Promise.withResolvers<Read>()
  const watched: typeof domain = {
    ...domain,
    store(db, tools, options) {
      const kept = domain.store(db, tools, options)
      resolve(kept.read)
      return kept
    },
  }
  const gives = await node.add(watched, needs)
  return { gives, read: await promise }
}
