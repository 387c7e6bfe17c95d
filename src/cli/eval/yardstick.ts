import { writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { batteryYardstick, carYardstick, heatYardstick, machineYardstick } from '../../domains/control/offline.ts'
import { forecastYardstick } from '../../domains/forecast/offline.ts'
import { auctionYardstick, auditYardstick, signingYardstick } from '../../domains/market/offline.ts'
import { controlYardstick } from '../../harness/season/yardstick.ts'
import { CodedError, messageOf } from '../../kernel/errors.ts'
import type { CaseVerdict, Yardstick } from '../../kernel/yardstick.ts'
import { createLive } from '../terminal/live.ts'
import { printTable } from '../terminal/table.ts'
import { printLine, type Terminal } from '../terminal/terminal.ts'
import { readText } from './text-file.ts'

const YARDSTICKS: readonly Yardstick[] = [
  auctionYardstick,
  auditYardstick,
  signingYardstick,
  batteryYardstick,
  controlYardstick,
  carYardstick,
  machineYardstick,
  heatYardstick,
  forecastYardstick,
]

export interface YardstickFlags {
  readonly data?: string
  readonly json?: string
}

/** What came of a file. */
interface Measured {
  readonly file: string
  readonly kind: string
  readonly cases: number
  readonly hold: number
  /** The first case that does not hold. */
  readonly first?: CaseVerdict
}

/** Runs the shipped functions on files of vectors, and says how many cases hold. */
export function evalYardsticks(files: readonly string[], flags: YardstickFlags, terminal: Terminal): void {
  const live = createLive(terminal.err, line => line.slice(0, line.indexOf(':')))
  const measured: Measured[] = []
  try {
    for (const file of files) measured.push(measure(file, flags, { terminal, say: live.show }))
  } finally {
    live.done()
  }
  report(measured, flags.json, terminal)
  if (measured.some(({ first }) => first !== undefined)) terminal.fail()
}

function measure(
  path: string,
  { data }: YardstickFlags,
  { terminal, say }: { readonly terminal: Terminal; readonly say: (line: string) => void },
): Measured {
  const file = basename(path)
  const vectors = parsed(path, readText(terminal, path))
  const yardstick = YARDSTICKS.find(({ fits }) => fits(vectors))
  if (yardstick === undefined) {
    const kinds = YARDSTICKS.map(({ kind }) => kind).join(', ')
    throw new CodedError('CLI_BAD_FILE', `${path} is no file of vectors known here`, {
      hint: `known kinds: ${kinds}`,
    })
  }
  // Measurements lie beside the vectors, where nothing else is said.
  const folder = data ?? join(dirname(resolve(terminal.cwd, path)), '..', 'energy')
  let [cases, hold] = [0, 0]
  let first: CaseVerdict | undefined
  say(`${file}: …`)
  for (const verdict of judged(yardstick, vectors, name => readText(terminal, join(folder, name)))) {
    cases++
    if (verdict.differs === undefined) hold++
    else first ??= verdict
    say(`${file}: ${cases} cases, ${hold} hold`)
  }
  return { file, kind: yardstick.kind, cases, hold, ...(first === undefined ? {} : { first }) }
}

/** A case that cannot be run does not hold, and ends its file. */
function* judged(
  yardstick: Yardstick,
  vectors: unknown,
  dataFile: (name: string) => string,
): Generator<CaseVerdict, void> {
  try {
    yield* yardstick.judge(vectors, dataFile)
  } catch (error) {
    if (error instanceof CodedError) throw error
    yield { name: 'the next case', differs: `it cannot be run: ${messageOf(error)}` }
  }
}

function parsed(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CodedError('CLI_BAD_FILE', `${path} is not JSON: ${messageOf(cause)}`, { cause })
  }
}

function report(measured: readonly Measured[], json: string | undefined, terminal: Terminal): void {
  const text = `${JSON.stringify(measured, null, 2)}\n`
  if (json === '-') return void terminal.out.write(text)
  if (json !== undefined) writeFileSync(resolve(terminal.cwd, json), text)
  printTable(terminal, {
    rows: measured,
    json: false,
    none: 'No files.',
    columns: [
      { title: '', cell: ({ first }) => (first === undefined ? '✔' : '✘') },
      { title: 'file', cell: ({ file }) => file },
      { title: 'kind', cell: ({ kind }) => kind },
      { title: 'cases', right: true, cell: ({ cases }) => cases },
      { title: 'hold', right: true, cell: ({ hold }) => hold },
    ],
  })
  for (const { file, first } of measured)
    if (first !== undefined) printLine(terminal, `✘ ${file}, ${first.name}: ${first.differs}`)
}
