import type { BarSeriesOption } from 'echarts'
import { kwhOf } from '../../kernel/energy.ts'
import { type Bar, barMs, bars, type Span } from '../slots.ts'
import { energy, number, span as spanInWords } from '../words.ts'
import { barWidth, overTime } from './axes.ts'
import { type Entry, type Plot, SIZES } from './plot.ts'

/** A part of the bars: a value above zero is drawn upwards, one below downwards. */
export interface Layer<Row> extends Entry {
  readonly energyWh: (row: Row) => number
}

/** Stacked bars of energy over time, a bar a slot, or as many slots as leave the bars wide enough to be seen. */
export function stackPlot<Row extends { readonly slotStartMs: number }>(
  rows: readonly Row[],
  layers: readonly Layer<Row>[],
  { span, alt }: { span: Span; alt: string },
): Plot {
  const valuesOf = (row: Row) => layers.map(layer => layer.energyWh(row))
  const toldMs = barMs(span, SIZES.wide.bars)
  return {
    alt,
    entries: layers.map(({ name, colour }) => ({ name, colour })),
    time: {
      fromMs: span.fromMs,
      toMs: span.toMs,
      eachMs: toldMs,
      moments: bars(rows, toldMs, valuesOf).map(({ startMs, values }) => ({ atMs: startMs, values: values.map(said) })),
    },
    draw(size) {
      const widthMs = barMs(span, size.bars)
      const drawn = bars(rows, widthMs, valuesOf)
      return {
        ...overTime(size, span, { unit: `kWh in ${spanInWords(widthMs)}`, label: value => number(Math.abs(value), 2) }),
        series: layers.map((layer, i) => seriesOf(layer, drawn, { i, widthMs, width: barWidth(size, span, widthMs) })),
      }
    },
  }
}

interface Place {
  readonly i: number
  readonly widthMs: number
  readonly width: number
}

function seriesOf<Row>({ name, colour }: Layer<Row>, drawn: readonly Bar[], place: Place): BarSeriesOption {
  return {
    type: 'bar',
    stack: 'all',
    name,
    silent: true,
    barWidth: place.width,
    emphasis: { disabled: true },
    itemStyle: { color: colour },
    // A bar stands in the middle of its time. Layers are stacked by their place in the list, so none may be left out.
    data: drawn.map(({ startMs, values }) => {
      const value = values[place.i] ?? 0
      return [startMs + place.widthMs / 2, value === 0 ? '-' : kwhOf(value)]
    }),
  }
}

function said(energyWh: number): string {
  return energyWh === 0 ? '' : energy(Math.abs(energyWh))
}
