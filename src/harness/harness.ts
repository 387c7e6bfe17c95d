import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { News } from '../api/news.ts'
import { tradingCommands } from '../domains/trading/commands.ts'
import { isAway } from '../domains/trading/scenario.ts'
import type { Clock } from '../kernel/clock.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { ReportData } from '../reports/report-data.ts'
import { createFleet, type Fleet } from './fleet/fleet.ts'
import { hearAll } from './fleet/hearing.ts'
import { answersTo } from './judge/answers.ts'
import type { Reference } from './judge/energy-figures.ts'
import { createReport, type Report } from './judge/report.ts'
import { type Snapshot, snapshot } from './judge/snapshot.ts'
import { type StreetDeps, streetReport } from './judge/street-report.ts'
import { chunksOf, type Load, submitLoad, workerOf } from './load.ts'
import { createObserver, type Observer } from './observer.ts'
import { record } from './recording.ts'
import { type Kill, killPlan, workerKills } from './scenario/kill-plan.ts'
import type { Actor } from './scenario/street.ts'
import type { SourceDocument } from './scenario/work.ts'
import { createStorm, type Storm } from './storm.ts'
import { discovered, settled } from './until.ts'
import type { View } from './view.ts'
import { worked } from './working.ts'

export interface RunOptions {
  readonly actors: readonly Actor[]
  readonly durationMs: number
  /** Length of a delivery slot in market time. */
  readonly slotMs: number
  readonly speed: number
  readonly seed: number
  /** Share of the peers killed on the way. */
  readonly killShare: number
  /** Kill one peer while it works on a task of another. */
  readonly killWorker: boolean
  /** Share of all arriving messages that are lost. */
  readonly lossShare: number
  readonly documents: readonly SourceDocument[]
  readonly kind: 'embed' | 'chunk'
  /** Peers that do the documents: the run lasts until they are done, and who is killed is one of these. */
  readonly crowd?: { readonly workers: readonly string[]; readonly liars: boolean }
  /** Share of the households that cannot be reached, drawn for each search. */
  readonly offlineShare: number
  readonly street: Pick<StreetDeps, 'title' | 'currency' | 'retailMicro' | 'feedInMicro'>
  readonly reference?: Reference
  /** Keep every message here. */
  readonly recordTo?: string
}

/** What came of a run: the verdict, and everything that was traded and measured. */
export interface Ran {
  readonly report: Report
  readonly street: ReportData
}

/** Every look asks every daemon. */
const PATIENCE = { leastMs: 500, mostMs: 1_000 }
const BACK_MS = 4_000
/** A step of a trade may take a slot and a half of real time at most; sellers keep what they reserved twice as long. */
const STEP_MS = { least: 1_500, most: 4_000 }

interface Stage {
  readonly view: View
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** A stage on which daemons are heard. */
interface Heard extends Stage {
  readonly news: News
}

/** Starts a whole network on this machine, lets it live, kills some of it, and judges what came of it. */
export async function run(options: RunOptions, on: Stage): Promise<Ran> {
  const startedMs = on.clock.now()
  const directory = mkdtempSync(join(tmpdir(), 'wattmesh-local-'))
  const fleet = createFleet(options.actors, {
    directory,
    networkName: `local-${startedMs}`,
    shared: sharedOptions(options, startedMs),
  })
  const roles = new Map(
    options.actors.map(actor => [actor.name, { roles: actor.roles.join('+'), options: actor.options }]),
  )
  const observer = createObserver(fleet.daemons, roles)
  const over = new AbortController()
  const stage: Heard = { ...on, news: hearAll(fleet.daemons, AbortSignal.any([on.signal, over.signal]), on.clock) }
  const storm = createStorm(fleet.daemons, stage)
  let judged = false
  try {
    const discoverySeconds = await begin(fleet, observer, stage)
    const load = await submitLoad(fleet.daemons, options.documents, { kind: options.kind, view: stage.view })
    await (options.crowd === undefined ? live : liveUntilDone)({ options, fleet, observer, storm, load }, stage)
    const snapshots = await end(fleet, observer, stage)
    if (options.recordTo !== undefined) await recordAll(options.recordTo, fleet, stage.view)
    const street = streetReport({
      snapshots,
      slotMs: options.slotMs,
      ...options.street,
      nowMs: stage.clock.now(),
      capacityWh: new Map(options.actors.map(({ name, options: set }) => [name, Number(set['household.capacityWh'])])),
    })
    const report = createReport({
      ...(options.reference === undefined ? {} : { reference: options.reference }),
      street,
      online: (peer, search) => !isAway(options.seed, peer as PeerId, search, options.offlineShare),
      snapshots,
      counters: observer.counters(),
      discoverySeconds,
      deaths: storm.deaths,
      seed: options.seed,
      knownMin: Math.min(...snapshots.map(one => one.knownPeers)),
      ...(await workSeen(load, options, stage)),
      durationSeconds: (stage.clock.now() - startedMs) / 1000,
    })
    judged = true
    return { report, street }
  } finally {
    over.abort()
    stage.view.done()
    await fleet.stop()
    // After a failure the logs are what a person needs next.
    if (judged) rmSync(directory, { recursive: true, force: true })
    else stage.view.say(`What the daemons wrote is in ${directory}`)
  }
}

/** What came of the load, as far as the kind of work allows to tell. */
async function workSeen(load: Load | undefined, { kind, crowd, killShare, seed }: RunOptions, { view }: Stage) {
  if (load === undefined) return { chunksEmbedded: 0 }
  if (crowd === undefined) return { chunksEmbedded: kind === 'embed' ? await chunksOf(load) : 0 }
  view.say(`Doing all ${load.total} tasks again, to compare …`)
  const { kills } = workerKills(crowd.workers, { share: killShare, seed })
  const asked = { total: load.total, liars: crowd.liars, kills: kills.length }
  return { chunksEmbedded: 0, asked, answers: await answersTo(load) }
}

function sharedOptions({ slotMs, speed, seed, lossShare }: RunOptions, originMs: number) {
  const slotLifeMs = slotMs / speed
  const stepTimeoutMs = Math.round(Math.min(STEP_MS.most, Math.max(STEP_MS.least, slotLifeMs * 0.6)))
  return {
    'market.slotMs': slotMs,
    'market.speed': speed,
    'market.originMs': originMs,
    'market.seed': seed,
    'market.stepTimeoutMs': stepTimeoutMs,
    'market.reservationMs': 2 * stepTimeoutMs,
    'market.searchMs': Math.round(Math.min(1_000, Math.max(200, slotLifeMs / 8))),
    'market.autoOpen': false,
    'network.lossShare': lossShare,
    // To each daemon the others are foreign programs that need the processor: nobody would work.
    'manners.sensors': false,
    'storage.journalMessages': 2_000_000,
    'log.level': 'warn',
    'report.minutes': 0,
  }
}

/** Everybody up, everybody known to everybody, the market open. */
async function begin(fleet: Fleet, observer: Observer, { view, clock, signal, news }: Heard): Promise<number> {
  view.say(`Starting a bootstrap node and ${fleet.daemons.length} peers …`)
  await fleet.start(name => view.show(`Starting … ${name} is up`, observer.rows()))
  const seconds = await discovered(observer, { clock, signal, view, news })
  view.say(`Everybody is up; each peer knows at least ${observer.knownMin()} others after ${seconds.toFixed(1)} s.`)
  await Promise.all(fleet.daemons.map(daemon => daemon.client().of(tradingCommands).open()))
  return seconds
}

interface Life {
  readonly options: RunOptions
  readonly fleet: Fleet
  readonly observer: Observer
  readonly storm: Storm
  readonly load: Load | undefined
}

async function live(
  { options, fleet, observer, storm, load }: Life,
  { view, clock, signal, news }: Heard,
): Promise<void> {
  const from = clock.now()
  const plan: Kill[] = killPlan(
    options.actors.map(actor => actor.name),
    { share: options.killShare, durationMs: options.durationMs, seed: options.seed },
  )
  let hunted = options.killWorker ? load : undefined
  while (clock.now() - from < options.durationMs && !signal.aborted) {
    await observer.look()
    const left = Math.ceil((options.durationMs - (clock.now() - from)) / 1000)
    view.show(`Trading, ${left} s to go …`, observer.rows())
    while ((plan[0]?.atMs ?? Number.POSITIVE_INFINITY) <= clock.now() - from) storm.strike(plan.shift() as Kill)
    if (hunted !== undefined) {
      const victim = await workerOf(hunted, fleet.daemons, options.seed)
      if (victim !== undefined) {
        storm.strike({ name: victim, backAfterMs: BACK_MS })
        hunted = undefined
      }
    }
    await news.next(PATIENCE)
  }
  await storm.over()
}

async function liveUntilDone({ options, fleet, observer, storm, load }: Life, stage: Heard): Promise<void> {
  if (load === undefined) return
  const { killShare, seed, crowd } = options
  const who = { daemons: fleet.daemons, workers: crowd?.workers ?? [], observer, storm }
  await worked({ load, killShare, seed, ...who }, stage)
}

async function end(fleet: Fleet, observer: Observer, { view, clock, signal, news }: Heard): Promise<Snapshot[]> {
  view.say('The market is closed; open trades, deliveries and tasks come to their end …')
  await Promise.all(fleet.daemons.map(daemon => daemon.client().of(tradingCommands).close()))
  await settled(fleet.daemons, { clock, signal, view, news, observer })
  await observer.look()
  return await Promise.all(fleet.daemons.map(daemon => snapshot(daemon.plan.name, daemon.client())))
}

async function recordAll(directory: string, { daemons }: Fleet, view: View): Promise<void> {
  mkdirSync(directory, { recursive: true })
  const counts = await Promise.all(daemons.map(daemon => record(directory, daemon.plan.name, daemon.client())))
  view.say(`Recorded ${counts.reduce((sum, n) => sum + n, 0)} messages in ${directory}.`)
}
