import type { LineSeriesOption } from 'echarts'
import { unitsOf } from '../../kernel/money.ts'
import type { PriceRow } from '../report-data.ts'
import { type Span, thinned } from '../slots.ts'
import { number, price } from '../words.ts'
import { overTime } from './axes.ts'
import { type Entry, MOMENTS, type Plot } from './plot.ts'

interface Tariff extends Required<Entry> {
  readonly of: (row: PriceRow) => number | undefined
  readonly width: number
}

const TARIFFS: readonly Tariff[] = [
  { name: 'utility retail', colour: 'var(--utility)', line: 'solid', width: 2, of: row => row.retailMicro },
  { name: 'paid on average', colour: 'var(--ink)', line: 'solid', width: 2.5, of: row => row.averageMicro },
  { name: 'cheapest offer', colour: 'var(--neighbours)', line: 'dashed', width: 2, of: row => row.cheapestMicro },
  { name: 'feed-in', colour: 'var(--battery)', line: 'solid', width: 2, of: row => row.feedInMicro },
]

/** What a kWh cost, slot by slot, fees included. */
export function pricesPlot(
  rows: readonly PriceRow[],
  { span, currency }: { span: Span; currency: string },
): Plot | undefined {
  const sorted = rows.toSorted((a, b) => a.slotStartMs - b.slotStartMs)
  const tariffs = TARIFFS.filter(({ of }) => sorted.some(row => of(row) !== undefined))
  if (tariffs.length === 0) return undefined
  const said = (micro: number | undefined): string => (micro === undefined ? '' : price(micro))
  return {
    alt: `Lines over time, ${currency} a kWh: ${tariffs.map(tariff => rangeOf(tariff, sorted)).join('; ')}.`,
    entries: tariffs.map(({ name, colour, line }) => ({ name, colour, line })),
    time: {
      fromMs: span.fromMs,
      toMs: span.toMs,
      eachMs: span.slotMs,
      moments: thinned(sorted, MOMENTS).map(row => ({
        atMs: row.slotStartMs,
        values: tariffs.map(({ of }) => said(of(row))),
      })),
    },
    draw: size => ({
      ...overTime(size, span, { unit: `${currency} a kWh`, least: 0, label: value => number(value, 3) }),
      series: tariffs.map(tariff => stepsOf(tariff, sorted, span)),
    }),
  }
}

/** A price holds for its whole slot; where none was known, the line has a gap. */
function stepsOf({ of, colour, width, line }: Tariff, rows: readonly PriceRow[], span: Span): LineSeriesOption {
  const points = rows.map(row => [row.slotStartMs, pointOf(of(row))])
  const last = rows.at(-1)
  if (last !== undefined) points.push([last.slotStartMs + span.slotMs, pointOf(of(last))])
  return {
    type: 'line',
    step: 'end',
    showSymbol: false,
    silent: true,
    emphasis: { disabled: true },
    sampling: 'lttb',
    lineStyle: { color: colour, width, type: line === 'dashed' ? [6, 4] : 'solid' },
    data: points,
  }
}

function pointOf(micro: number | undefined): number | string {
  return micro === undefined ? '-' : unitsOf(micro)
}

function rangeOf({ name, of }: Tariff, rows: readonly PriceRow[]): string {
  const values = rows.map(of).filter(value => value !== undefined)
  const [least, most] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]
  return least === most ? `${name} ${price(least)}` : `${name} ${price(least)} to ${price(most)}`
}
