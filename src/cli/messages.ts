import type { Command } from 'commander'
import { openClient } from '../api/client.ts'
import { daemonCommands, type MessageAnswer } from '../daemon/commands.ts'
import { systemClock } from '../kernel/clock.ts'
import { printTable } from './terminal/table.ts'
import { homeOf, type Terminal } from './terminal/terminal.ts'
import { parseCount, shortId, shortPeer, timeOfDay } from './terminal/units.ts'

interface Flags {
  readonly after?: string
  readonly limit: number
  readonly task?: string
  readonly type?: string
  readonly peer?: string
  readonly json?: boolean
}

export function registerMessages(program: Command, terminal: Terminal): void {
  program
    .command('messages')
    .description('the journal: what was sent and handled, newest last')
    .option('--limit <n>', 'how many', parseCount, 30)
    .option('--after <seq>', 'those after this number of the journal, oldest first')
    .option('--task <id>', 'of this trade or task')
    .option('--type <pattern>', 'of this type: "task.*", "beckn.confirm"')
    .option('--peer <id>', 'with this peer')
    .option('--json', 'for programs, with the whole message')
    .action((flags: Flags) => list(homeOf(program, terminal), flags, terminal))
}

async function list(home: string, { json, after, ...filter }: Flags, terminal: Terminal): Promise<void> {
  const rows = await openClient(home)
    .of(daemonCommands)
    .messages(after === undefined ? filter : { ...filter, after: Number(after) })
  const now = systemClock.now()
  printTable(terminal, {
    rows,
    json: json === true,
    none: 'No such messages.',
    columns: [
      { title: 'seq', right: true, cell: row => row.seq },
      { title: 'time', cell: row => timeOfDay(row.at, now) },
      { title: 'dir', cell: row => row.direction },
      { title: 'type', cell: row => row.type },
      { title: 'peer', cell: row => shortPeer(row.peer) },
      { title: 'state', cell: stateOf },
      { title: 'task', cell: row => shortId(row.taskId) },
    ],
  })
}

function stateOf({ state, answer }: MessageAnswer): string {
  return answer?.status === 'NACK' ? `${state}: ${answer.error.code}` : state
}
