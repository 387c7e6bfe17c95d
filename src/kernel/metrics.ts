import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Labels come from bounded sets only (codes, actions, message types), never from what a remote peer chooses. */
export interface Metrics {
  counter(
    name: string,
    help: string,
    labels?: readonly string[],
  ): (labels?: Record<string, string>, by?: number) => void
  gauge(name: string, help: string, read: () => number): void
  histogram(name: string, help: string, buckets: readonly number[]): (value: number) => void
  /** The sum of a counter over all its labels, or over those given. */
  total(name: string, labels?: Record<string, string>): Promise<number>
  /** Prometheus text format. */
  text(): Promise<string>
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  return {
    counter(name, help, labels = []) {
      const counter = new Counter({ name: `wattmesh_${name}`, help, labelNames: [...labels], registers: [registry] })
      return (values = {}, by = 1) => counter.inc(values, by)
    },
    gauge(name, help, read) {
      const gauge: Gauge = new Gauge({
        name: `wattmesh_${name}`,
        help,
        registers: [registry],
        collect(): void {
          gauge.set(read())
        },
      })
    },
    histogram(name, help, buckets) {
      const histogram = new Histogram({ name: `wattmesh_${name}`, help, buckets: [...buckets], registers: [registry] })
      return value => histogram.observe(value)
    },
    async total(name, labels = {}) {
      const metric = await registry.getSingleMetric(`wattmesh_${name}`)?.get()
      const wanted = Object.entries(labels)
      return (metric?.values ?? [])
        .filter(v => wanted.every(([key, value]) => (v.labels as Record<string, unknown>)[key] === value))
        .reduce((sum, v) => sum + v.value, 0)
    },
    text: () => registry.metrics(),
  }
}
