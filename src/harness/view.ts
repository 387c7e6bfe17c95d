import { styleText } from 'node:util'
import Table from 'cli-table3'
import { createLogUpdate } from 'log-update'
import { roundKwhText } from '../kernel/energy.ts'
import { moneyText } from '../kernel/money.ts'
import type { Invariant } from './judge/invariant.ts'
import type { Report } from './judge/report.ts'
import type { SurplusReport } from './judge/surplus-checks.ts'

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
  /** A line for where nothing is redrawn; the table shows it already. */
  note(line: string): void
  done(): void
}

/** On a terminal the table is redrawn; elsewhere a line tells of each thing that happened. */
export function createView(stream: NodeJS.WriteStream): View {
  if (stream.isTTY !== true) {
    const say = (line: string): void => void stream.write(`${line}\n`)
    return { show: () => undefined, say, note: say, done: () => undefined }
  }
  const update = createLogUpdate(stream)
  return {
    show: (title, rows) => update(`${title}\n${liveTable(rows)}`),
    say(line) {
      update.clear()
      stream.write(`${line}\n`)
    },
    note: () => undefined,
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
    tasks.releaseMs.count === 0 ? 'no part was lost' : `a lost part found a new worker within ${tasks.releaseMsMax} ms`
  return `${killed.join(', ')}; ${lost}`
}

function computeLine(tasks: Report['tasks']): string {
  const { submitted, done, retried, lost, chunksEmbedded, perSecond, wrongAccepted, workFactor } = tasks
  const chunks = chunksEmbedded === 0 ? '' : ` (${chunksEmbedded} chunks embedded)`
  const proof =
    wrongAccepted === undefined ? '' : `; ${wrongAccepted} wrong results accepted, ${workFactor} results a task`
  return `${done} of ${submitted} parts done${chunks}, ${perSecond}/s, ${retried} tried again, ${lost} lost${proof}`
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
    [
      'Contracts',
      `${contracts.total} signed by both sides, ${contracts.unequal} held differently, ${contracts.settled} settled`,
    ],
    ...energyLines(report),
    ['Compute', computeLine(tasks)],
    ['Killed', killedLine(report)],
  ]
  const table = new Table({ style: BARE, colWidths: [12, 90], wordWrap: true })
  table.push(...lines)
  return `${table.toString()}\n\n${verdictsOf(report.invariants)}\n`
}

function energyLines({ energy, bill, ledger, soc }: Report): [string, string][] {
  if (energy.tradedWh === 0) return []
  const share = (part: number): string => `${(100 * part).toFixed(1)} %`
  return [
    [
      'Delivered',
      `${roundKwhText(energy.tradedWh)}, ${share(energy.localShare)} of what was taken from neighbours; ${share(bill.savingVsUtilityOnly)} saved against ${bill.baseline}`,
    ],
    ['Books', `${ledger.batches} entries, together ${ledger.sumMicro}`],
    ...(soc.rounds === 0
      ? []
      : [
          [
            'Charge',
            `${soc.rounds} rounds: ${soc.answered} of ${soc.asked} asked answered, ${soc.refused} refused`,
          ] as [string, string],
        ]),
  ]
}

/** What surplus mode made of each home. */
export function surplusSummary({ homes, invariants }: SurplusReport): string {
  const table = new Table({
    head: ['home', 'surplus', 'computed', 'forced', 'earned', 'export alone'],
    colAligns: ['left', RIGHT, RIGHT, RIGHT, RIGHT, RIGHT],
    style: BARE,
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  })
  for (const { home, surplusWh, computedWh, forcedWh, earnedMicro, exportOnlyMicro } of homes) {
    const energies = [surplusWh, computedWh, forcedWh].map(roundKwhText)
    const money = [earnedMicro, exportOnlyMicro].map(micro => moneyText(micro))
    table.push([home, ...energies, ...money])
  }
  return `${table.toString()}\n\n${verdictsOf(invariants)}\n`
}

function verdictsOf(invariants: readonly Invariant[]): string {
  return invariants
    .map(({ name, holds, detail }) => {
      const mark = holds ? styleText('green', '✔') : styleText('red', '✘')
      return `  ${mark} ${name} (${detail})`
    })
    .join('\n')
}
