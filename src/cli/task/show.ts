import type { Client } from '../../api/client.ts'
import { CodedError } from '../../kernel/errors.ts'
import { printTable } from '../terminal/table.ts'
import { printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { duration, shortPeer } from '../terminal/units.ts'
import type { JobView } from './progress.ts'
import { chunkCount, type DocumentResult, writeResult } from './result.ts'

interface Stage {
  readonly client: Client
  readonly terminal: Terminal
}

export async function showJob(
  id: string,
  { json, out }: { json?: boolean; out?: string },
  stage: Stage,
): Promise<void> {
  const { client, terminal } = stage
  const path = `/v1/jobs/${encodeURIComponent(id)}`
  const job = await client.get<JobView>(path)
  const results = job.state === 'done' ? await client.get<DocumentResult[]>(`${path}/result`) : undefined
  if (out !== undefined) {
    if (results === undefined)
      throw new CodedError('CLI_NOT_DONE', `the job is ${job.state}, there is nothing to write`)
    await writeResult(out, results, terminal.cwd)
  }
  if (json === true) return printJson(terminal, { ...job, ...(results === undefined ? {} : { results }) })
  printLine(terminal, `${job.kind} of ${job.documents.map(({ name }) => name).join(', ')}: ${job.state}`)
  if (job.reason !== undefined) printLine(terminal, job.reason)
  printLine(terminal, summaryOf(job, results))
  if (job.state === 'running') printParts(job, terminal)
}

/** Chunks, parts, workers and what had to be tried again. */
export function summaryOf(job: JobView, results: readonly DocumentResult[] | undefined): string {
  const workers = new Set(job.parts.map(({ worker }) => worker).filter(worker => worker !== undefined))
  const retried = job.parts.filter(({ attempt }) => attempt > 1).length
  const chunks = results === undefined ? '' : `${counted(chunkCount(results), 'chunk')} in `
  const took = job.finishedMs === undefined ? '' : `, in ${duration(job.finishedMs - job.createdMs)}`
  const again = retried === 0 ? 'none tried again' : `${retried} tried again`
  return `${chunks}${counted(job.total, 'part')}, by ${counted(workers.size, 'worker')}, ${again}${took}`
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function printParts(job: JobView, terminal: Terminal): void {
  printTable(terminal, {
    ...{ rows: job.parts.filter(({ state }) => state !== 'done'), json: false, none: '' },
    columns: [
      { title: 'part', right: true, cell: part => part.index },
      { title: 'state', cell: part => part.state },
      { title: 'attempt', right: true, cell: part => part.attempt },
      { title: 'worker', cell: part => (part.worker === undefined ? '–' : shortPeer(part.worker)) },
      { title: 'why again', cell: part => part.reason ?? '' },
    ],
  })
}
