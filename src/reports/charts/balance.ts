import type { BalanceRow } from '../report-data.ts'
import type { Span } from '../slots.ts'
import { energy } from '../words.ts'
import type { Entry, Plot } from './plot.ts'
import { type Layer, stackPlot } from './stack.ts'

/** Energy conserves itself: what the sources lack or leave over went out of or into the batteries, losses included. */
export function fromBatteriesWh({
  loadWh,
  solarWh,
  boughtWh,
  soldWh,
  importedWh,
  exportedWh,
}: Omit<BalanceRow, 'slotStartMs'>): number {
  return loadWh + soldWh + exportedWh - solarWh - boughtWh - importedWh
}

/** One colour is one partner, on both sides of zero. */
const LAYERS: readonly Layer<BalanceRow>[] = [
  { name: 'solar', colour: 'var(--solar)', energyWh: row => row.solarWh },
  { name: 'from batteries', colour: 'var(--battery)', energyWh: row => Math.max(0, fromBatteriesWh(row)) },
  { name: 'bought from neighbours', colour: 'var(--neighbours)', energyWh: row => row.boughtWh },
  { name: 'from the utility', colour: 'var(--utility)', energyWh: row => row.importedWh },
  { name: 'used', colour: 'var(--load)', energyWh: row => -row.loadWh },
  { name: 'into batteries', colour: 'var(--battery)', energyWh: row => Math.min(0, fromBatteriesWh(row)) },
  { name: 'sold to neighbours', colour: 'var(--neighbours)', energyWh: row => -row.soldWh },
  { name: 'to the utility', colour: 'var(--utility)', energyWh: row => -row.exportedWh },
]

/** The key names each colour once. */
const KEY: readonly Entry[] = [
  { name: 'solar', colour: 'var(--solar)' },
  { name: 'batteries, with their losses', colour: 'var(--battery)' },
  { name: 'neighbours', colour: 'var(--neighbours)' },
  { name: 'utility', colour: 'var(--utility)' },
  { name: 'used', colour: 'var(--load)' },
]

export function balancePlot(rows: readonly BalanceRow[], span: Span): Plot | undefined {
  if (rows.length === 0) return undefined
  const sum = (part: (row: BalanceRow) => number): string => energy(rows.reduce((total, row) => total + part(row), 0))
  const alt =
    `Stacked bars over time: ${sum(row => row.loadWh)} were used; ` +
    `${sum(row => row.solarWh)} came from solar, ${sum(row => row.boughtWh)} were bought from neighbours and ` +
    `${sum(row => row.importedWh)} came from the utility.`
  return { ...stackPlot(rows, LAYERS, { span, alt }), key: KEY }
}
