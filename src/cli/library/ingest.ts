import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type Client, openClient } from '../../api/client.ts'
import { DEFAULT_COLLECTION, type IngestJobAnswer, knowledgeCommands } from '../../domains/knowledge/commands.ts'
import { CodedError } from '../../kernel/errors.ts'
import { plainText } from '../terminal/table.ts'
import { homeOf, printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { type AccessFlags, accessFrom } from './access.ts'
import { followIngest, isOver } from './progress.ts'

interface IngestFlags extends AccessFlags {
  readonly collection: string
  readonly json?: boolean
}

/** Reasons shown; the rest are counted. */
const MAX_SHOWN = 20

export function registerIngest(program: Command, terminal: Terminal): void {
  program
    .command('ingest <path...>')
    .description('read documents (text, Markdown, HTML, PDF) into a collection that can be asked')
    .option('--collection <name>', 'where they go; made when it is not there', DEFAULT_COLLECTION)
    .option('--public', 'everybody may read passages of the collection, and be asked to compute its vectors')
    .option('--share <peers>', 'these peers may, ids with commas between')
    .option('--private', 'nobody else may, as in a new collection')
    .option('--json', 'for programs')
    .action(async (paths: string[], flags: IngestFlags) => {
      await ingest(paths, flags, { client: openClient(homeOf(program, terminal)), terminal })
    })
}

async function ingest(
  paths: readonly string[],
  flags: IngestFlags,
  { client, terminal }: { client: Client; terminal: Terminal },
): Promise<void> {
  const signal = terminal.interrupted()
  const access = accessFrom(flags)
  const knowledge = client.of(knowledgeCommands)
  const begun = await knowledge.ingest({
    paths: paths.map(path => resolve(terminal.cwd, path)),
    collection: flags.collection,
    ...(access === undefined ? {} : { access }),
  })
  const stream = flags.json === true ? terminal.err : terminal.out
  let job = await followIngest(begun.id, { client, stream, signal })
  if (!isOver(job)) {
    await knowledge.cancelReading({ id: begun.id })
    job = await knowledge.reading({ id: begun.id })
  }
  if (flags.json === true) printJson(terminal, job)
  else summarise(job, terminal)
  if (job.state === 'failed') throw new CodedError('CLI_INGEST_FAILED', job.reason ?? 'reading failed')
}

function summarise(job: IngestJobAnswer, terminal: Terminal): void {
  for (const { path, reason } of job.reasons.slice(0, MAX_SHOWN))
    printLine(terminal, plainText(`skipped ${path}: ${reason}`))
  const more = job.skipped - Math.min(job.skipped, MAX_SHOWN)
  if (more > 0) printLine(terminal, `skipped ${more} more; --json lists ${job.reasons.length} reasons`)
  const parts = [
    [job.added, 'new'],
    [job.changed, 'changed'],
    [job.unchanged, 'unchanged'],
    [job.removed, 'removed'],
    [job.skipped, 'skipped'],
  ] as const
  const said = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`)
  const how = job.state === 'done' ? '' : ' (stopped; what is read stays, and the same command goes on)'
  printLine(
    terminal,
    `${job.collection}: ${said.length === 0 ? 'no files' : said.join(', ')}, ${job.passages} passages${byPeers(job)}${how}`,
  )
}

function byPeers({ byPeers: peers }: IngestJobAnswer): string {
  const passages = peers.reduce((sum, one) => sum + one.passages, 0)
  return passages === 0 ? '' : `, ${passages} of them by ${peers.length === 1 ? 'a peer' : `${peers.length} peers`}`
}
