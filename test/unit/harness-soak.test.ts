import { expect, test } from 'vitest'
import { figuresOf, gaugesIn, slopePerHour } from '../../scripts/soak-figures.ts'

const MINUTE_MS = 60_000

test('the slope of a memory that grows by a megabyte a minute is 60 an hour, whatever the noise', () => {
  const points = Array.from({ length: 30 }, (_, i) => ({
    atMs: i * MINUTE_MS,
    value: 100 + i + (i % 2 === 0 ? 3 : -3),
  }))
  expect(slopePerHour(points)).toBeGreaterThan(58)
  expect(slopePerHour(points)).toBeLessThan(62)
  expect(slopePerHour([])).toBe(0)
  expect(slopePerHour([{ atMs: 5, value: 1 }])).toBe(0)
})

test('how a process begins does not count as growth', () => {
  const samples = Array.from({ length: 20 }, (_, i) => ({
    atMs: i * MINUTE_MS,
    rssMb: i < 4 ? i * 50 : 200,
    gauges: { heap_used_bytes: 50 * 1024 * 1024, outbox_lanes: i },
  }))
  expect(figuresOf('one', samples)).toMatchObject({
    rssMb: { first: 0, most: 200, last: 200, slopePerHour: 0 },
    heapMb: { most: 50, slopePerHour: 0 },
    gaugesMost: { outbox_lanes: 19 },
  })
})

test('gauges are read from Prometheus text, counters and histograms are not', () => {
  const text = [
    '# HELP wattmesh_inbox_waiting Messages waiting',
    '# TYPE wattmesh_inbox_waiting gauge',
    'wattmesh_inbox_waiting 7',
    '# TYPE wattmesh_messages_signed_total counter',
    'wattmesh_messages_signed_total 12',
    '# TYPE wattmesh_heap_used_bytes gauge',
    'wattmesh_heap_used_bytes 1.5e7',
  ].join('\n')
  expect(gaugesIn(text)).toEqual({ inbox_waiting: 7, heap_used_bytes: 15_000_000 })
})

test('the garbage between two collections does not count as growth of the heap', () => {
  const samples = Array.from({ length: 60 }, (_, i) => ({
    atMs: i * 10_000,
    rssMb: 200,
    // A saw that gets higher, on ground that stays: each minute ends in a collection.
    gauges: { heap_used_bytes: (50 + (i % 6) * (1 + i / 10)) * 1024 * 1024 },
  }))
  expect(figuresOf('one', samples).heapMb.slopePerHour).toBeCloseTo(0)
})
