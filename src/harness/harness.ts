import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../kernel/clock.ts'
import { seededRandom, shuffled } from '../kernel/random.ts'
import type { Daemon } from './daemon.ts'
import { createFleet } from './fleet.ts'
import { createObserver, type Observer } from './observer.ts'
import { record } from './recording.ts'
import { createReport, type Report } from './report.ts'
import { type Kill, killPlan } from './scenario/kill-plan.ts'
import { type Actor, SLOT_MS } from './scenario/street.ts'
import type { SourceDocument } from './scenario/work.ts'
import { snapshot } from './snapshot.ts'
import type { View } from './view.ts'

export interface RunOptions {
  readonly actors: readonly Actor[]
  readonly durationMs: number
  readonly speed: number
  readonly seed: number
  /** Share of the peers killed on the way. */
  readonly killShare: number
  /** Kill one peer while it works on a task of another. */
  readonly killWorker: boolean
  readonly documents: readonly SourceDocument[]
  /** Keep every message here. */
  readonly recordTo?: string
}

const DISCOVERY_MS = 60_000
const SETTLE_MS = 90_000
const LOOK_MS = 500
const BACK_MS = 4_000

/** Starts a whole network on this machine, lets it live, kills some of it, and judges what came of it. */
export async function run(
  options: RunOptions,
  { view, clock, signal }: { view: View; clock: Clock; signal: AbortSignal },
): Promise<Report> {
  const { actors, seed } = options
  const startedMs = clock.now()
  const directory = mkdtempSync(join(tmpdir(), 'wattmesh-local-'))
  const shared = {
    ...{ 'market.slotMs': SLOT_MS, 'market.speed': options.speed, 'market.originMs': startedMs, 'market.seed': seed },
    ...{ 'market.stepTimeoutMs': 4_000, 'market.reservationMs': 8_000, 'market.autoOpen': false },
  }
  const fleet = createFleet(actors, { directory, networkName: `local-${startedMs}`, shared })
  const roles = new Map(actors.map(actor => [actor.name, { roles: actor.roles.join('+'), options: actor.options }]))
  const observer = createObserver(fleet.daemons, roles)
  const killed: string[] = []
  let judged = false
  try {
    view.say(`Starting a bootstrap node and ${actors.length} peers …`)
    await fleet.start(name => view.show(`Starting … ${name} is up`, observer.rows()))
    const discoverySeconds = await discovered(observer, { clock, signal, view })
    view.say(
      `Everybody is up; each peer knows at least ${observer.knownMin()} others after ${discoverySeconds.toFixed(1)} s.`,
    )

    await Promise.all(fleet.daemons.map(daemon => daemon.client().post('/v1/market/open', {})))
    const jobId = await submit(fleet.daemons, options.documents, view)
    const plan = killPlan(
      actors.map(actor => actor.name),
      { share: options.killShare, durationMs: options.durationMs, seed },
    )
    const storm = createStorm(fleet.daemons, { view, clock, killed, signal })
    await live({ ...options, observer, storm, plan, jobId, daemons: fleet.daemons }, { view, clock, signal })
    await storm.over()

    view.say('The market is closed; open trades and tasks come to their end …')
    await Promise.all(fleet.daemons.map(daemon => daemon.client().post('/v1/market/close', {})))
    await settled(fleet.daemons, { clock, signal })
    await observer.look()
    const snapshots = await Promise.all(fleet.daemons.map(daemon => snapshot(daemon.plan.name, daemon.client())))
    if (options.recordTo !== undefined) await recordAll(options.recordTo, fleet.daemons, view)
    const chunksEmbedded = await embedded(fleet.daemons, jobId)
    judged = true
    return createReport({
      ...{ snapshots, counters: observer.counters(), discoverySeconds, killed, seed },
      knownMin: Math.min(...snapshots.map(one => one.knownPeers)),
      chunksEmbedded,
      durationSeconds: (clock.now() - startedMs) / 1000,
    })
  } finally {
    view.done()
    await fleet.stop()
    // After a failure the logs are what a person needs next.
    if (judged) rmSync(directory, { recursive: true, force: true })
  }
}

interface Watch {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly view: View
}

async function discovered(observer: Observer, { clock, signal, view }: Watch): Promise<number> {
  const from = clock.now()
  while (clock.now() - from < DISCOVERY_MS && !signal.aborted) {
    await observer.look()
    const rows = observer.rows()
    view.show('Finding each other …', rows)
    if (observer.knownMin() >= rows.length - 1) break
    await clock.sleep(100, signal)
  }
  return (clock.now() - from) / 1000
}

/** The job goes to the first peer that does not compute: its work must travel. */
async function submit(
  daemons: readonly Daemon[],
  documents: readonly SourceDocument[],
  view: View,
): Promise<string | undefined> {
  if (documents.length === 0) return undefined
  const submitter = submitterOf(daemons)
  const job = await submitter
    .client()
    .post<{ id: string; total: number }>('/v1/jobs', { kind: 'embed', params: { maxTokens: 110 }, documents })
  view.say(
    `${submitter.plan.name} asks the neighbours to chunk and embed ${documents.length} texts: ${job.total} parts.`,
  )
  return job.id
}

function submitterOf(daemons: readonly Daemon[]): Daemon {
  const found = daemons.find(({ plan }) => !plan.command.some(word => word.includes('compute'))) ?? daemons[0]
  if (found === undefined) throw new TypeError('a network without peers')
  return found
}

interface Storm {
  strike(kill: Kill): void
  over(): Promise<void>
}

/** Kills peers and brings them back. */
function createStorm(daemons: readonly Daemon[], { view, clock, killed, signal }: Watch & { killed: string[] }): Storm {
  const running: Promise<void>[] = []

  async function strike({ name, backAfterMs }: Kill): Promise<void> {
    const daemon = daemons.find(one => one.plan.name === name)
    if (daemon?.alive !== true) return
    killed.push(name)
    view.say(`✝ ${name} is killed`)
    await daemon.kill()
    await clock.sleep(backAfterMs, signal)
    await daemon.start()
    await daemon.client().post('/v1/market/open', {})
    view.say(`↻ ${name} is back`)
  }

  return {
    strike: kill => void running.push(strike(kill)),
    over: async () => void (await Promise.all(running)),
  }
}

interface Life extends RunOptions {
  readonly observer: Observer
  readonly storm: Storm
  readonly plan: readonly Kill[]
  readonly jobId: string | undefined
  readonly daemons: readonly Daemon[]
}

async function live(life: Life, { view, clock, signal }: Watch): Promise<void> {
  const from = clock.now()
  const plan = [...life.plan]
  let hunting = life.killWorker && life.jobId !== undefined
  while (clock.now() - from < life.durationMs && !signal.aborted) {
    await life.observer.look()
    const left = Math.ceil((life.durationMs - (clock.now() - from)) / 1000)
    view.show(`Trading, ${left} s to go …`, life.observer.rows())
    while ((plan[0]?.atMs ?? Number.POSITIVE_INFINITY) <= clock.now() - from) life.storm.strike(plan.shift() as Kill)
    if (hunting) {
      const victim = await workerOf(life)
      if (victim !== undefined) life.storm.strike({ name: victim, atMs: 0, backAfterMs: BACK_MS })
      hunting = victim === undefined
    }
    await clock.sleep(LOOK_MS, signal)
  }
}

/** A peer that holds a part of the job just now, once a tenth is done. */
async function workerOf({ daemons, jobId, seed }: Life): Promise<string | undefined> {
  const submitter = submitterOf(daemons)
  // Killed itself just now: the hunt goes on when it is back.
  if (!submitter.alive) return undefined
  const job = await submitter
    .client()
    .get<{ total: number; counts: Record<string, number>; parts: { state: string; worker?: string }[] }>(
      `/v1/jobs/${jobId}`,
    )
  if ((job.counts['done'] ?? 0) < job.total / 10) return undefined
  const holders = new Set(job.parts.filter(part => part.state === 'leased').map(part => part.worker))
  const candidates = daemons.filter(daemon => daemon.alive && holders.has(daemon.ready().peerId))
  return shuffled(candidates, seededRandom(seed))[0]?.plan.name
}

/** Until nothing is open any more, or it takes too long: then the report tells. */
async function settled(daemons: readonly Daemon[], { clock, signal }: Omit<Watch, 'view'>): Promise<void> {
  const from = clock.now()
  while (clock.now() - from < SETTLE_MS && !signal.aborted) {
    const open = await Promise.all(daemons.map(openThings))
    if (open.every(count => count === 0)) return
    await clock.sleep(LOOK_MS, signal)
  }
}

async function openThings(daemon: Daemon): Promise<number> {
  const { trading } = await daemon
    .client()
    .get<{ trading: { trades: Record<string, number>; needs: Record<string, number> } }>('/v1/status')
  const jobs = await daemon.client().get<{ state: string }[]>('/v1/jobs?limit=100')
  const trades = ['selecting', 'quoted', 'reserved', 'confirming'].map(state => trading.trades[state] ?? 0)
  const needs = ['searching', 'trading'].map(state => trading.needs[state] ?? 0)
  return [...trades, ...needs, jobs.filter(job => job.state === 'running').length].reduce((sum, n) => sum + n, 0)
}

async function embedded(daemons: readonly Daemon[], jobId: string | undefined): Promise<number> {
  if (jobId === undefined) return 0
  const client = submitterOf(daemons).client()
  const job = await client.get<{ state: string }>(`/v1/jobs/${jobId}`)
  if (job.state !== 'done') return 0
  const result = await client.get<{ result: { chunks: unknown[] } }[]>(`/v1/jobs/${jobId}/result`)
  return result.reduce((sum, { result: { chunks } }) => sum + chunks.length, 0)
}

async function recordAll(directory: string, daemons: readonly Daemon[], view: View): Promise<void> {
  mkdirSync(directory, { recursive: true })
  const counts = await Promise.all(daemons.map(daemon => record(directory, daemon.plan.name, daemon.client())))
  view.say(`Recorded ${counts.reduce((sum, n) => sum + n, 0)} messages in ${directory}.`)
}
