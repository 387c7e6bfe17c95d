import type { Span } from '../slots.ts'
import type { SurplusRow } from '../surplus-data.ts'
import { energy } from '../words.ts'
import type { Plot } from './plot.ts'
import { type Layer, stackPlot } from './stack.ts'

const COMPUTING: readonly Layer<SurplusRow>[] = [
  { name: 'on surplus', colour: 'var(--solar)', energyWh: row => row.computedWh - row.uncoveredWh },
  { name: 'until it stopped', colour: 'var(--load)', energyWh: row => row.uncoveredWh },
  { name: 'forced, for work must not wait longer', colour: 'var(--utility)', energyWh: row => row.forcedWh },
]
const USES: readonly Layer<SurplusRow>[] = [
  { name: 'sold', colour: 'var(--neighbours)', energyWh: row => row.soldWh },
  { name: 'computed', colour: 'var(--solar)', energyWh: row => row.computedWh - row.uncoveredWh },
]

/** What computing took, by why it ran. */
export function computingPlot(rows: readonly SurplusRow[], span: Span): Plot {
  const sum = sums(rows)
  const alt =
    `Stacked bars over time: computing took ${sum(row => row.computedWh - row.uncoveredWh)} of surplus, ` +
    `${sum(row => row.uncoveredWh)} until it stopped, and ${sum(row => row.forcedWh)} by force.`
  return stackPlot(rows, COMPUTING, { span, alt })
}

/** What became of the surplus. */
export function surplusPlot(rows: readonly SurplusRow[], span: Span): Plot {
  const sum = sums(rows)
  const alt =
    `Stacked bars over time: ${sum(row => row.soldWh)} of surplus were sold, ` +
    `${sum(row => row.computedWh - row.uncoveredWh)} went into computing.`
  return stackPlot(rows, USES, { span, alt })
}

function sums(rows: readonly SurplusRow[]): (of: (row: SurplusRow) => number) => string {
  return of => energy(rows.reduce((total, row) => total + of(row), 0))
}
