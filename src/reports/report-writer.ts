import { mkdirSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, repeat } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import { renderAside } from './aside.ts'
import type { ReportData } from './report-data.ts'

/** However fast market time runs, a report is not drawn more often than this. */
const LEAST_MS = 10_000

/** Writes report.json and report.html into the data directory, whenever there is something new to tell. */
export function createReportWriter(deps: {
  readonly home: string
  /** Real time. */
  readonly periodMs: number
  readonly data: () => ReportData
  readonly clock: Clock
  readonly log: Log
}): Part {
  const directory = join(deps.home, 'reports')
  const stopping = new AbortController()
  let told = ''

  async function write(): Promise<void> {
    try {
      const data = deps.data()
      // The time that passes is no news.
      const news = JSON.stringify({ ...data, writtenMs: 0, toMs: 0 })
      if (news === told) return
      const { json, html } = await renderAside(data, { signal: stopping.signal })
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      await replace(join(directory, 'report.json'), json)
      await replace(join(directory, 'report.html'), html)
      told = news
    } catch (error) {
      if (!stopping.signal.aborted) deps.log.warn({ reason: messageOf(error) }, 'the report was not written')
    }
  }

  return {
    name: 'report',
    start() {
      if (deps.periodMs > 0) void repeat(deps.clock, Math.max(LEAST_MS, deps.periodMs), stopping.signal, write)
    },
    stop: () => stopping.abort(),
  }
}

/** Whoever reads meanwhile sees the old one or the new one, whole. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 })
  await rename(`${file}.new`, file)
}
