import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../kernel/clock.ts'
import { renderAside } from '../reports/aside.ts'
import { type RunOptions, run } from './harness.ts'
import type { Report } from './judge/report.ts'
import { crowd } from './scenario/crowd.ts'
import { withRealHomes } from './scenario/real-homes.ts'
import { smallTexts } from './scenario/small-texts.ts'
import { type Actor, REFERENCE, referenceOf, street } from './scenario/street.ts'
import { installedReadmes } from './scenario/work.ts'
import { createView, summary } from './view.ts'

/** What `wattmesh local` and the demo let a person choose. */
export interface LocalOptions {
  readonly households: number
  readonly utilities: number
  readonly compute: number
  readonly seconds: number
  readonly speed: number
  /** Length of a delivery slot, in market time. */
  readonly slotMinutes: number
  readonly offlinePercent: number
  readonly lossPercent: number
  readonly killPercent: number
  readonly killWorker: boolean
  readonly seed: number
  /** Text to chunk and embed, from the README files of installed packages; 0: none. */
  readonly textKb: number
  /** Small tasks for the compute peers instead; the run lasts until they are done. */
  readonly crowd?: CrowdWork
  readonly data?: string
  readonly json?: string
  readonly record?: string
  /** Write the page with the plots here. */
  readonly html?: string
}

export interface CrowdWork {
  readonly tasks: number
  /** Share of the compute peers that lie; absent: nobody asked. */
  readonly liarPercent?: number
  /** Share of a liar's results that are lies. */
  readonly liePercent: number
}

/** Runs a local network, prints what came of it, and writes the report. */
export async function runLocal(
  options: LocalOptions,
  screen: { stdout: NodeJS.WriteStream; signal: AbortSignal },
): Promise<Report> {
  const { stdout, signal } = screen
  const scratch = mkdtempSync(join(tmpdir(), 'wattmesh-homes-'))
  try {
    const plan = planOf(options, scratch)
    const { report, street: told } = await run(plan, { view: createView(stdout), clock: systemClock, signal })
    stdout.write(`\n${summary(report)}`)
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`)
    if (options.html !== undefined) writeFileSync(options.html, (await renderAside(told)).html)
    return report
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function planOf(options: LocalOptions, scratch: string): RunOptions {
  const scenario = {
    ...options,
    // In a crowd those who compute do nothing else.
    compute: options.crowd === undefined ? options.compute : 0,
    slotMs: options.slotMinutes * 60_000,
    durationMs: options.seconds * 1000,
    offlineShare: options.offlinePercent / 100,
  }
  const homes = street(scenario)
  const traders =
    options.data === undefined
      ? homes
      : withRealHomes(homes, options.data, { scratch, slotMs: options.slotMinutes * 60_000 })
  return {
    durationMs: scenario.durationMs,
    slotMs: scenario.slotMs,
    speed: options.speed,
    seed: options.seed,
    killShare: options.killPercent / 100,
    killWorker: options.killWorker,
    lossShare: options.lossPercent / 100,
    offlineShare: scenario.offlineShare,
    street: { title: titleOf(options), currency: 'USD', ...GRID },
    ...(options.data === undefined ? referenceOf(scenario) : {}),
    ...(options.record === undefined ? {} : { recordTo: options.record }),
    ...(options.crowd === undefined ? streetWork(traders, options) : crowdWork(traders, options, options.crowd)),
  }
}

type Work = Pick<RunOptions, 'actors' | 'documents' | 'kind' | 'crowd'>

function streetWork(actors: readonly Actor[], { textKb, compute }: LocalOptions): Work {
  const documents = textKb === 0 || compute === 0 ? [] : installedReadmes(modules(), textKb * 1024)
  return { actors, documents, kind: 'embed' }
}

function crowdWork(
  traders: readonly Actor[],
  { compute, seed }: LocalOptions,
  { tasks, liarPercent, liePercent }: CrowdWork,
): Work {
  const shares = { liarShare: (liarPercent ?? 0) / 100, lieShare: liePercent / 100 }
  const people = crowd({ compute, asker: traders.length === 0, ...shares, seed })
  const workers = people.filter(({ roles }) => roles.includes('compute')).map(({ name }) => name)
  return {
    actors: [...traders, ...people],
    documents: smallTexts(installedReadmes(modules(), READMES_BYTES), tasks),
    kind: 'chunk',
    crowd: { workers, liars: liarPercent !== undefined },
  }
}

const READMES_BYTES = 8 * 1024 * 1024
const GRID = { retailMicro: REFERENCE.utilityMicro, feedInMicro: 80_000 }

function titleOf({ households, data, seconds, speed, crowd: work }: LocalOptions): string {
  if (work !== undefined) return `${work.tasks} tasks`
  const hours = Math.round((seconds * speed) / 3600)
  return `A street of ${households} ${data === undefined ? 'households' : 'real homes'}, ${hours} hours`
}

/** Where this program's own dependencies are. */
function modules(): string {
  const own = fileURLToPath(import.meta.resolve('zod'))
  return own.slice(0, own.lastIndexOf('node_modules') + 'node_modules'.length)
}
