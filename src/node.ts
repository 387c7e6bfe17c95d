import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { getHeapStatistics } from 'node:v8'
import { type Commands, createCommands } from './commands.ts'
import type { Config } from './config/config.ts'
import { SHARES } from './domains/knowledge/messages.ts'
import { createPeers } from './domains/peers/peers.ts'
import { createTrading } from './domains/trading/trading.ts'
import { createDocumentEncoder, createEncoder } from './encoder.ts'
import { fasterClock, systemClock } from './kernel/clock.ts'
import type { PeerId } from './kernel/ids.ts'
import { lifecycle } from './kernel/lifecycle.ts'
import type { Log } from './kernel/log.ts'
import { createMetrics } from './kernel/metrics.ts'
import { createAgents } from './parts/agents.ts'
import { openHome } from './parts/home.ts'
import { createLibrary } from './parts/library.ts'
import { openMachineManners, powerSource } from './parts/machine.ts'
import { createMishaps } from './parts/mishap.ts'
import { createReportWriter } from './parts/report-writer.ts'
import { createRoad } from './parts/road.ts'
import { createRounds } from './parts/rounds.ts'
import { creditLeft, isBelieved, limitsOf, tariffHeard } from './parts/trading-terms.ts'
import { createWork } from './parts/work.ts'
import { createPeerEncoder } from './peer-encoder.ts'
import { identityFromSeed, verifySignature } from './protocol/keys.ts'
import { openStorage } from './storage/storage.ts'

export const DATABASE_FILE = 'wattmesh.db'
export const VERSION = '0.1.0'
/** Of a document; longer ones are archives. */
const MAX_FILE_BYTES = 32 * 1024 * 1024

export interface Node {
  start(): Promise<void>
  stop(): Promise<void>
  readonly commands: Commands
}

/** What a node may know of the process it lives in. */
export interface ProcessView {
  memoryBytes(): number
  /** Processor time since the start. */
  ownCpuMs(): number
}

/** The whole daemon, read from top to bottom: who I am, what I keep, how messages get in and out, what they are about. */
export async function openNode(config: Config, seed: Uint8Array, log: Log, process: ProcessView): Promise<Node> {
  const { options, home } = config
  const identity = identityFromSeed(seed)
  const self = identity.peerId
  const zone = options.network.zone
  const clock = systemClock
  const marketSpeed = options.market.originMs === 0 ? 1 : options.market.speed
  const marketClock = marketSpeed === 1 ? clock : fasterClock(clock, options.market.originMs, marketSpeed)
  const random = Math.random
  const newId = randomUUID
  const metrics = createMetrics()
  metrics.gauge('heap_used_bytes', 'Memory of JavaScript objects in use', () => getHeapStatistics().used_heap_size)
  const storage = openStorage(join(home, DATABASE_FILE), { clock, metrics })

  // ── The road ──────────────────────────────────────────────────────────────────────────────────────────────────
  const road = await createRoad({
    options,
    home,
    seed,
    identity,
    storage,
    clock,
    random,
    newId,
    metrics,
    log,
    reachable: createMishaps(options, self, random),
    onPeer: change => rounds.peerChanged(change),
    committed: facts => rounds.committed(facts),
    agent: (bytes, from) => agents.answer(bytes, from),
  })
  const { network, commit, outbox, inbox } = road

  // ── What messages are about ───────────────────────────────────────────────────────────────────────────────────
  const trading = createTrading({
    self,
    name: options.name || self.slice(-6),
    networkId: options.network.name,
    ...options.market,
    limits: limitsOf(options),
    shortfall: options.market,
    store: storage.trading,
    newId,
    random,
    now: clock.now,
    marketNow: () => marketClock.now(),
    sign: identity.sign,
    verify: (peer, text, signature) => verifySignature(peer, text, signature) === true,
    isBelieved: peer => isBelieved(peer, options),
    // Inside a zone energy pays no grid fee.
    gridFeeMicro: seller =>
      (storage.peers.peer(seller)?.zone ?? zone) === zone ? 0 : tariffHeard(trading, options).gridFeeMicro,
    isConnected: peer => network.isConnected(peer),
    beyondZone: () =>
      network.peers().flatMap(({ peer }) => ((storage.peers.peer(peer)?.zone ?? zone) === zone ? [] : [peer])),
    // A utility supplies whoever asks; who does not pay is a matter for its lawyers.
    creditLeftMicro: buyer =>
      options.roles.includes('utility')
        ? Number.MAX_SAFE_INTEGER
        : creditLeft(storage.trading, options.household.creditMicro, buyer),
    metered: slot => house.metered(slot),
  })
  const work = createWork({
    self,
    identity,
    options,
    storage,
    commit,
    outbox,
    clock,
    random,
    newId,
    log,
    workersFor: kind => rounds.workersFor(kind),
    manners: () => manners,
    powerSource: () =>
      powerSource(storage, house.profile, Math.floor(marketClock.now() / options.market.slotMs), house.power),
  })
  const { tasks, runner, offered, slots } = work
  const peers = createPeers({
    self,
    // Made anew for each advert: manners change, sharing begins and ends.
    advert: () => ({
      name: options.name,
      roles: options.roles,
      zone,
      version: VERSION,
      ...work.advert(),
      kinds: [...(offered ? work.kindNames : []), ...library.kinds()],
    }),
    now: clock.now,
    store: storage.peers,
  })
  const encode = createEncoder(work.workers)
  const peerEncoder = createPeerEncoder({
    self,
    store: storage.tasks,
    tasks,
    commit,
    clock,
    newId,
    log: log.child({ part: 'library' }),
    workersFor: kind => rounds.workersFor(kind),
  })
  const documents = createDocumentEncoder({
    encode,
    warm: work.workers.warm,
    threads: options.compute.threads,
    outside: options.knowledge.encodeOnPeers ? peerEncoder : undefined,
  })
  const library = createLibrary({
    store: storage.knowledge,
    commit,
    clock,
    newId,
    threads: options.compute.threads,
    encode,
    documents,
    maxFileBytes: MAX_FILE_BYTES,
    askPeer: (draft, signal) => road.ask(draft.to as PeerId, draft, signal),
    sharers: () => rounds.peersWith(SHARES),
    sharingChanged: () => rounds.advertise(),
    log: log.child({ part: 'library' }),
  })
  for (const domain of [peers.messages, trading.messages, tasks.messages, library.messages, outbox.answers]) {
    for (const [name, type] of domain) road.types.set(name, type)
  }

  // ── What time brings ──────────────────────────────────────────────────────────────────────────────────────────
  const house = await openHome({
    self,
    options,
    storage,
    trading,
    commit,
    clock,
    marketClock,
    random,
    sign: identity.sign,
    log: log.child({ part: 'market' }),
  })
  const agents = createAgents({
    self,
    version: VERSION,
    options,
    storage,
    network: () => network,
    commit,
    clock,
    marketClock,
    random,
    newId,
    log: log.child({ part: 'agents' }),
    metrics,
  })
  const manners = await openMachineManners(
    {
      self,
      options,
      storage,
      trading,
      profile: house.profile,
      power: house.power,
      clock,
      marketClock,
      log: log.child({ part: 'manners' }),
      ownCpuMs: process.ownCpuMs,
      runningTasks: runner.running,
      changed() {
        rounds.advertise()
        runner.wake()
      },
      giveBack: ({ sentence }) => rounds.giveBack(sentence),
    },
    work.threadMemoryMb,
  )
  const rounds = createRounds({
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
    slots,
    works: offered,
    log: log.child({ part: 'node' }),
  })
  const commands = createCommands({
    config,
    identity,
    version: VERSION,
    startedMs: clock.now(),
    storage,
    network,
    trading,
    tasks,
    runner,
    marketDay: house.marketDay,
    commit,
    metrics,
    clock,
    marketClock,
    newId,
    merge: work.merge,
    learnModel: work.learnModel,
    memoryBytes: process.memoryBytes,
    library: library.commands,
    manners,
    offered,
  })

  const parts = [
    storage,
    work.recovery,
    { name: 'inbox', stop: () => inbox.idle() },
    network,
    outbox,
    ...work.parts,
    ...(offered ? [manners] : []),
    peerEncoder,
    // After it: what ingest left is not taken in first.
    work.resumption,
    library,
    rounds,
    ...house.parts,
    agents,
    createReportWriter({
      home,
      periodMs: (options.report.minutes * 60_000) / marketSpeed,
      data: commands.reportData,
      clock,
      log: log.child({ part: 'report' }),
    }),
  ]
  return { ...lifecycle(parts, log), commands }
}
