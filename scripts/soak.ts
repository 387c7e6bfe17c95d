import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { daemonCommands } from '../src/daemon/commands.ts'
import { tasksCommands } from '../src/domains/tasks/commands.ts'
import { tradingCommands } from '../src/domains/trading/commands.ts'
import type { Daemon } from '../src/harness/fleet/daemon.ts'
import { createFleet } from '../src/harness/fleet/fleet.ts'
import { crowd } from '../src/harness/scenario/crowd.ts'
import { smallTexts } from '../src/harness/scenario/small-texts.ts'
import { street } from '../src/harness/scenario/street.ts'
import { installedReadmes } from '../src/harness/scenario/work.ts'
import { systemClock } from '../src/kernel/clock.ts'
import { messageOf } from '../src/kernel/errors.ts'
import { figuresOf, gaugesIn, type Sample, type SoakFigures } from './soak-figures.ts'

/**
 * A network under full load for many minutes: a street of four households and a utility trades slot after slot, and one
 * peer always has work for two that compute. What each daemon holds is looked at every ten seconds; printed is how its
 * memory grew after the first fifth, and the most of everything that is bounded.
 */
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, json: { type: 'string' } },
})

const SAMPLE_MS = 10_000
const SLOT_MS = 15 * 60_000
/** A slot takes five seconds. */
const SPEED = 180
const TEXTS_A_JOB = 1_000
/** A new job comes when fewer parts than this are open: the workers never wait for one. */
const FEED_BELOW = 500
const MB = 1024 * 1024

interface Soak {
  readonly daemons: readonly Daemon[]
  readonly asker: Daemon
  readonly samples: Map<string, Sample[]>
  /** Jobs given, newest last. */
  readonly jobs: string[]
}

async function soak(minutes: number, signal: AbortSignal): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'wattmesh-soak-'))
  const startedMs = systemClock.now()
  const durationMs = minutes * 60_000
  const shape = { speed: SPEED, slotMs: SLOT_MS, durationMs, seed: 1 }
  const actors = [
    ...street({ households: 4, utilities: 1, compute: 0, offlineShare: 0, ...shape }),
    ...crowd({ compute: 2, asker: true, liarShare: 0, lieShare: 0, seed: 1 }),
  ]
  const market = { 'market.slotMs': SLOT_MS, 'market.speed': SPEED, 'market.originMs': startedMs }
  const steps = { 'market.stepTimeoutMs': 3_000, 'market.reservationMs': 6_000, 'market.searchMs': 600 }
  const fleet = createFleet(actors, {
    directory,
    networkName: `soak-${startedMs}`,
    shared: { ...market, ...steps, 'manners.sensors': false, 'log.level': 'warn', 'report.minutes': 0 },
  })
  try {
    await fleet.start(name => console.log(`${name} is up`))
    const asker = fleet.daemons.find(({ plan }) => plan.name.startsWith('asker'))
    if (asker === undefined) throw new TypeError('the crowd has nobody who asks')
    const run: Soak = { daemons: fleet.daemons, asker, samples: new Map(), jobs: [] }
    for (const { client } of fleet.daemons) await client().of(tradingCommands).open()
    await live(run, { untilMs: systemClock.now() + durationMs, signal })
    await tell(run)
  } finally {
    await fleet.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function live(run: Soak, { untilMs, signal }: { untilMs: number; signal: AbortSignal }): Promise<void> {
  let nextSampleMs = systemClock.now()
  while (systemClock.now() < untilMs && !signal.aborted) {
    await feed(run)
    if (systemClock.now() >= nextSampleMs) {
      await Promise.all(run.daemons.map(daemon => sample(daemon, run.samples)))
      nextSampleMs += SAMPLE_MS
    }
    await systemClock.sleep(500, signal)
  }
}

async function feed({ asker, jobs }: Soak): Promise<void> {
  const newest = jobs.at(-1)
  const { done, open } = newest === undefined ? { done: 0, open: 0 } : await countsOf(asker, newest)
  if (newest !== undefined && (open >= FEED_BELOW || done === 0)) return
  const texts = smallTexts(READMES, TEXTS_A_JOB).map(({ name, text }) => ({ name, text: `${jobs.length}\n\n${text}` }))
  const job = { kind: 'chunk', params: { maxTokens: 110 }, documents: texts, privacy: 'public' } as const
  const { id } = await asker.client().of(tasksCommands).submit(job)
  jobs.push(id)
}

async function countsOf(asker: Daemon, job: string): Promise<{ done: number; open: number }> {
  const { counts } = await asker.client().of(tasksCommands).progress({ id: job })
  return { done: counts['done'] ?? 0, open: (counts['queued'] ?? 0) + (counts['leased'] ?? 0) }
}

async function sample({ plan, client }: Daemon, samples: Map<string, Sample[]>): Promise<void> {
  const { memoryBytes } = await client().of(daemonCommands).status()
  const gauges = gaugesIn(await client().of(daemonCommands).metrics())
  const mine = samples.get(plan.name) ?? []
  mine.push({ atMs: systemClock.now(), rssMb: memoryBytes / MB, gauges })
  samples.set(plan.name, mine)
}

async function tell({ daemons, asker, samples, jobs }: Soak): Promise<void> {
  const figures = [...samples].map(([name, mine]) => figuresOf(name, mine))
  const counts = await Promise.all(jobs.map(job => countsOf(asker, job)))
  const tasksDone = counts.reduce((sum, { done }) => sum + done, 0)
  const trades = await Promise.all(daemons.map(daemon => boughtBy(daemon)))
  const tradesAgreed = trades.reduce((sum, n) => sum + n, 0)
  console.table(Object.fromEntries(figures.map(one => [one.name, rowOf(one)])))
  console.table(Object.fromEntries(figures.map(({ name, gaugesMost }) => [name, gaugesMost])))
  console.log(`${tasksDone} tasks done, ${tradesAgreed} trades agreed`)
  if (values.json !== undefined) {
    const report = { minutes: Number(values.minutes), tasksDone, tradesAgreed, figures, samples: [...samples] }
    writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)
  }
}

async function boughtBy({ client }: Daemon): Promise<number> {
  const trades = await client().of(tradingCommands).trades({ limit: 100_000 })
  return trades.filter(({ role, state }) => role === 'buyer' && (state === 'active' || state === 'settled')).length
}

function rowOf({ rssMb, heapMb, samples }: SoakFigures): Record<string, number> {
  const round = (value: number): number => Math.round(value * 10) / 10
  return {
    samples,
    'RSS MB': round(rssMb.last),
    'RSS most': round(rssMb.most),
    'RSS MB/h': round(rssMb.slopePerHour),
    'heap MB': round(heapMb.last),
    'heap most': round(heapMb.most),
    'heap MB/h': round(heapMb.slopePerHour),
  }
}

const READMES = installedReadmes(fileURLToPath(new URL('../node_modules', import.meta.url)), 2 * MB)
const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())
process.once('SIGTERM', () => interrupted.abort())
try {
  const minutes = Number(values.minutes)
  if (!(minutes > 0)) throw new TypeError(`--minutes ${values.minutes} is no number of minutes`)
  await soak(minutes, interrupted.signal)
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = 1
}
