import { styleText } from 'node:util'
import Table from 'cli-table3'
import { printJson, printLine, type Terminal } from './terminal.ts'

export interface Column<Row> {
  readonly title: string
  readonly right?: boolean
  readonly cell: (row: Row) => string | number
}

export interface Listing<Row> {
  readonly rows: readonly Row[]
  readonly columns: readonly Column<Row>[]
  /** What to say when there is nothing. */
  readonly none: string
  /** Programs get the rows as the daemon gave them. */
  readonly json: boolean
}

const NO_LINES = {
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
  middle: '  ',
}

export function printTable<Row>(terminal: Terminal, { rows, columns, none, json }: Listing<Row>): void {
  if (json) {
    printJson(terminal, rows)
    return
  }
  if (rows.length === 0) {
    printLine(terminal, none)
    return
  }
  const table = new Table({
    head: columns.map(({ title }) => styleText('dim', title, { stream: terminal.out })),
    colAligns: columns.map(({ right }) => (right === true ? 'right' : 'left')),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  // Names and reasons come from other peers: nothing in them may steer the terminal.
  table.push(...rows.map(row => columns.map(({ cell }) => plainText(String(cell(row))))))
  for (const line of table.toString().split('\n')) printLine(terminal, line.trimEnd())
}

/** In one line and without control characters. */
export function plainText(text: string): string {
  return text.replace(/\s+/gu, ' ').replace(/\p{C}/gu, '').trim()
}
