import { writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { styleText } from 'node:util'
import Table from 'cli-table3'
import { type Figure, fallsShort } from './figure.ts'

const GAP = '  '
const FRAMELESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: GAP,
}

/** Ratios first: they hold on other machines, and on this one when it is busy. */
export function table(figures: readonly Figure[]): string {
  const ratios = figures.filter(({ unit }) => unit === 'ratio')
  const absolutes = figures.filter(({ unit }) => unit !== 'ratio')
  const rows = new Table({
    chars: FRAMELESS,
    colAligns: ['left', 'right', 'left', 'left'],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  if (ratios.length > 0) rows.push(heading('ratio', 'against'), ...ratios.map(row))
  if (ratios.length > 0 && absolutes.length > 0) rows.push(['', '', '', ''])
  if (absolutes.length > 0) rows.push(heading('absolute, on this machine', 'measured as'), ...absolutes.map(row))
  return rows
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n')
}

function heading(what: string, how: string): string[] {
  return [styleText('dim', what), '', '', styleText('dim', how)]
}

function row(figure: Figure): string[] {
  const { name, value, unit, against, atLeast } = figure
  const wanted = atLeast === undefined ? '' : `; at least ${atLeast}`
  const shown = fallsShort(figure) ? styleText('red', digits(figure)) : digits(figure)
  return [name, shown, unit === 'ratio' ? '×' : unit, `${against}${wanted}${Number.isNaN(value) ? ' (no data)' : ''}`]
}

/** Three digits are what a busy machine can vouch for. */
function digits({ value }: Figure): string {
  if (Number.isNaN(value)) return '–'
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value.toPrecision(3)
}

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryMb: number
  readonly node: string
  readonly platform: string
  /** Of the last minute, before the bench: 0 on a machine that does nothing else. */
  readonly loadBefore: number
}

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMb: Math.round(totalmem() / 2 ** 20),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    loadBefore: loadavg()[0] ?? Number.NaN,
  }
}

export function machineLine({ cpu, cores, memoryMb, node, platform, loadBefore }: Machine): string {
  return `${cpu} × ${cores}, ${memoryMb} MB, ${platform}, Node ${node}, load ${loadBefore.toFixed(1)}`
}

/** `{ "envelope.verifyVsRawEd25519": { value, unit, against }, …, machine }` */
export function writeReport(file: string, figures: readonly Figure[], where: Machine): void {
  const entries = figures.map(({ name, ...rest }) => [name, rest] as const)
  writeFileSync(file, `${JSON.stringify({ ...Object.fromEntries(entries), machine: where }, null, 2)}\n`)
}
