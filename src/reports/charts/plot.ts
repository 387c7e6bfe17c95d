import type { EChartsOption } from 'echarts'
import { BarChart, LineChart, SankeyChart } from 'echarts/charts'
import { GridComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { embedded, html, type Markup, trusted } from '../markup.ts'
import { stamp } from '../words.ts'

use([LineChart, BarChart, SankeyChart, GridComponent, SVGRenderer])

/** A chart is drawn twice, for a screen and for a phone; the page shows one. Scaled down, its words would be unreadable. */
export interface Size {
  readonly name: 'wide' | 'narrow'
  readonly width: number
  readonly height: number
  /** Room around the plot itself, for what stands on the axes. */
  readonly left: number
  readonly right: number
  /** Bars at most. */
  readonly bars: number
}

export const SIZES: Readonly<Record<Size['name'], Size>> = {
  wide: { name: 'wide', width: 1000, height: 340, left: 52, right: 16, bars: 100 },
  narrow: { name: 'narrow', width: 400, height: 300, left: 44, right: 10, bars: 40 },
}

/** More moments than this a pointer cannot tell apart. */
export const MOMENTS = 240

/** What the pointer, or the arrow keys, tell of one moment. */
export interface Moment {
  readonly atMs: number
  /** In the order of the key; empty where nothing is known. */
  readonly values: readonly string[]
}

/** One thing that a chart shows, as its key names it. */
export interface Entry {
  readonly name: string
  /** A CSS variable of the page, so that one drawing serves light and dark. */
  readonly colour: string
  /** How it is drawn; an area when not said. */
  readonly line?: 'solid' | 'dashed'
}

export interface Timeline {
  readonly fromMs: number
  readonly toMs: number
  /** How long what is told of a moment lasts; the mark stands in the middle of that. */
  readonly eachMs: number
  /** Oldest first. */
  readonly moments: readonly Moment[]
}

export interface Plot {
  /** What a person who cannot see it should know. */
  readonly alt: string
  /** What there is to tell of a moment, in order. */
  readonly entries: readonly Entry[]
  /** What the key above the drawing names, when that is not the same. */
  readonly key?: readonly Entry[]
  draw(size: Size): EChartsOption
  /** For charts over time. */
  readonly time?: Timeline
  /** Room that the words at the ends of lines need, in place of a key. */
  readonly right?: (size: Size) => number
}

const FONT = 'var(--font)'

export function plotOf(plot: Plot): Markup {
  const sizes = Object.values(SIZES).map(size => ({ ...size, right: plot.right?.(size) ?? size.right }))
  const drawn = sizes.map(
    size => html`<div class="${size.name}" aria-hidden="true">${svgOf(plot.draw(size), size)}</div>`,
  )
  if (plot.time === undefined) return html`<div class="plot" role="img" aria-label="${plot.alt}">${drawn}</div>`
  const { time, entries } = plot
  const followed = {
    fromMs: time.fromMs,
    toMs: time.toMs,
    eachMs: time.eachMs,
    sizes: Object.fromEntries(sizes.map(({ name, width, left, right }) => [name, { width, left, right }])),
    entries: entries.map(({ name, colour }) => ({ name, colour })),
    moments: time.moments.map(({ atMs, values }) => [atMs, stamp(atMs), ...values]),
  }
  return html`<div class="plot follows" role="img" tabindex="0" aria-label="${plot.alt} Left and right arrows go through time.">
${drawn}<div class="cursor" hidden></div><div class="tip" role="status" hidden></div>
<script type="application/json">${embedded(followed)}</script></div>`
}

/** Colours may be CSS variables: they go through into the drawing as they are. */
function svgOf(option: EChartsOption, { width, height }: Size): Markup {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  try {
    chart.setOption({ animation: false, useUTC: true, textStyle: { fontFamily: FONT }, ...option })
    return trusted(slim(chart.renderToSVGString({ useViewBox: true })))
  } finally {
    chart.dispose()
  }
}

/** What the drawing says only for a script of its own, which the page does not have. */
function slim(svg: string): string {
  return svg
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/ (?:pointer-events|class|xmlns|xmlns:xlink|version|baseProfile)="[^"]*"/g, '')
    .replace('<svg width="', '<svg data-width="')
    .replace(/(<svg[^>]*) height="\d+"/, '$1')
}

export function keyOf({ key, entries }: Plot): Markup | undefined {
  const named = key ?? entries
  if (named.length === 0) return undefined
  return html`<ul class="key">${named.map(
    ({ name, colour, line }) => html`<li><i class="${line ?? 'area'}" style="--of:${colour}"></i>${name}</li>`,
  )}</ul>`
}
