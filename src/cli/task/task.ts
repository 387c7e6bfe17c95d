import type { Command } from 'commander'
import { openClient } from '../../api/client.ts'
import type { Commands } from '../../commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { printTable } from '../terminal/table.ts'
import { homeOf, printLine, type Terminal } from '../terminal/terminal.ts'
import { duration, parseCount, timeOfDay } from '../terminal/units.ts'
import { showJob } from './show.ts'
import { type SubmitFlags, submitFiles } from './submit.ts'

type Job = ReturnType<Commands['jobs']>[number]

export function registerTask(program: Command, terminal: Terminal): void {
  const task = program.command('task').description('have neighbours with spare compute work on texts')
  const client = () => openClient(homeOf(program, terminal))

  task
    .command('submit <file...>')
    .description('split texts into chunks, or chunk and embed them, spread over the peers that compute')
    .option('--kind <kind>', 'chunk or embed', 'embed')
    .option('--max-tokens <n>', 'tokens in a chunk at most, 48 to 120', parseCount, 110)
    .option('--out <file>', 'write the chunks there, a line of JSON each')
    .option('--no-wait', 'do not wait for the result')
    .option('--json', 'for programs')
    .action((files: string[], flags: SubmitFlags) => submitFiles(files, flags, { client: client(), terminal }))

  task
    .command('list')
    .description('jobs of this peer, newest first')
    .option('--limit <n>', 'how many', parseCount, 30)
    .option('--json', 'for programs')
    .action(async ({ json, limit }: { json?: boolean; limit: number }) => {
      const rows = await client().get<Job[]>(`/v1/jobs?limit=${limit}`)
      const now = systemClock.now()
      printTable(terminal, {
        ...{ rows, json: json === true },
        none: 'No jobs yet. "wattmesh task submit FILE" makes one.',
        columns: [
          { title: 'begun', cell: row => timeOfDay(row.createdMs, now) },
          { title: 'kind', cell: row => row.kind },
          { title: 'texts', right: true, cell: row => row.documents.length },
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
    .option('--out <file>', 'write the chunks of a finished job there, a line of JSON each')
    .option('--json', 'for programs')
    .action((id: string, flags: { json?: boolean; out?: string }) => showJob(id, flags, { client: client(), terminal }))

  task
    .command('cancel <id>')
    .description('stop a job; what is done of it is dropped')
    .action(async (id: string) => {
      await client().post(`/v1/jobs/${encodeURIComponent(id)}/cancel`, {})
      printLine(terminal, `job ${id} is cancelled`)
    })
}
