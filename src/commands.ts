import { existsSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config/config.ts'
import { KEY_FILE } from './config/identity.ts'
import type { Clock } from './kernel/clock.ts'
import { CodedError } from './kernel/errors.ts'
import type { NewId, PeerId, TaskId } from './kernel/ids.ts'
import type { Metrics } from './kernel/metrics.ts'
import type { Answer, Commit, JsonObject } from './kernel/outcome.ts'
import type { MarketDay } from './market-day.ts'
import type { Network, PeerView } from './network/network.ts'
import type { KnownPeer } from './peers/peers.ts'
import type { Identity } from './protocol/keys.ts'
import type { Fact } from './storage/facts.ts'
import type { MessageFilter, MessageRow } from './storage/messages.ts'
import type { Storage } from './storage/storage.ts'
import type { KindTable } from './tasks/kinds/kind.ts'
import type { Runner } from './tasks/runner.ts'
import type { Job, Task } from './tasks/task.ts'
import type { Tasks } from './tasks/tasks.ts'
import { slotAfter, slotAt } from './trading/slot.ts'
import type { Catalog, Need, Trade } from './trading/trade.ts'
import type { Trading } from './trading/trading.ts'

export interface CommandDeps {
  readonly config: Config
  readonly identity: Identity
  readonly version: string
  readonly startedMs: number
  readonly storage: Storage
  readonly network: Network
  readonly trading: Trading
  readonly tasks: Tasks
  readonly runner: Runner
  readonly marketDay: MarketDay
  readonly commit: Commit<Fact>
  readonly metrics: Metrics
  readonly clock: Clock
  /** Of the whole process. */
  readonly memoryBytes: () => number
  readonly marketClock: Clock
  readonly newId: NewId
  readonly kinds: KindTable
}

export interface PeerRow extends Partial<KnownPeer> {
  readonly peer: PeerId
  readonly connected: PeerView | undefined
}

/** What people and programs may ask of a running daemon: the local API and the harness call these. */
export type Commands = ReturnType<typeof createCommands>

export function createCommands(deps: CommandDeps) {
  const { config, identity, storage, network, trading, tasks, commit, metrics, clock, marketClock } = deps

  async function decided(
    decide: () => { facts: readonly Fact[]; messages: readonly never[] | readonly unknown[]; answer: Answer },
  ): Promise<void> {
    const { answer } = await commit(decide as Parameters<typeof commit>[0])
    if (answer.status === 'NACK') throw new CodedError(answer.error.code, answer.error.message)
  }

  return {
    id: () => ({ peerId: identity.peerId, did: identity.did }),

    async status() {
      return {
        ...{ peerId: identity.peerId, did: identity.did, name: config.options.name, roles: config.options.roles },
        ...{ network: config.options.network.name, zone: config.options.network.zone, version: deps.version },
        ...{ home: config.home, startedMs: deps.startedMs, nowMs: clock.now(), addresses: network.addresses() },
        peers: {
          connected: network.peers().length,
          known: storage.peers.known().length,
          discovered: network.discovered(),
        },
        dhtPeers: network.routingTableSize(),
        reachability: network.reachability(),
        household: storage.energy.household(),
        trading: { ...storage.trading.counts(), catalogs: storage.trading.catalogCount() },
        work: {
          offered: config.options.roles.includes('compute'),
          open: storage.tasks.openWork().length,
          running: deps.runner.running(),
        },
        journal: storage.messages.counts(),
        memoryBytes: deps.memoryBytes(),
      }
    },

    peers(): PeerRow[] {
      const connected = new Map(network.peers().map(view => [view.peer, view]))
      const known = new Map(storage.peers.known().map(peer => [peer.peer, peer]))
      return [...new Set([...connected.keys(), ...known.keys()])].map(peer => ({
        ...known.get(peer),
        peer,
        connected: connected.get(peer),
      }))
    },

    connect: (address: string) => network.connect(address, { timeoutMs: 10_000 }),
    messages: (filter: MessageFilter): MessageRow[] => storage.messages.list(filter),
    metrics: () => metrics.text(),

    /** Counters a report needs, by name. */
    async counters() {
      const names = [
        'messages_signed_total',
        'messages_verified_total',
        'messages_rejected_total',
        'messages_dead_lettered_total',
      ]
      return Object.fromEntries(await Promise.all(names.map(async name => [name, await metrics.total(name)] as const)))
    },

    /** What `doctor` looks at; what it makes of it is the command's business. */
    async health() {
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
        dialBack: await network.dialBack(5_000),
        futureMessages: await metrics.total('messages_rejected_total', { code: 'ENV_FROM_FUTURE' }),
        staleMessages: await metrics.total('messages_rejected_total', { code: 'ENV_EXPIRED' }),
      }
    },

    catalogs: (): Catalog[] => storage.trading.catalogs().filter(catalog => catalog.validUntilMs > clock.now()),
    trades: (limit: number): Trade[] => storage.trading.trades(limit),
    trade: (id: string): Trade | undefined => storage.trading.trade(id as TaskId),
    needs: (limit: number): Need[] => storage.trading.needs(limit),
    need: (id: string): Need | undefined => storage.trading.need(id),

    /** Wants energy for the next slot; the search begins. */
    async buy(request: { energyWh: number; maxPriceMicro?: number }): Promise<Need> {
      const id = deps.newId()
      const slot = slotAfter(slotAt(marketClock.now(), config.options.market.slotMs))
      const maxPriceMicro = request.maxPriceMicro ?? config.options.household.maxPriceMicro
      await decided(() =>
        trading.buy({ id, slot, energyWh: request.energyWh, maxPriceMicro, reason: 'you asked for it' }),
      )
      return storage.trading.need(id) as Need
    },

    /** Offers energy for the next slot. */
    async sell(request: { energyWh: number; priceMicro?: number }): Promise<Catalog> {
      const slot = slotAfter(slotAt(marketClock.now(), config.options.market.slotMs))
      const { currency } = config.options.market
      const offerId = `manual-${slot.startMs}`
      // Said again for the same slot, it is what is left to sell now.
      const soldWh = storage.trading
        .tradesOfOffer(offerId)
        .filter(trade => trade.state === 'reserved' || trade.state === 'active')
        .reduce((sum, trade) => sum + trade.energyWh, 0)
      const role = config.options.roles.includes('household') ? 'household' : 'utility'
      const catalog: Catalog = {
        ...{
          seller: identity.peerId,
          version: clock.now(),
          role,
          sourceType: role === 'utility' ? 'GRID' : 'SOLAR',
          currency,
        },
        validUntilMs: clock.now() + 2 * slot.durationMs,
        offers: [
          {
            offerId,
            slot,
            priceMicro: request.priceMicro ?? config.options.household.sellPriceMicro,
            availableWh: request.energyWh + soldWh,
          },
        ],
      }
      await decided(() => trading.publishCatalog(catalog))
      return storage.trading.catalog(identity.peerId) as Catalog
    },

    openMarket: () => deps.marketDay.open(),
    closeMarket: () => deps.marketDay.close(),
    cancelTrade: (id: string) => decided(() => trading.cancelTrade(id as TaskId)),

    async submit(request: {
      kind: string
      params: JsonObject
      documents: readonly { name: string; text: string }[]
    }): Promise<Job> {
      let jobId = ''
      await decided(() => {
        const submitted = tasks.submit(request)
        jobId = submitted.jobId
        return submitted.outcome
      })
      return storage.tasks.job(jobId) as Job
    },

    jobs: (limit: number): Job[] => storage.tasks.jobs(limit),
    job(id: string): (Job & { counts: Record<string, number>; parts: Omit<Task, 'input' | 'output'>[] }) | undefined {
      const job = storage.tasks.job(id)
      if (job === undefined) return undefined
      const parts = storage.tasks.tasksOfJob(id).map(({ input: _, output: __, ...part }) => part)
      return { ...job, counts: storage.tasks.taskCounts(id), parts }
    },

    /** The ordered result, document by document; canonical text of each, so that it can be compared. */
    result(id: string): { name: string; result: unknown }[] {
      const job = storage.tasks.job(id)
      const kind = job === undefined ? undefined : deps.kinds[job.kind]
      if (job === undefined || kind === undefined) throw new CodedError('TASK_UNKNOWN', `no job ${id} here`)
      if (job.state !== 'done')
        throw new CodedError('TASK_NOT_DONE', `the job is ${job.state}`, {
          hint: 'wait for it with "wattmesh task show"',
        })
      const byDocument = Map.groupBy(storage.tasks.tasksOfJob(id), task => task.document)
      return job.documents.map(({ name }, number) => {
        const parts = (byDocument.get(number) ?? []).map(({ input, output }) => ({ input, output }))
        return { name, result: plain(kind.merge(parts)) }
      })
    },

    cancelJob: (id: string) => decided(() => tasks.cancel(id)),
  }
}

/** Typed arrays as plain ones, for JSON. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, inner: unknown) => (inner instanceof Float32Array ? [...inner] : inner)))
}
