import { z } from 'zod'
import type { JsonObject } from '../../kernel/outcome.ts'
import { kwhOf, unitsOf, wholeOf } from '../money.ts'
import { isoDuration, parseIsoDuration, type Slot, timestamp } from '../slot.ts'
import { packContext } from './context.ts'

/** One delivery slot of a time series. Prices a kWh in millionths, energy in Wh. */
export interface Interval {
  readonly slot: Slot
  readonly priceMicro: number
  readonly availableWh?: number
  readonly requestedWh?: number
}

/** The official time series: consecutive slots of equal length, each with its payloads. */
export function timeSeries(intervals: readonly [Interval, ...Interval[]], currency: string): JsonObject {
  const [first] = intervals
  const has = (key: keyof Interval): boolean => intervals.some(interval => interval[key] !== undefined)
  return {
    '@context': packContext('BecknTimeSeries/v1.0'),
    '@type': 'TimeSeries',
    intervalPeriod: { start: timestamp(first.slot.startMs), duration: isoDuration(first.slot.durationMs) },
    payloadDescriptors: [
      { objectType: 'EVENT_PAYLOAD_DESCRIPTOR', payloadType: 'PRICE_PER_KWH', currency, insertedBy: 'sellerPlatform' },
      ...(has('availableWh') ? [quantity('AVAILABLE_QTY', 'sellerPlatform')] : []),
      ...(has('requestedWh') ? [quantity('REQUESTED_QTY', 'buyerPlatform')] : []),
    ],
    intervals: intervals.map(interval => ({
      id: Math.round((interval.slot.startMs - first.slot.startMs) / first.slot.durationMs),
      payloads: [
        { type: 'PRICE_PER_KWH', values: [unitsOf(interval.priceMicro)] },
        ...(interval.availableWh === undefined
          ? []
          : [{ type: 'AVAILABLE_QTY', values: [kwhOf(interval.availableWh)] }]),
        ...(interval.requestedWh === undefined
          ? []
          : [{ type: 'REQUESTED_QTY', values: [kwhOf(interval.requestedWh)] }]),
      ],
    })),
  }
}

function quantity(payloadType: string, insertedBy: string): JsonObject {
  return { objectType: 'EVENT_PAYLOAD_DESCRIPTOR', payloadType, units: 'KWH', insertedBy }
}

/** Slots of a second to a year, in this century: what a stranger says must stay a date that can be printed. */
const MIN_SLOT_MS = 1_000
const MAX_SLOT_MS = 366 * 24 * 60 * 60_000
const LAST_START_MS = Date.UTC(2100, 0)

const seriesSchema = z.looseObject({
  intervalPeriod: z.looseObject({ start: z.iso.datetime({ offset: true }), duration: z.string() }),
  intervals: z
    .array(
      z.looseObject({
        id: z.int().min(0).max(10_000),
        payloads: z.array(z.looseObject({ type: z.string(), values: z.array(z.unknown()).min(1) })).max(16),
      }),
    )
    .min(1)
    .max(400),
})

/** The slots of a series; undefined when it is not one, or its numbers are no whole millionths and Wh. */
export function readSeries(value: unknown): Interval[] | undefined {
  const parsed = seriesSchema.safeParse(value)
  if (!parsed.success) return undefined
  const startMs = Date.parse(parsed.data.intervalPeriod.start)
  const durationMs = parseIsoDuration(parsed.data.intervalPeriod.duration)
  if (durationMs === undefined || durationMs < MIN_SLOT_MS || durationMs > MAX_SLOT_MS || startMs > LAST_START_MS)
    return undefined
  const intervals: Interval[] = []
  for (const { id, payloads } of parsed.data.intervals) {
    const number = (type: string, scale: number): number | undefined =>
      wholeOf(payloads.find(payload => payload.type === type)?.values[0], scale)
    const priceMicro = number('PRICE_PER_KWH', 1_000_000)
    if (priceMicro === undefined) return undefined
    const availableWh = number('AVAILABLE_QTY', 1000)
    const requestedWh = number('REQUESTED_QTY', 1000)
    intervals.push({
      slot: { startMs: startMs + id * durationMs, durationMs },
      priceMicro,
      ...(availableWh === undefined ? {} : { availableWh }),
      ...(requestedWh === undefined ? {} : { requestedWh }),
    })
  }
  return intervals
}
