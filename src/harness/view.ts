import { styleText } from 'node:util'
import Table from 'cli-table3'
import { createLogUpdate } from 'log-update'
import type { Report } from './judge/report.ts'

/** A row of the live table. */
export interface LiveRow {
  readonly name: string
  readonly state: 'starting' | 'up' | 'killed'
  readonly roles: string
  readonly peers: number
  readonly socPercent?: number
  readonly bought: number
  readonly sold: number
  readonly tasks: number
  readonly note: string
}

export interface View {
  /** The table as it is now, redrawn in place on a terminal. */
  show(title: string, rows: readonly LiveRow[]): void
  /** A line that stays. */
  say(line: string): void
  done(): void
}

/** On a terminal the table is redrawn; elsewhere a line tells of each thing that happened. */
export function createView(stream: NodeJS.WriteStream): View {
  if (stream.isTTY !== true) {
    return { show: () => undefined, say: line => void stream.write(`${line}\n`), done: () => undefined }
  }
  const update = createLogUpdate(stream)
  return {
    show: (title, rows) => update(`${title}\n${liveTable(rows)}`),
    say(line) {
      update.clear()
      stream.write(`${line}\n`)
    },
    done: () => update.clear(),
  }
}

const RIGHT = 'right' as const
const BARE = { head: [], border: [] }

function liveTable(rows: readonly LiveRow[]): string {
  const table = new Table({
    head: ['peer', 'state', 'roles', 'peers', 'battery', 'bought', 'sold', 'tasks', ''].map(word =>
      styleText('dim', word),
    ),
    colAligns: ['left', 'left', 'left', RIGHT, RIGHT, RIGHT, RIGHT, RIGHT, 'left'],
    style: BARE,
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  })
  for (const row of rows) {
    const colour = { up: 'green', killed: 'red', starting: 'yellow' } as const
    table.push([
      row.name,
      styleText(colour[row.state], row.state),
      row.roles,
      row.peers,
      row.socPercent === undefined ? '' : `${row.socPercent.toFixed(1)} %`,
      row.bought,
      row.sold,
      row.tasks,
      row.note.slice(0, 40),
    ])
  }
  return table.toString()
}

function killedLine({ killed, tasks }: Report): string {
  if (killed.length === 0) return 'nobody'
  const lost =
    tasks.releaseMsMax === 0 ? 'no part was lost' : `a lost part found a new worker within ${tasks.releaseMsMax} ms`
  return `${killed.join(', ')}; ${lost}`
}

/** The end of a run, for a stranger. */
export function summary(report: Report): string {
  const { peers, messages, trades, contracts, tasks } = report
  const lines: [string, string][] = [
    [
      'Peers',
      `${peers.started} found each other in ${peers.discoverySeconds.toFixed(1)} s; each knows at least ${peers.knownMin} others`,
    ],
    [
      'Messages',
      `${messages.signed} signed, ${messages.verified} verified, ${messages.rejected} refused, ${messages.deadLettered} never acknowledged`,
    ],
    [
      'Energy',
      `${trades.searches} searches, ${trades.confirmed} trades agreed, ${trades.expired} ran out, ${trades.cancelled} cancelled`,
    ],
    ['Contracts', `${contracts.total} signed by both sides, ${contracts.unequal} held differently`],
    [
      'Compute',
      `${tasks.done} of ${tasks.submitted} parts done (${tasks.chunksEmbedded} chunks embedded), ${tasks.retried} tried again, ${tasks.lost} lost`,
    ],
    ['Killed', killedLine(report)],
  ]
  const table = new Table({ style: BARE, colWidths: [12, 90], wordWrap: true })
  table.push(...lines)
  const verdicts = report.invariants.map(({ name, holds, detail }) => {
    const mark = holds ? styleText('green', '✔') : styleText('red', '✘')
    return `  ${mark} ${name} (${detail})`
  })
  return `${table.toString()}\n\n${verdicts.join('\n')}\n`
}
