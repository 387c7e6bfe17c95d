import type { ReportData } from './report-data.ts'

const QUARTER_HOUR_MS = 900_000
/** Of 15-minute slots: 15 and 30 minutes, 1, 2, 3, 6, 12 hours, and days. */
const GROUPS = [1, 2, 4, 8, 12, 24, 48, 96, 192, 672, 2688]

/** The stretch of time the charts show: the report's own, and all that is dated later, as trades of the next slot are. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
  readonly slotMs: number
}

export function spanOf(data: ReportData): Span {
  const slotMs = slotMsOf(data)
  const starts = [...data.trades, ...data.balance, ...data.prices].map(({ slotStartMs }) => slotStartMs)
  const fromMs = starts.reduce((least, at) => Math.min(least, at), data.fromMs)
  const toMs = starts.reduce((most, at) => Math.max(most, at + slotMs), data.toMs)
  return { fromMs, toMs: Math.max(toMs, fromMs + slotMs), slotMs }
}

function slotMsOf({ trades, balance, prices }: ReportData): number {
  const durations = trades.map(({ durationMs }) => durationMs)
  const gaps = [balance, prices].flatMap(rows => {
    const starts = rows.map(({ slotStartMs }) => slotStartMs).toSorted((a, b) => a - b)
    return starts.slice(1).map((start, i) => start - (starts[i] ?? start))
  })
  const least = [...durations, ...gaps].reduce((best, ms) => (ms > 0 && ms < best ? ms : best), Infinity)
  return Number.isFinite(least) ? least : QUARTER_HOUR_MS
}

/** How many slots go into one bar, so that there are at most `most` bars. */
export function barMs({ fromMs, toMs, slotMs }: Span, most: number): number {
  const group = GROUPS.find(slots => (toMs - fromMs) / (slots * slotMs) <= most)
  return slotMs * (group ?? Math.ceil((toMs - fromMs) / slotMs / most))
}

export interface Bar {
  readonly startMs: number
  readonly values: readonly number[]
}

/** Adds up rows by bar, oldest first; a bar without rows is left out. */
export function bars<Row extends { readonly slotStartMs: number }>(
  rows: readonly Row[],
  widthMs: number,
  valuesOf: (row: Row) => readonly number[],
): Bar[] {
  const sums = new Map<number, number[]>()
  for (const row of rows) {
    const startMs = Math.floor(row.slotStartMs / widthMs) * widthMs
    const values = valuesOf(row)
    const before = sums.get(startMs)
    sums.set(startMs, before === undefined ? [...values] : before.map((value, i) => value + (values[i] ?? 0)))
  }
  return [...sums].map(([startMs, values]) => ({ startMs, values })).toSorted((a, b) => a.startMs - b.startMs)
}

/** At most about `most` of them, evenly, and always the last one. */
export function thinned<Item>(items: readonly Item[], most: number): Item[] {
  const step = Math.ceil(items.length / most)
  return items.filter((_, i) => i % step === 0 || i === items.length - 1)
}
