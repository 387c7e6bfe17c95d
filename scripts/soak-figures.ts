/** What one daemon was seen to hold: memory in MB, and every gauge it has, by name. */
export interface Sample {
  readonly atMs: number
  readonly rssMb: number
  readonly gauges: Readonly<Record<string, number>>
}

export interface SoakFigures {
  readonly name: string
  readonly samples: number
  readonly rssMb: Trend
  readonly heapMb: Trend
  /** The most each bounded thing was seen to hold. */
  readonly gaugesMost: Readonly<Record<string, number>>
}

export interface Trend {
  readonly first: number
  readonly most: number
  readonly last: number
  readonly slopePerHour: number
}

/** The gauge of JavaScript's memory, in bytes. */
export const HEAP_GAUGE = 'heap_used_bytes'
const MB = 1024 * 1024
/** Until caches are full and code is compiled, every process grows. */
const WARM_UP = 0.2
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

export function figuresOf(name: string, samples: readonly Sample[]): SoakFigures {
  const names = [...new Set(samples.flatMap(({ gauges }) => Object.keys(gauges)))].filter(gauge => gauge !== HEAP_GAUGE)
  const most = (gauge: string): number => Math.max(...samples.map(({ gauges }) => gauges[gauge] ?? 0))
  const heap = samples.map(({ atMs, gauges }) => ({ atMs, value: (gauges[HEAP_GAUGE] ?? 0) / MB }))
  return {
    name,
    samples: samples.length,
    rssMb: trendOf(samples.map(({ atMs, rssMb }) => ({ atMs, value: rssMb }))),
    heapMb: { ...trendOf(heap), slopePerHour: slopePerHour(leastOfEach(MINUTE_MS, afterWarmUp(heap))) },
    gaugesMost: Object.fromEntries(names.map(gauge => [gauge, most(gauge)])),
  }
}

interface Point {
  readonly atMs: number
  readonly value: number
}

function trendOf(points: readonly Point[]): Trend {
  const most = Math.max(0, ...points.map(({ value }) => value))
  const [first, last] = [points[0]?.value ?? 0, points.at(-1)?.value ?? 0]
  return { first, most, last, slopePerHour: slopePerHour(afterWarmUp(points)) }
}

function afterWarmUp(points: readonly Point[]): readonly Point[] {
  return points.slice(Math.floor(points.length * WARM_UP))
}

/** Between two collections a heap holds garbage too: what it keeps is the least that was seen in a while. */
function leastOfEach(spanMs: number, points: readonly Point[]): Point[] {
  const spans = Map.groupBy(points, ({ atMs }) => Math.floor(atMs / spanMs))
  return [...spans.values()].map(some => some.reduce((least, one) => (one.value < least.value ? one : least)))
}

/** The slope of the straight line that fits the points best (least squares), per hour; 0 for fewer than two moments. */
export function slopePerHour(points: readonly Point[]): number {
  const mean = (of: (point: Point) => number): number => points.reduce((sum, one) => sum + of(one), 0) / points.length
  const [meanMs, meanValue] = [mean(({ atMs }) => atMs), mean(({ value }) => value)]
  const spread = points.reduce((sum, { atMs }) => sum + (atMs - meanMs) ** 2, 0)
  const together = points.reduce((sum, { atMs, value }) => sum + (atMs - meanMs) * (value - meanValue), 0)
  return spread > 0 ? (together / spread) * HOUR_MS : 0
}

/** The gauges in Prometheus text, without the project's prefix. */
export function gaugesIn(text: string): Record<string, number> {
  const gauges = new Set([...text.matchAll(/^# TYPE (\S+) gauge$/gm)].map(([, name]) => name))
  const values = [...text.matchAll(/^([a-z_]+) ([-+.e\d]+)$/gim)]
  return Object.fromEntries(
    values
      .filter(([, name]) => gauges.has(name))
      .map(([, name = '', value]) => [name.replace(/^wattmesh_/, ''), Number(value)]),
  )
}
