import { styleText } from 'node:util'
import type { Command } from 'commander'
import { openClient } from '../../api/client.ts'
import { optionDocs } from '../../config/options.ts'
import { type ComputeAnswer, mannersCommands } from '../../domains/manners/commands.ts'
import { type ReputationAnswer, tasksCommands } from '../../domains/tasks/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { plainText, printTable } from '../terminal/table.ts'
import { homeOf, printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { duration, price, shortPeer, timeOfDay } from '../terminal/units.ts'

type Conditions = ComputeAnswer['conditions']
type Preferences = ComputeAnswer['preferences']

export function registerCompute(program: Command, terminal: Terminal): void {
  const compute = program.command('compute').description('when this machine works for others, and whom it trusts')
  const client = () => openClient(homeOf(program, terminal))

  compute
    .command('status', { isDefault: true })
    .description('does it work for others now, and why')
    .option('--json', 'for programs')
    .action(async ({ json }: { json?: boolean }) => {
      const view = await client().of(mannersCommands).compute()
      if (json === true) printJson(terminal, view)
      else printStatus(terminal, view)
    })

  compute
    .command('prefs')
    .description('its preferences, and what they mean')
    .option('--json', 'for programs')
    .action(async ({ json }: { json?: boolean }) => {
      const { preferences } = await client().of(mannersCommands).compute()
      if (json === true) printJson(terminal, preferences)
      else printPreferences(terminal, preferences)
    })

  compute
    .command('reputation')
    .description('what was learnt about the work of other peers')
    .option('--json', 'for programs')
    .action(async ({ json }: { json?: boolean }) => {
      printReputation(terminal, await client().of(tasksCommands).reputation(), json === true)
    })
}

function printStatus(terminal: Terminal, { offered, verdict, conditions }: ComputeAnswer): void {
  const dim = (text: string) => styleText('dim', text, { stream: terminal.out })
  const mark = styleText(verdict.allowed ? 'green' : 'yellow', verdict.allowed ? '✔' : '!', { stream: terminal.out })
  printLine(terminal, `${mark} ${verdict.sentence}`)
  if (!verdict.allowed && verdict.untilMs !== undefined) {
    printLine(terminal, `  ${dim(`→ until ${timeOfDay(verdict.untilMs, conditions.atMs)}`)}`)
  }
  if (!offered) printLine(terminal, `  ${dim('→ to take tasks of others, add the role "compute"')}`)
  printLine(terminal)
  for (const [title, said] of facts(conditions)) printLine(terminal, `  ${dim(title.padEnd(17))} ${said}`)
}

function facts({ sensed, machine, energy, waiting, atMs }: Conditions): [string, string][] {
  const known = <T>(value: T | undefined, say: (value: T) => string) => (value === undefined ? 'unknown' : say(value))
  const percent = (value: number) => `${Math.round(value)} %`
  return [
    ['power', known(sensed.onBattery, on => (on ? 'battery' : 'mains'))],
    ['last touched', known(sensed.userIdleMs, ms => `${duration(ms)} ago`)],
    ['other programs', known(sensed.otherCpuPercent, percent)],
    ['processor', known(sensed.temperatureC, celsius => `${Math.round(celsius)} °C`)],
    ['network', known(sensed.metered, metered => (metered ? 'metered' : 'not metered'))],
    ['machine', `${machine.cores} cores, ${machine.memoryMb} MB`],
    ...(energy === undefined ? [] : energyFacts(energy)),
    ...(waiting === undefined ? [] : waitingFacts(waiting, atMs)),
  ]
}

function waitingFacts(
  { sinceMs, latestStartMs, takenMs }: NonNullable<Conditions['waiting']>,
  nowMs: number,
): [string, string][] {
  const due = latestStartMs > nowMs ? `at ${timeOfDay(latestStartMs, nowMs)}` : 'once nothing else forbids it'
  return [
    ['work has waited', `${duration((takenMs ?? nowMs) - sinceMs)}, refused for its energy`],
    ['taken anyway', takenMs === undefined ? due : `since ${timeOfDay(takenMs, nowMs)}`],
  ]
}

function energyFacts(energy: NonNullable<Conditions['energy']>): [string, string][] {
  const perKwh = (micro: number | undefined) => (micro === undefined ? 'unknown' : price(micro))
  const { surplusW, soldW = 0, computingW } = energy
  const beside = soldW === 0 ? '' : `, beside ${Math.round(soldW)} W sold`
  return [
    ['surplus', surplusW === undefined ? 'unknown' : `${Math.round(surplusW)} W${beside}`],
    ['computing draws', `${Math.round(computingW)} W`],
    ['neighbours pay', energy.sellMicro === undefined ? 'nobody has bought' : price(energy.sellMicro)],
    ['feed-in pays', perKwh(energy.feedInMicro)],
    ['a kWh costs', perKwh(energy.buyMicro)],
  ]
}

function printPreferences(terminal: Terminal, preferences: Preferences): void {
  const { taskPowerW, ...others } = preferences
  const values = new Map(Object.entries(others).map(([name, value]) => [`manners.${name}`, value as unknown]))
  values.set('compute.watts', taskPowerW)
  printTable(terminal, {
    rows: optionDocs().filter(({ path }) => values.has(path)),
    json: false,
    none: '',
    columns: [
      { title: 'option', cell: ({ path }) => path },
      {
        title: 'value',
        right: true,
        cell: ({ path, unit }) => `${shown(values.get(path))}${unit === undefined ? '' : ` ${unit}`}`,
      },
      { title: 'meaning', cell: ({ description }) => description },
    ],
  })
  printLine(terminal)
  printLine(
    terminal,
    'Change them in config.toml, in the section [manners]; "wattmesh config" shows where each comes from.',
  )
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'any' : value.join(', ')
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return String(value)
}

function printReputation(terminal: Terminal, rows: readonly ReputationAnswer[], json: boolean): void {
  const now = systemClock.now()
  printTable(terminal, {
    rows,
    json,
    none: 'Nobody has worked for this peer yet.',
    columns: [
      { title: 'peer', cell: ({ peer }) => shortPeer(peer) },
      { title: 'kind', cell: ({ kind }) => kind },
      { title: 'model', cell: ({ model }) => (model === '' ? '–' : plainText(model).slice(0, 8)) },
      { title: 'in a row', right: true, cell: ({ consecutive }) => Math.round(consecutive) },
      { title: 'confirmed', right: true, cell: ({ confirmed }) => confirmed },
      { title: 'wrong', right: true, cell: ({ wrong }) => wrong },
      { title: 'standing', cell: row => standing(row, now) },
    ],
  })
}

function standing(row: ReputationAnswer, nowMs: number): string {
  if (row.notBeforeMs > nowMs) return `not asked until ${timeOfDay(row.notBeforeMs, nowMs)}`
  return row.trusted ? 'trusted; checked now and then' : 'checked each time'
}
