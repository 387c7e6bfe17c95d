import type { LineSeriesOption } from 'echarts'
import { kwhOf, wattHoursOf } from '../../kernel/energy.ts'
import type { SocHistory, SocPoint } from '../report-data.ts'
import { type Span, thinned } from '../slots.ts'
import { energy, number, percent } from '../words.ts'
import { overTime } from './axes.ts'
import { type Label, labelRoom, placed } from './end-labels.ts'
import { type Battery, lastBefore, median, timesOf } from './histories.ts'
import type { Entry, Moment, Plot, Size } from './plot.ts'

/** More lines than this cannot be told apart; then all are drawn quietly, and their middle is. */
const TELLABLE = 12
const COLOURS = 8
const LEVELS = 4
/** A line of more points is no finer on the screen. */
const POINTS = { each: 400, crowd: 120 }

/** One unit for all lines. */
interface Scale {
  readonly unit: string
  readonly most: number
  levelOf(point: SocPoint): number
  said(value: number): string
}

/** How full each battery was: in per cent where everybody says, else in kWh. */
export function socPlot(
  histories: readonly SocHistory[],
  { span, nameOf }: { span: Span; nameOf: (peer: string) => string },
): Plot | undefined {
  const batteries = histories
    .filter(({ points }) => points.length > 0)
    .map(({ peer, points }): Battery => ({ name: nameOf(peer), points }))
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
  if (batteries.length === 0) return undefined
  const scale = scaleOf(batteries)
  const { said, levelOf } = scale
  const values = batteries.flatMap(({ points }) => points.map(levelOf))
  const [least, most] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]
  const alt = `Lines over time: the state of charge of ${batteries.length} batteries, between ${said(least)} and ${said(most)}.`
  return { alt, ...(batteries.length > TELLABLE ? crowd : told)(batteries, scale, span) }
}

function scaleOf(batteries: readonly Battery[]): Scale {
  const points = batteries.flatMap(battery => battery.points)
  if (points.every(point => point.percent !== undefined)) {
    const said = (value: number): string => percent(value / 100)
    return { unit: '% of capacity', most: 100, levelOf: point => point.percent ?? 0, said }
  }
  const mostWh = points.reduce((most, { socWh }) => Math.max(most, socWh), 1)
  return {
    unit: 'kWh',
    most: rounded(kwhOf(mostWh)),
    levelOf: ({ socWh }) => kwhOf(socWh),
    said: value => energy(wattHoursOf(value)),
  }
}

/** The next 1, 2, 4, 6 or 8 with zeros behind it: four level lines at figures that can be read. */
function rounded(value: number): number {
  const zeros = 10 ** Math.floor(Math.log10(value))
  return zeros * ([1, 2, 4, 6, 8].find(step => value <= step * zeros) ?? 10)
}

type Drawing = Omit<Plot, 'alt'>

const PLAIN: LineSeriesOption = { type: 'line', showSymbol: false, silent: true, emphasis: { disabled: true } }

/** Each battery a line, and its name beside the end of it. */
function told(batteries: readonly Battery[], scale: Scale, span: Span): Drawing {
  const entries = batteries.map(({ name }, i): Required<Entry> => {
    return { name, colour: `var(--line-${i % COLOURS})`, line: i < COLOURS ? 'solid' : 'dashed' }
  })
  const ends = batteries.map(({ name, points }) => ({
    name,
    share: scale.levelOf(points.at(-1) as SocPoint) / scale.most,
  }))
  return {
    entries,
    key: [],
    time: { fromMs: span.fromMs, toMs: span.toMs, eachMs: 0, moments: momentsOf(batteries, scale) },
    right: size => labelRoom(size, ends),
    draw(size) {
      const labels = placed(size, ends)
      const series = batteries.map(({ points }, i): LineSeriesOption => {
        const { colour = '', line } = entries[i] ?? {}
        return {
          ...PLAIN,
          lineStyle: { color: colour, width: 2, type: line === 'dashed' ? [5, 4] : 'solid' },
          itemStyle: { color: colour },
          ...endLabel(labels[i], colour, size),
          data: pathOf(thinned(points, POINTS.each), scale),
        }
      })
      return { ...upright(size, span, scale), series }
    },
  }
}

/** Beside its line a name needs no key, and no eye for colours. */
function endLabel(label: Label | undefined, color: string, { name }: Size): Pick<LineSeriesOption, 'endLabel'> {
  if (label === undefined) return {}
  const { text, shiftPx } = label
  const fontSize = name === 'wide' ? 13 : 11
  return { endLabel: { show: true, color, fontSize, distance: 6, offset: [0, shiftPx], formatter: () => text } }
}

function crowd(batteries: readonly Battery[], scale: Scale, span: Span): Drawing {
  const middle = median(batteries, scale.levelOf)
  const quiet = { color: 'var(--line-0)', width: 1, opacity: 0.3 }
  return {
    entries: [
      { name: 'median', colour: 'var(--ink)', line: 'solid' },
      { name: `each of ${batteries.length} batteries`, colour: 'var(--line-0)', line: 'solid' },
    ],
    time: {
      fromMs: span.fromMs,
      toMs: span.toMs,
      eachMs: 0,
      moments: middle.map(([atMs, value]) => ({ atMs, values: [scale.said(value)] })),
    },
    draw: size => ({
      ...upright(size, span, scale),
      series: [
        ...batteries.map(({ points }) => ({
          ...PLAIN,
          lineStyle: quiet,
          data: pathOf(thinned(points, POINTS.crowd), scale),
        })),
        { ...PLAIN, lineStyle: { color: 'var(--ink)', width: 2.5 }, data: middle.map(point => [...point]) },
      ],
    }),
  }
}

function upright(size: Size, span: Span, { unit, most }: Scale): ReturnType<typeof overTime> {
  return overTime(size, span, { unit, least: 0, most, step: most / LEVELS, label: value => number(value, 2) })
}

function pathOf(points: readonly SocPoint[], { levelOf }: Scale): number[][] {
  return points.map(point => [point.atMs, Math.round(levelOf(point) * 100) / 100])
}

function momentsOf(batteries: readonly Battery[], { said, levelOf }: Scale): Moment[] {
  return timesOf(batteries).map(atMs => ({
    atMs,
    values: batteries.map(({ points }) => {
      const point = lastBefore(points, atMs)
      return point === undefined ? '' : said(levelOf(point))
    }),
  }))
}
