import type { Command } from 'commander'
import { openClient } from '../../api/client.ts'
import { type JobRowAnswer, tasksCommands } from '../../domains/tasks/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { printTable } from '../terminal/table.ts'
import { homeOf, printLine, type Terminal } from '../terminal/terminal.ts'
import { duration, parseCount, timeOfDay } from '../terminal/units.ts'
import { showLogs } from './logs.ts'
import { showJob } from './show.ts'
import { type SubmitFlags, submitFiles } from './submit.ts'
import { parsePriority } from './wishes.ts'

const MAX_NAME = 32

export function registerTask(program: Command, terminal: Terminal): void {
  const task = program.command('task').description('have neighbours with spare compute work on texts')
  const client = () => openClient(homeOf(program, terminal))

  task
    .command('submit <file...>')
    .description(
      'have texts worked on by this machine and the peers you trust, or with --public by all that compute: ' +
        'whoever works on a job can read its texts',
    )
    .option('--kind <kind>', 'chunk, embed, pipeline, search or summarize', 'embed')
    .option(
      '--max-tokens <n>',
      'of kinds that make chunks: tokens in one at most, 48 to 120 (default: 110)',
      parseCount,
    )
    .option('--param <key=value...>', 'a parameter of the kind: query=…, top=5, sentences=3')
    .option('--out <file>', 'write the result there as lines of JSON: one a chunk, or one a text')
    .option('--priority <n>', 'higher goes first, -100 to 100', parsePriority)
    .option('--deadline <when>', 'drop what is not done by then: 90s, 10m, 2h, or 2026-12-24T18:00')
    .option('--public', 'anybody may read and work on the texts')
    .option(
      '--private [peers]',
      'only these peers may read and work on the texts, by commas; without any, as without --public, those of compute.trustedPeers',
    )
    .option('--verify <how>', 'adaptive: check the results of unproven peers; none: believe them')
    .option('--after <id...>', 'begin when these jobs are done')
    .option(
      '--key <key>',
      'submitted again under the same key, it is the same job, unless that expired or was cancelled',
    )
    .option('--peers', 'show how far each peer is')
    .option('--no-wait', 'do not wait for the result')
    .option('--json', 'for programs')
    .action((files: string[], flags: SubmitFlags) => submitFiles(files, flags, { client: client(), terminal }))

  task
    .command('list')
    .description('jobs of this peer, newest first')
    .option('--limit <n>', 'how many', parseCount, 30)
    .option('--json', 'for programs')
    .action(async ({ json, limit }: { json?: boolean; limit: number }) => {
      const rows = await client().of(tasksCommands).jobs({ limit })
      const now = systemClock.now()
      printTable(terminal, {
        rows,
        json: json === true,
        none: 'No jobs yet. "wattmesh task submit FILE" makes one.',
        columns: [
          { title: 'begun', cell: row => timeOfDay(row.createdMs, now) },
          { title: 'kind', cell: row => row.kind },
          { title: 'texts', right: true, cell: row => row.texts },
          { title: 'first text', cell: row => nameOf(row) },
          { title: 'parts', right: true, cell: row => row.total },
          { title: 'state', cell: row => row.state },
          { title: 'took', right: true, cell: row => duration((row.finishedMs ?? now) - row.createdMs) },
          { title: 'id', cell: row => row.id },
        ],
      })
    })

  task
    .command('show <id>')
    .description('how far a job is, and who works on it')
    .option('--out <file>', 'write the result of a finished job there as lines of JSON: one a chunk, or one a text')
    .option('--json', 'for programs')
    .option('--peers', 'what each peer did')
    .action((id: string, flags: { json?: boolean; out?: string; peers?: boolean }) =>
      showJob(id, flags, { client: client(), terminal }),
    )

  task
    .command('logs <id>')
    .description('what happened to a job and its parts, and when')
    .option('--part <n>', 'of this part only, counted from 0', parsePart)
    .option('--json', 'for programs')
    .action((id: string, flags: { part?: number; json?: boolean }) =>
      showLogs(id, flags, { client: client(), terminal }),
    )

  task
    .command('retry <id>')
    .description('try again what a job that failed, expired or was cancelled did not get done')
    .action(async (id: string) => {
      await client().of(tasksCommands).retry({ id })
      printLine(terminal, `job ${id} is tried again; "wattmesh task show ${id}" shows how far it is`)
    })

  task
    .command('cancel <id>')
    .description('stop a job; what is done of it is dropped')
    .action(async (id: string) => {
      await client().of(tasksCommands).cancel({ id })
      printLine(terminal, `job ${id} is cancelled`)
    })
}

/** The end of a long name tells more than its beginning. */
function nameOf({ name = '–' }: JobRowAnswer): string {
  return name.length <= MAX_NAME ? name : `…${name.slice(1 - MAX_NAME)}`
}

function parsePart(text: string): number {
  return text === '0' ? 0 : parseCount(text)
}
