import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { evaluateForecast } from '../../domains/forecast/offline.ts'
import { CodedError } from '../../kernel/errors.ts'
import { createLive } from '../terminal/live.ts'
import { printTable } from '../terminal/table.ts'
import { printLine, type Terminal } from '../terminal/terminal.ts'
import { readText } from './text-file.ts'

type Report = Extract<ReturnType<typeof evaluateForecast>, { readonly homes: unknown }>
type Figures = NonNullable<Report['mean']>

/** How good the forecasts of this version would have been for the homes of a file, day after day. */
export function evalForecast(file: string, { json }: { readonly json?: string }, terminal: Terminal): void {
  const live = createLive(terminal.err)
  let done = 0
  const said = evaluateForecast(readText(terminal, file), {
    onHome: home => live.show(`${home}: done, ${++done} homes so far`),
  })
  live.done()
  if ('reason' in said) throw new CodedError('CLI_BAD_FILE', `${file} carries no forecast: ${said.reason}`)
  const text = `${JSON.stringify({ ...said, homes: Object.fromEntries(said.homes) }, null, 2)}\n`
  if (json === '-') return void terminal.out.write(text)
  if (json !== undefined) writeFileSync(resolve(terminal.cwd, json), text)
  report(said, terminal)
}

function report({ homes, mean }: Report, terminal: Terminal): void {
  const refused = [...homes].flatMap(([home, got]) => ('reason' in got ? [{ home, reason: got.reason }] : []))
  printLine(terminal, `${homes.size - refused.length} homes forecast, ${refused.length} refused`)
  for (const { home, reason } of refused) printLine(terminal, `  ${home}: ${reason}`)
  if (mean === undefined) return
  printLine(terminal)
  const methods = Object.entries(mean.dayAhead).map(([method, score]) => ({ method, ...score }))
  printTable(terminal, {
    rows: methods,
    json: false,
    none: '',
    columns: [
      { title: 'day-ahead, mean of homes', cell: ({ method }) => method },
      { title: 'WAPE', right: true, cell: ({ wape }) => wape.toFixed(3) },
      { title: 'MASE', right: true, cell: ({ mase }) => mase.toFixed(2) },
      { title: 'bias', right: true, cell: ({ bias }) => percent(bias) },
    ],
  })
  printLine(terminal)
  printBands(mean, terminal)
}

function printBands({ bands, nextSlot }: Figures, terminal: Terminal): void {
  for (const [kind, { coverage }] of Object.entries(bands))
    printLine(terminal, `P10–P90, ${kind}: ${percent(coverage)} of what came lies within`)
  for (const [method, wape] of Object.entries(nextSlot))
    printLine(terminal, `next slot, ${method}: WAPE ${wape.toFixed(3)}`)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
