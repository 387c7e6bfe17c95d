import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../kernel/clock.ts'
import { renderAside } from '../reports/aside.ts'
import { run } from './harness.ts'
import type { Report } from './judge/report.ts'
import { withRealHomes } from './scenario/real-homes.ts'
import { REFERENCE, referenceOf, street } from './scenario/street.ts'
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
  readonly data?: string
  readonly json?: string
  readonly record?: string
  /** Write the page with the plots here. */
  readonly html?: string
}

/** Runs a local network, prints what came of it, and writes the report. */
export async function runLocal(
  options: LocalOptions,
  screen: { stdout: NodeJS.WriteStream; signal: AbortSignal },
): Promise<Report> {
  const { stdout, signal } = screen
  const scratch = mkdtempSync(join(tmpdir(), 'wattmesh-homes-'))
  const scenario = {
    ...options,
    slotMs: options.slotMinutes * 60_000,
    durationMs: options.seconds * 1000,
    offlineShare: options.offlinePercent / 100,
  }
  const actors = street(scenario)
  try {
    const { report, street: told } = await run(
      {
        actors: options.data === undefined ? actors : withRealHomes(actors, options.data, scratch),
        ...{ durationMs: scenario.durationMs, slotMs: scenario.slotMs, speed: options.speed, seed: options.seed },
        ...{ killShare: options.killPercent / 100, killWorker: options.killWorker },
        ...{ lossShare: options.lossPercent / 100, kind: 'embed' as const },
        ...{ offlineShare: scenario.offlineShare, street: { title: titleOf(options), currency: 'USD', ...GRID } },
        ...(options.data === undefined ? referenceOf(scenario) : {}),
        documents:
          options.textKb === 0 || options.compute === 0 ? [] : installedReadmes(modules(), options.textKb * 1024),
        ...(options.record === undefined ? {} : { recordTo: options.record }),
      },
      { view: createView(stdout), clock: systemClock, signal },
    )
    stdout.write(`\n${summary(report)}`)
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`)
    if (options.html !== undefined) writeFileSync(options.html, (await renderAside(told)).html)
    return report
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

const GRID = { retailMicro: REFERENCE.utilityMicro, feedInMicro: 80_000 }

function titleOf({ households, data, seconds, speed }: LocalOptions): string {
  const hours = Math.round((seconds * speed) / 3600)
  return `A street of ${households} ${data === undefined ? 'households' : 'real homes'}, ${hours} hours`
}

/** Where this program's own dependencies are. */
function modules(): string {
  const own = fileURLToPath(import.meta.resolve('zod'))
  return own.slice(0, own.lastIndexOf('node_modules') + 'node_modules'.length)
}
