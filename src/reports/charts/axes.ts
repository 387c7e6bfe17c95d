import type { EChartsOption, XAXisComponentOption, YAXisComponentOption } from 'echarts'
import type { Span } from '../slots.ts'
import type { Size } from './plot.ts'

const QUIET = 'var(--quiet)'
const RULE = 'var(--rule)'
/** Room below and above the plot. */
export const BOTTOM = 30
export const TOP = 30

type Axes = Pick<EChartsOption, 'grid' | 'xAxis' | 'yAxis'>

export interface Upright {
  /** Stands above the axis. */
  readonly unit: string
  readonly least?: number
  readonly most?: number
  /** From one level line to the next. */
  readonly step?: number
  readonly label?: (value: number) => string
}

/** Time from left to right, one unit upright; only the level lines are drawn. */
export function overTime(size: Size, { fromMs, toMs }: Pick<Span, 'fromMs' | 'toMs'>, upright: Upright): Axes {
  const xAxis: XAXisComponentOption = {
    type: 'time',
    min: fromMs,
    max: toMs,
    splitNumber: size.name === 'wide' ? 8 : 4,
    axisLine: { lineStyle: { color: RULE } },
    axisTick: { show: false },
    axisLabel: {
      color: QUIET,
      fontSize: 12,
      hideOverlap: true,
      formatter: { year: '{yyyy}', month: '{d} {MMM}', day: '{d} {MMM}', hour: '{HH}:{mm}', minute: '{HH}:{mm}' },
    },
  }
  const yAxis: YAXisComponentOption = {
    type: 'value',
    name: upright.unit,
    nameTextStyle: { color: QUIET, fontSize: 12, align: 'left', padding: [0, 0, 0, -size.left + 8] },
    nameGap: 14,
    splitNumber: 4,
    splitLine: { lineStyle: { color: RULE } },
    axisLabel: {
      color: QUIET,
      fontSize: 12,
      hideOverlap: true,
      ...(upright.label === undefined ? {} : { formatter: upright.label }),
    },
    ...(upright.least === undefined ? {} : { min: upright.least }),
    ...(upright.most === undefined ? {} : { max: upright.most }),
    ...(upright.step === undefined ? {} : { interval: upright.step }),
  }
  const grid = { left: size.left, right: size.right, top: TOP, bottom: BOTTOM, outerBoundsMode: 'none' as const }
  return { grid, xAxis, yAxis }
}

/** A bar from its start to its end, with a hair's breadth to the next. */
export function barWidth(size: Size, { fromMs, toMs }: Span, widthMs: number): number {
  const room = size.width - size.left - size.right
  return Math.max(1, Math.min(48, (room * widthMs) / (toMs - fromMs) - 1))
}
