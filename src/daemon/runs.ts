import { existsSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { KEY_FILE } from '../config/identity.ts'
import type { Runs } from './command.ts'
import type { daemonCommands, StatusAnswer } from './commands.ts'
import type { Daemon } from './daemon.ts'

export interface DaemonRunsDeps {
  readonly config: Config
  readonly node: Pick<Daemon, 'identity' | 'road' | 'metrics' | 'clock' | 'market' | 'storage' | 'events'>
  readonly version: string
  /** Of the whole process. */
  readonly memoryBytes: () => number
  /** How many peers have said who they are. */
  readonly knownPeers: () => number
  /** Its report, as JSON and as a page. */
  readonly report: (signal: AbortSignal) => Promise<{ readonly json: string; readonly html: string }>
  /** What the domains add to the status. */
  readonly domains: () => Pick<StatusAnswer, 'household' | 'trading' | 'work' | 'compute'>
}

/** Counters a report needs. */
const COUNTERS = [
  'messages_signed_total',
  'messages_verified_total',
  'messages_rejected_total',
  'messages_dead_lettered_total',
]
const DIAL_BACK_MS = 5_000

/** How the daemon is, and what was said. */
export function daemonRuns(deps: DaemonRunsDeps): Runs<typeof daemonCommands> {
  const { identity, metrics, storage, clock } = deps.node
  const startedMs = clock.now()
  return {
    id: () => ({ peerId: identity.peerId, did: identity.did }),
    status: () => ({ ...status(deps), startedMs }),
    counters: async () =>
      Object.fromEntries(await Promise.all(COUNTERS.map(async name => [name, await metrics.total(name)] as const))),
    health: () => health(deps),
    metrics: () => metrics.text(),
    messages: ({ after, limit, task, type, peer }) =>
      storage.messages.list({
        limit,
        ...(after === undefined ? {} : { afterSeq: after }),
        ...(task === undefined ? {} : { taskId: task }),
        ...(type === undefined ? {} : { type }),
        ...(peer === undefined ? {} : { peer }),
      }),
    events: (wanted, signal) => deps.node.events.read(wanted, signal),
    report: (_, signal) => deps.report(signal),
  }
}

function status(deps: DaemonRunsDeps) {
  const { config, node } = deps
  const { identity } = node
  const network = node.road.network()
  const { household, trading, work, compute } = deps.domains()
  return {
    peerId: identity.peerId,
    did: identity.did,
    name: config.options.name,
    roles: config.options.roles,
    network: config.options.network.name,
    zone: config.options.network.zone,
    version: deps.version,
    home: config.home,
    nowMs: node.clock.now(),
    addresses: network.addresses(),
    marketNowMs: node.market.now(),
    peers: {
      connected: network.peers().length,
      known: deps.knownPeers(),
      discovered: network.discovered(),
    },
    dhtPeers: network.routingTableSize(),
    reachability: network.reachability(),
    household,
    trading,
    work,
    compute,
    journal: node.storage.messages.counts(),
    memoryBytes: deps.memoryBytes(),
  }
}

/** What `doctor` looks at; what it makes of it is the command's business. */
async function health({ config, node: { road, metrics, clock } }: DaemonRunsDeps) {
  const network = road.network()
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
    dialBack: await network.dialBack(DIAL_BACK_MS),
    futureMessages: await metrics.total('messages_rejected_total', { code: 'ENV_FROM_FUTURE' }),
    staleMessages: await metrics.total('messages_rejected_total', { code: 'ENV_EXPIRED' }),
  }
}
