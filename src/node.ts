import { createPeerEncoder, type PeerEncoderDeps } from './bridges/peer-encoder.ts'
import type { Config } from './config/config.ts'
import type { Client } from './daemon/command.ts'
import { daemonCommands } from './daemon/commands.ts'
import { type Daemon, openDaemon, type World } from './daemon/daemon.ts'
import { daemonRuns } from './daemon/runs.ts'
import { clientOf, type Served, serve } from './daemon/served.ts'
import { agentsDomain } from './domains/agents/agents.ts'
import { booksDomain } from './domains/books/books.ts'
import { energyDomain } from './domains/energy/energy.ts'
import type { Outside } from './domains/knowledge/encoder.ts'
import { knowledgeDomain } from './domains/knowledge/knowledge.ts'
import { createLies } from './domains/knowledge/scenario.ts'
import { mannersDomain, THREAD_NICE } from './domains/manners/manners.ts'
import { peersDomain } from './domains/peers/peers.ts'
import { tasksDomain } from './domains/tasks/tasks.ts'
import { createMishaps } from './domains/trading/scenario.ts'
import { tradingDomain } from './domains/trading/trading.ts'
import type { PeerId } from './kernel/ids.ts'
import type { Log } from './kernel/log.ts'
import { identityFromSeed } from './protocol/keys.ts'
import { renderAside } from './reports/aside.ts'
import { ownReport } from './reports/own-report.ts'
import type { ReportData } from './reports/report-data.ts'
import { createReportWriter } from './reports/report-writer.ts'
import { createThreads, type Threads } from './threads/threads.ts'

export const VERSION = '0.1.0'
const THREAD_IDLE_MS = 60_000

export interface Node {
  start(): Promise<void>
  stop(): Promise<void>
  /** What may be asked of it, and the functions behind. */
  readonly served: readonly Served[]
  /** Asks it from inside. */
  readonly client: Client
}

/** What a node may know of the process it lives in. */
export interface ProcessView {
  memoryBytes(): number
  /** Processor time since the start. */
  ownCpuMs(): number
}

/** What a test, or a program that embeds a node, may put in the place of the world, or add to it. */
export interface Surroundings extends World {
  /** Domains beyond ours. */
  readonly more?: (node: Daemon) => Promise<unknown>
}

/** The whole daemon: what carries it, its domains, and what is told of them together. */
export async function openNode(
  config: Config,
  seed: Uint8Array,
  log: Log,
  process: ProcessView,
  { more, ...world }: Surroundings = {},
): Promise<Node> {
  const random = world.random ?? Math.random
  const reachable = createMishaps(config.options, identityFromSeed(seed).peerId, random)
  const node = await openDaemon(config, seed, log, { reachable, ...world, random })
  const domains = await addDomains(node, config, process)
  await more?.(node)
  addOverview(node, config, process, domains)
  return { start: node.start, stop: node.stop, served: node.served(), client: clientOf(node.served()) }
}

/** Read from top to bottom: each domain, and what it is given of those before it. */
async function addDomains(node: Daemon, { options }: Config, process: ProcessView) {
  const threads = openThreads(node, options)

  const peers = await node.add(peersDomain, {
    version: VERSION,
    advert: node.advert,
    connected: node.peers,
    connect: node.connect,
    post: node.post,
  })

  const books = await node.add(booksDomain, {
    inZone: peers.inZone,
    nameOf: peers.nameOf,
  })

  const energy = await node.add(energyDomain, {
    traded: books.traded,
    unsettledBetween: books.unsettledBetween,
  })

  const trading = await node.add(tradingDomain, {
    books,
    metered: options.roles.includes('household') ? energy.metered : books.asTraded,
    house: energy,
    isConnected: node.isConnected,
    connected: node.peers,
    inZone: peers.inZone,
    trades: peers.trades,
  })

  const manners = await node.add(mannersDomain, {
    house: energy,
    tariff: trading.tariff,
    sales: trading.sales,
    threadMemoryMb: node.workMemoryMb,
    runningTasks: () => threads.stats().running,
    ownCpuMs: process.ownCpuMs,
    advertise: peers.advertise,
  })

  const tasks = await node.add(tasksDomain, {
    kinds: node.kinds,
    threads,
    manners,
    workers: peers.workers,
    powerSource: energy.powerSource,
    said: createLies(options.compute.lieShare, node.random),
    post: node.post,
    undelivered: node.undelivered,
    stepBack: manners.stepBack,
  })

  await node.add(knowledgeDomain, {
    run: threads.run,
    warm: threads.warm,
    outside: addPeerEncoder(node, tasks),
    ask: node.ask,
    connectedWith: peers.connectedWith,
    advertise: peers.advertise,
  })

  const agents = await node.add(agentsDomain, {
    version: VERSION,
    peer: peers.current,
    peers: peers.all,
    nameOf: peers.nameOf,
    household: energy.household,
    request: node.request,
  })

  return { peers, books, energy, trading, manners, tasks, agents }
}

/** Worker threads for the kinds of work that the domains bring. */
function openThreads(node: Daemon, { compute, embedder }: Config['options']): Threads {
  const threads = createThreads({
    kinds: node.kindModules,
    threads: compute.threads,
    niceIncrement: THREAD_NICE,
    embedder,
    maxMemoryMb: compute.memoryMb,
    idleTimeoutMs: THREAD_IDLE_MS,
    onFree: node.wake,
    now: node.clock.now,
    log: node.log.child({ part: 'threads' }),
  })
  node.addPart({ name: 'threads', stop: threads.stop })
  return threads
}

/** Documents of this peer that others encode, as jobs. */
function addPeerEncoder(node: Daemon, tasks: PeerEncoderDeps['tasks']): Outside {
  const encoder = createPeerEncoder({
    self: node.self,
    tasks,
    until: node.until,
    clock: node.clock,
    newId: node.newId,
    log: node.log.child({ part: 'library' }),
  })
  node.addPart(encoder)
  return encoder
}

type Domains = Awaited<ReturnType<typeof addDomains>>

/** What is told of all domains together: the status, and the report. */
function addOverview(node: Daemon, config: Config, process: ProcessView, domains: Domains): void {
  const { peers, energy, trading, manners, tasks } = domains
  const report = reportOf(node, config, domains)
  node.addPart(
    createReportWriter({
      home: config.home,
      periodMs: node.market.wallDurationMs(config.options.report.minutes * 60_000),
      data: report,
      clock: node.clock,
      log: node.log.child({ part: 'report' }),
    }),
  )
  const runs = daemonRuns({
    config,
    node,
    version: VERSION,
    memoryBytes: process.memoryBytes,
    knownPeers: peers.count,
    report: signal => renderAside(report(), { signal }),
    domains: () => ({
      household: energy.household(),
      trading: trading.counts(),
      work: { offered: tasks.offered, open: tasks.openWork().length, running: tasks.running() },
      compute: manners.willing(),
    }),
  })
  node.serve(serve('daemon', daemonCommands, runs))
}

function reportOf({ self, clock, market }: Daemon, { options }: Config, domains: Domains): () => ReportData {
  const { peers, books, energy, trading, agents } = domains
  return () =>
    ownReport({
      self,
      name: options.name,
      roles: options.roles,
      networkName: options.network.name,
      currency: options.market.currency,
      slotMs: market.slotMs,
      capacityWh: options.household.capacityWh,
      now: clock.now,
      marketNow: market.now,
      slots: energy.slots,
      trades: trading.trades,
      receipts: books.receipts,
      readings: agents.readings,
      peer: id => peers.peer(id as PeerId),
      tariff: trading.tariff,
    })
}
