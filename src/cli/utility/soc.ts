import type { Client } from '../../api/client.ts'
import { agentsCommands, type SocAnswer } from '../../domains/agents/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { printTable } from '../terminal/table.ts'
import { printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { duration, energy, shortPeer, timeOfDay } from '../terminal/units.ts'
import { sparkline } from './sparkline.ts'

const WIDTH = 32

export async function showSoc(client: Client, terminal: Terminal, json: boolean): Promise<void> {
  const view = await client.of(agentsCommands).soc()
  if (json) return printJson(terminal, view)
  const now = systemClock.now()
  // One scale for all, from empty: bars of two households can be compared.
  const most = Math.max(
    0,
    ...view.households.map(({ points }) => points.reduce((top, { socWh }) => Math.max(top, socWh), 0)),
  )
  printTable(terminal, {
    rows: view.households.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })),
    json: false,
    none: 'No household has told its state of charge yet. Only a utility asks, and only those who consent answer.',
    columns: [
      { title: 'household', cell: ({ name, peer }) => name || shortPeer(peer) },
      { title: 'charge', right: true, cell: ({ socWh }) => energy(socWh) },
      { title: 'told', cell: ({ atMs }) => timeOfDay(atMs, now) },
      { title: 'change', right: true, cell: ({ points }) => changeOf(points.map(({ socWh }) => socWh)) },
      {
        title: 'history',
        cell: ({ points }) =>
          sparkline(
            points.map(({ socWh }) => socWh),
            { least: 0, most, width: WIDTH },
          ),
      },
    ],
  })
  const last = view.rounds.at(-1)
  if (last === undefined) return
  printLine(terminal)
  printLine(terminal, roundLine(last, view.rounds.length, now))
}

function changeOf(values: readonly number[]): string {
  const [before, after] = values.slice(-2)
  if (before === undefined || after === undefined) return '–'
  return after === before ? '=' : `${after > before ? '+' : '−'}${energy(Math.abs(after - before))}`
}

type RoundCounts = Pick<
  SocAnswer['rounds'][number],
  'startedMs' | 'tookMs' | 'asked' | 'answered' | 'refused' | 'silent'
>

export function roundLine(round: RoundCounts, rounds: number, nowMs: number): string {
  const { startedMs, tookMs, asked, answered, refused, silent } = round
  const rest = [refused > 0 ? `${refused} do not consent` : '', silent > 0 ? `${silent} were silent` : '']
  const said = [`${answered} of ${asked} asked answered`, ...rest.filter(part => part !== '')].join(', ')
  return `round ${rounds}, ${timeOfDay(startedMs, nowMs)}: ${said}, in ${duration(tookMs)}`
}
