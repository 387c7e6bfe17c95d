import type { Client } from '../../api/client.ts'
import { type JobProgressAnswer, type JobViewAnswer, tasksCommands } from '../../domains/tasks/commands.ts'
import { CodedError } from '../../kernel/errors.ts'
import { plainText, printTable } from '../terminal/table.ts'
import { printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { duration, shortPeer } from '../terminal/units.ts'
import { isOpen } from './progress.ts'
import { printWithResults, readResult, writeResult } from './result.ts'

interface Stage {
  readonly client: Client
  readonly terminal: Terminal
}

/** Parts shown of a job that still runs, or did not end well. */
const SHOWN = 200
const MOST_PARTS = 100_000

export async function showJob(
  id: string,
  { json, out, peers }: { json?: boolean; out?: string; peers?: boolean },
  { client, terminal }: Stage,
): Promise<void> {
  const tasks = client.of(tasksCommands)
  const job = await tasks.job({ id, limit: json === true ? MOST_PARTS : 0 })
  const chunks = out === undefined ? 0 : await writeOut(job, out, { client, terminal })
  if (json === true) {
    if (job.state === 'done') return printWithResults(terminal, job, readResult(id, client))
    return printJson(terminal, job)
  }
  printLine(terminal, headline(job))
  if (job.reason !== undefined) printLine(terminal, plainText(job.reason))
  printLine(terminal, summaryOf(job, chunks))
  if (peers === true) printPeers(job, terminal)
  if (isOpen(job) || job.state === 'failed') {
    printParts(await tasks.job({ id, limit: SHOWN }), terminal)
  }
}

async function writeOut({ id, state }: JobViewAnswer, out: string, { client, terminal }: Stage): Promise<number> {
  if (state !== 'done') throw new CodedError('CLI_NOT_DONE', `the job is ${state}, there is nothing to write`)
  return writeResult(out, readResult(id, client), terminal.cwd)
}

function headline({ kind, documents, state }: JobViewAnswer): string {
  const names = documents.slice(0, 3).map(({ name }) => name)
  const more = documents.length > 3 ? ` and ${documents.length - 3} more` : ''
  return plainText(`${kind} of ${names.join(', ')}${more}: ${state}`)
}

/** Chunks where they were counted, parts, workers and how long it took. */
export function summaryOf(job: JobViewAnswer, chunksMade: number): string {
  const chunks = chunksMade === 0 ? '' : `${counted(chunksMade, 'chunk')} in `
  const took = job.finishedMs === undefined ? '' : `, in ${duration(job.finishedMs - job.createdMs)}`
  const again = job.retried === 0 ? ', none tried again' : `, ${job.retried} tried again`
  const undone = Object.entries(job.counts).filter(([state]) => state !== 'done')
  const rest = undone.map(([state, count]) => `, ${count} ${state}`).join('')
  return `${chunks}${counted(job.total, 'part')}, by ${counted(job.workers.length, 'worker')}${rest}${again}${took}`
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function printPeers({ workers }: JobProgressAnswer, terminal: Terminal): void {
  printTable(terminal, {
    rows: workers,
    json: false,
    none: 'Nobody works on it yet.',
    columns: [
      { title: 'peer', cell: row => shortPeer(row.peer) },
      { title: 'done', right: true, cell: row => row.done },
      { title: 'has now', right: true, cell: row => row.leased },
    ],
  })
}

function printParts(job: JobViewAnswer, terminal: Terminal): void {
  printTable(terminal, {
    rows: job.parts.filter(({ state }) => state !== 'done'),
    json: false,
    none: '',
    columns: [
      { title: 'part', right: true, cell: part => part.index },
      { title: 'state', cell: part => part.state },
      { title: 'attempt', right: true, cell: part => part.attempt },
      { title: 'worker', cell: part => (part.worker === undefined ? '–' : shortPeer(part.worker)) },
      { title: 'why again', cell: part => part.reason ?? '' },
    ],
  })
}
