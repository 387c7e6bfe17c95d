import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../kernel/clock.ts'
import { run } from './harness.ts'
import type { Report } from './judge/report.ts'
import { withRealHomes } from './scenario/real-homes.ts'
import { SLOT_MS, street } from './scenario/street.ts'
import { installedReadmes } from './scenario/work.ts'
import { createView, summary } from './view.ts'

/** What `wattmesh local` and the demo let a person choose. */
export interface LocalOptions {
  readonly households: number
  readonly utilities: number
  readonly compute: number
  readonly seconds: number
  readonly speed: number
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
  const scenario = { ...options, durationMs: options.seconds * 1000, offlineShare: options.offlinePercent / 100 }
  const actors = street(scenario)
  try {
    const { report, snapshots } = await run(
      {
        actors: options.data === undefined ? actors : withRealHomes(actors, options.data, scratch),
        ...{ durationMs: scenario.durationMs, slotMs: SLOT_MS, speed: options.speed, seed: options.seed },
        ...{ killShare: options.killPercent / 100, killWorker: options.killWorker },
        ...{ lossShare: options.lossPercent / 100, kind: 'embed' as const },
        documents:
          options.textKb === 0 || options.compute === 0 ? [] : installedReadmes(modules(), options.textKb * 1024),
        ...(options.record === undefined ? {} : { recordTo: options.record }),
      },
      { view: createView(stdout), clock: systemClock, signal },
    )
    stdout.write(`\n${summary(report)}`)
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`)
    return report
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Where this program's own dependencies are. */
function modules(): string {
  const own = fileURLToPath(import.meta.resolve('zod'))
  return own.slice(0, own.lastIndexOf('node_modules') + 'node_modules'.length)
}
