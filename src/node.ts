import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { type Commands, createCommands } from './commands.ts'
import type { Config } from './config/config.ts'
import { createHome } from './home.ts'
import { fasterClock, systemClock } from './kernel/clock.ts'
import { lifecycle } from './kernel/lifecycle.ts'
import type { Log } from './kernel/log.ts'
import { createMetrics } from './kernel/metrics.ts'
import { createMishaps } from './mishap.ts'
import { createPeers } from './peers/peers.ts'
import { identityFromSeed, verifySignature } from './protocol/keys.ts'
import { createRoad } from './road.ts'
import { createRounds } from './rounds.ts'
import { openStorage } from './storage/storage.ts'
import { createTrading } from './trading/trading.ts'
import { createWork } from './work.ts'

export const DATABASE_FILE = 'wattmesh.db'
export const VERSION = '0.1.0'

export interface Node {
  start(): Promise<void>
  stop(): Promise<void>
  readonly commands: Commands
}

/** The whole daemon, read from top to bottom: who I am, what I keep, how messages get in and out, what they are about. */
export async function openNode(config: Config, seed: Uint8Array, log: Log, memoryBytes: () => number): Promise<Node> {
  const { options, home } = config
  const identity = identityFromSeed(seed)
  const self = identity.peerId
  const zone = options.network.zone
  const clock = systemClock
  const marketClock =
    options.market.originMs === 0 ? clock : fasterClock(clock, options.market.originMs, options.market.speed)
  const random = Math.random
  const newId = randomUUID
  const metrics = createMetrics()
  const storage = openStorage(join(home, DATABASE_FILE), { clock, metrics })

  // ── The road ──────────────────────────────────────────────────────────────────────────────────────────────────
  const road = await createRoad({
    ...{ options, home, seed, identity, storage, clock, random, newId, metrics, log },
    reachable: createMishaps(options, self, random),
    onPeer: change => rounds.peerChanged(change),
    committed: facts => rounds.committed(facts),
    agent: () => Promise.reject(new Error('no agent here')),
  })
  const { network, commit, outbox, inbox } = road

  // ── What messages are about ───────────────────────────────────────────────────────────────────────────────────
  const trading = createTrading({
    ...{ self, name: options.name || self.slice(-6), networkId: options.network.name },
    ...{ currency: options.market.currency, reservationMs: options.market.reservationMs },
    ...{ stepTimeoutMs: options.market.stepTimeoutMs, store: storage.trading },
    ...{ newId, random, now: clock.now, marketNow: () => marketClock.now() },
    sign: identity.sign,
    verify: (peer, text, signature) => verifySignature(peer, text, signature) === true,
    // One zone, one grid: peers of other zones hear none of our catalogs.
    gridFeeMicro: () => 0,
  })
  const work = createWork({
    ...{ self, options, storage, commit, outbox, clock, random, newId, log },
    workersFor: kind => rounds.workersFor(kind),
  })
  const { tasks, runner, offered, slots } = work
  const peers = createPeers({
    self,
    advert: {
      ...{ name: options.name, roles: options.roles, zone, version: VERSION },
      ...{ kinds: offered ? work.kindNames : [], slots },
    },
    now: clock.now,
    store: storage.peers,
  })
  for (const domain of [peers.messages, trading.messages, tasks.messages, outbox.answers]) {
    for (const [name, type] of domain) road.types.set(name, type)
  }

  // ── What time brings ──────────────────────────────────────────────────────────────────────────────────────────
  const { marketDay } = createHome({
    ...{ self, options, storage, trading, commit, clock, marketClock, random, newId },
    log: log.child({ part: 'market' }),
  })
  const rounds = createRounds({
    ...{ self, options, storage, network, outbox, peers, trading, tasks, runner, commit, clock, slots },
    works: offered,
    log: log.child({ part: 'node' }),
  })
  const commands = createCommands({
    ...{ config, identity, version: VERSION, startedMs: clock.now(), storage, network, trading, tasks, runner },
    ...{ marketDay, commit, metrics, clock, marketClock, newId, kinds: work.kinds, memoryBytes },
  })

  const parts = [
    storage,
    // Before anybody can give this peer new work: what it had before is over.
    { name: 'recovery', start: async () => void (await commit(() => tasks.restarted())) },
    { name: 'inbox', stop: () => inbox.idle() },
    network,
    outbox,
    ...work.parts,
    rounds,
    marketDay,
  ]
  return { ...lifecycle(parts, log), commands }
}
