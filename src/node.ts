import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Commands, createCommands } from './commands.ts'
import type { Config } from './config/config.ts'
import { createHousehold } from './energy/household.ts'
import { constantProfile, openProfile } from './energy/profile.ts'
import { createCommit } from './inbox/commit.ts'
import { createInbox } from './inbox/inbox.ts'
import { fasterClock, systemClock } from './kernel/clock.ts'
import type { PeerId } from './kernel/ids.ts'
import { lifecycle } from './kernel/lifecycle.ts'
import type { Log } from './kernel/log.ts'
import { createMetrics } from './kernel/metrics.ts'
import { createMarketDay } from './market-day.ts'
import { createNetwork } from './network/network.ts'
import { createCourier } from './outbox/courier.ts'
import { createOutbox } from './outbox/outbox.ts'
import { createPeers } from './peers/peers.ts'
import { answerDraft } from './protocol/answer.ts'
import { identityFromSeed, verifySignature } from './protocol/keys.ts'
import type { MessageType } from './protocol/message-type.ts'
import { createOpener, isSealed } from './protocol/sealed.ts'
import { STREAM_PROTOCOLS, topicsOf } from './protocol/topics.ts'
import { createReception } from './reception.ts'
import { createRounds } from './rounds.ts'
import type { Fact } from './storage/facts.ts'
import { openStorage } from './storage/storage.ts'
import type { KindTable } from './tasks/kinds/kind.ts'
import { kinds } from './tasks/kinds/kinds.ts'
import { progressDraft } from './tasks/messages.ts'
import { createRunner } from './tasks/runner.ts'
import { createTasks } from './tasks/tasks.ts'
import { createWorkers } from './tasks/workers.ts'
import { createTrading } from './trading/trading.ts'

export const DATABASE_FILE = 'wattmesh.db'
export const VERSION = '0.1.0'
/** What a worker thread may take from the desk beyond the one it works on, so that it never waits for the network. */
const DESK_PER_THREAD = 2

export interface Node {
  start(): Promise<void>
  stop(): Promise<void>
  readonly commands: Commands
}

/** The whole daemon, read from top to bottom: who I am, what I keep, how messages get in and out, what they are about. */
export async function createNode(config: Config, seed: Uint8Array, log: Log, memoryBytes: () => number): Promise<Node> {
  const { options, home } = config
  const identity = identityFromSeed(seed)
  const self = identity.peerId
  const networkName = options.network.name
  const zone = options.network.zone
  const clock = systemClock
  const marketClock =
    options.market.originMs === 0 ? clock : fasterClock(clock, options.market.originMs, options.market.speed)
  const random = Math.random
  const newId = randomUUID
  const metrics = createMetrics()
  const open = await createOpener(identity)
  const storage = openStorage(join(home, DATABASE_FILE), { clock, metrics })

  // ── The road ──────────────────────────────────────────────────────────────────────────────────────────────────
  const types = new Map<string, MessageType<Fact>>()
  const topics = topicsOf(networkName, zone)
  const network = await createNetwork({
    options: {
      ...options.network,
      network: networkName,
      ...closedNetwork(options.network.presharedKeyFile),
      peersFile: join(home, 'peers.json'),
    },
    seed,
    topics: [...topics.keys()],
    protocols: Object.values(STREAM_PROTOCOLS),
    onGossip: (topic, bytes, from) => reception.gossip(topic, bytes, from),
    onRequest: (protocol, bytes, from) => reception.request(protocol, bytes, from),
    onPeer: change => rounds.peerChanged(change),
    ...{ clock, random, log: log.child({ part: 'network' }), metrics },
  })
  const commit = createCommit<Fact>({
    storage,
    keep: drafts => outbox.keep(drafts),
    wake: () => outbox.wake(),
    committed: facts => rounds.committed(facts),
    log,
  })
  const inZone = (peer: PeerId): boolean => (storage.peers.peer(peer)?.zone ?? zone) === zone
  const courier = createCourier({ identity, networkName, zone, open, clock, network, inZone, metrics })
  const outbox = createOutbox<Fact>({
    ...{ identity, network: networkName, journal: storage.messages, courier, commit, types, clock, random, newId },
    ...{ log: log.child({ part: 'outbox' }), metrics },
  })
  const inbox = createInbox<Fact>({
    receiver: { peerId: self, network: networkName },
    ...{ types, clock, open, journal: storage.messages, commit, metrics },
    reply: (asked, answer) => outbox.post(answerDraft(asked, answer, isSealed(asked.payload))),
    log: log.child({ part: 'inbox' }),
  })

  // ── What messages are about ───────────────────────────────────────────────────────────────────────────────────
  const works = options.roles.includes('compute')
  const slots = works ? options.compute.threads * DESK_PER_THREAD : 0
  const kindTable = kinds as unknown as KindTable
  const kindNames = Object.values(kindTable).map(kind => `${kind.name}@${kind.version}`)
  const peers = createPeers({
    self,
    advert: { name: options.name, roles: options.roles, zone, version: VERSION, kinds: works ? kindNames : [], slots },
    now: clock.now,
    store: storage.peers,
  })
  const trading = createTrading({
    ...{ self, name: options.name || self.slice(-6), networkId: networkName, currency: options.market.currency },
    ...{ reservationMs: options.market.reservationMs, stepTimeoutMs: options.market.stepTimeoutMs },
    ...{ store: storage.trading, newId, random, now: clock.now, marketNow: () => marketClock.now() },
    sign: identity.sign,
    verify: (peer, text, signature) => verifySignature(peer, text, signature) === true,
    // One zone, one grid: peers of other zones hear none of our catalogs.
    gridFeeMicro: () => 0,
  })
  const workers = createWorkers({
    threads: options.compute.threads,
    ...{ niceIncrement: 10, maxMemoryMb: options.compute.memoryMb, idleTimeoutMs: 60_000, log },
  })
  const tasks = createTasks({
    ...{
      self,
      store: storage.tasks,
      kinds: kindTable,
      newId,
      random,
      leaseMs: options.compute.leaseMs,
      slots,
      now: clock.now,
    },
    workersFor: (kind, version) => rounds.workersFor(`${kind}@${version}`),
  })
  for (const domain of [peers.messages, trading.messages, tasks.messages, outbox.answers]) {
    for (const [name, type] of domain) types.set(name, type)
  }

  // ── What time brings ──────────────────────────────────────────────────────────────────────────────────────────
  const runner = createRunner({
    openWork: storage.tasks.openWork,
    run: (work, how) => workers.run(work.kind, work.params, work.input, how),
    worked: async (taskId, leaseEpoch, result) => void (await commit(() => tasks.worked(taskId, leaseEpoch, result))),
    alive: (work, done, total) => {
      if (work.submitter === self)
        void commit(() => tasks.progressed(work.taskId, self, work.leaseEpoch, done)).catch(() => undefined)
      else outbox.post(progressDraft(work, done, total))
    },
    ...{
      heartbeatMs: options.compute.heartbeatMs,
      threads: options.compute.threads,
      clock,
      log: log.child({ part: 'tasks' }),
    },
  })
  const profile =
    options.household.dataFile === undefined
      ? constantProfile(options.household.loadWh, options.household.solarWh)
      : openProfile(options.household.dataFile)
  const { capacityWh, minSocPercent, socPercent } = options.household
  const household = createHousehold({
    battery: { capacityWh, reserveWh: Math.round((capacityWh * minSocPercent) / 100) },
    initialSocWh: Math.round((capacityWh * socPercent) / 100),
    preferences: options.household,
    profile,
    store: { household: storage.energy.household, tradedWh: slot => marketDay.tradedWh(slot) },
  })
  const marketDay = createMarketDay({
    ...{
      self,
      options,
      marketClock,
      clock,
      random,
      store: storage.trading,
      household,
      trading,
      commit,
      newId,
      log: log.child({ part: 'market' }),
    },
  })
  const rounds = createRounds({
    ...{
      self,
      options,
      storage,
      network,
      outbox,
      peers,
      trading,
      tasks,
      runner,
      commit,
      clock,
      works,
      slots,
    },
    log: log.child({ part: 'node' }),
  })
  const reception = createReception({ inbox, identity, networkName, topics, clock, newId, open: marketDay.reachable })
  const commands = createCommands({
    ...{
      config,
      identity,
      version: VERSION,
      startedMs: clock.now(),
      storage,
      network,
      trading,
      tasks,
      runner,
      marketDay,
    },
    ...{ commit, metrics, clock, marketClock, newId, kinds: kindTable, memoryBytes },
  })

  const parts = [
    storage,
    // Before anybody can give this peer new work: what it had before is over.
    { name: 'recovery', start: async () => void (await commit(() => tasks.restarted())) },
    { name: 'inbox', stop: () => inbox.idle() },
    network,
    outbox,
    { name: 'workers', stop: () => workers.stop() },
    runner,
    rounds,
    marketDay,
  ]
  return { ...lifecycle(parts, log), commands }
}

/** The preshared key of a closed network. */
function closedNetwork(file: string | undefined): { presharedKey?: Uint8Array } {
  return file === undefined ? {} : { presharedKey: readFileSync(file) }
}
