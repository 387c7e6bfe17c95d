import type { Command } from 'commander'
import { loadConfig } from '../config/config.ts'
import { optionDocs } from '../config/options.ts'
import { printTable } from './terminal/table.ts'
import { homeOf, type Terminal } from './terminal/terminal.ts'

interface Row {
  readonly option: string
  readonly value: unknown
  readonly origin: string
  readonly description: string
  readonly unit?: string
}

/** A preshared key is a file; whoever knows where it lies is a step nearer to it. */
const SECRETS: readonly string[] = ['network.presharedKeyFile']

export function registerConfig(program: Command, terminal: Terminal): void {
  program
    .command('config')
    .description('every option, its value, where that came from and what it does')
    .option('--json', 'for programs')
    .action(({ json }: { json?: boolean }) => {
      const { options, origins } = loadConfig(homeOf(program, terminal), terminal.env)
      const rows = optionDocs().map(
        ({ path, description, unit }): Row => ({
          option: path,
          value: shown(path, at(options, path)),
          origin: origins.get(path) ?? 'default',
          description,
          ...(unit === undefined ? {} : { unit }),
        }),
      )
      printTable(terminal, {
        rows,
        json: json === true,
        none: '',
        columns: [
          { title: 'option', cell: row => row.option },
          { title: 'value', cell: row => written(row.value) },
          { title: 'from', cell: row => row.origin },
          { title: 'what it does', cell: row => row.description + (row.unit === undefined ? '' : ` (${row.unit})`) },
        ],
      })
    })
}

function shown(path: string, value: unknown): unknown {
  return SECRETS.includes(path) && value !== undefined ? '(hidden)' : value
}

function at(options: object, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], options)
}

function written(value: unknown): string {
  if (value === undefined || value === '') return '–'
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.join(', ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}
