import { z } from 'zod'
import type { Json, JsonObject } from '../../../kernel/outcome.ts'

/** A delivery slot of market time. */
export interface Slot {
  /** Unix milliseconds of market time. */
  readonly startMs: number
  readonly durationMs: number
}

/** What a battery holds at the end of a slot. */
export interface StateOfCharge {
  readonly socWh: number
  readonly slot: Slot
}

const PAYLOAD = 'SOC_END'

/**
 * The official time series (BecknTimeSeries, which is OpenADR 3.1's report) with one interval: the state of charge at
 * its end, in kWh.
 */
export function socSeries({ socWh, slot }: StateOfCharge): JsonObject {
  return {
    '@context': 'https://schema.nfh.global/BecknTimeSeries/v1.0/context.jsonld',
    '@type': 'TimeSeries',
    intervalPeriod: { start: new Date(slot.startMs).toISOString(), duration: isoDuration(slot.durationMs) },
    payloadDescriptors: [
      { objectType: 'REPORT_PAYLOAD_DESCRIPTOR', payloadType: PAYLOAD, units: 'KWH', readingType: 'DIRECT_READ' },
    ],
    intervals: [{ id: 0, payloads: [{ type: PAYLOAD, values: [socWh / 1000] }] }],
  } satisfies Record<string, Json>
}

/** Slots of a second to a year, in this century, and no battery of more than a GWh. */
const MIN_SLOT_MS = 1_000
const MAX_SLOT_MS = 366 * 24 * 60 * 60_000
const LAST_START_MS = Date.UTC(2100, 0)
const MAX_KWH = 1_000_000

const seriesSchema = z.looseObject({
  intervalPeriod: z.looseObject({ start: z.iso.datetime({ offset: true }), duration: z.string().max(64) }),
  payloadDescriptors: z.array(z.looseObject({ payloadType: z.string(), units: z.string().nullish() })).max(16),
  intervals: z
    .array(
      z.looseObject({
        id: z.literal(0),
        payloads: z.array(z.looseObject({ type: z.string(), values: z.array(z.unknown()).min(1) })).max(16),
      }),
    )
    .length(1),
})

/** The state of charge a series tells; undefined when it is no such series, or not in kWh, or no whole Wh. */
export function readSocSeries(value: unknown): StateOfCharge | undefined {
  const parsed = seriesSchema.safeParse(value)
  if (!parsed.success) return undefined
  const { intervalPeriod, payloadDescriptors, intervals } = parsed.data
  const slot = slotOf(intervalPeriod)
  const units = payloadDescriptors.find(({ payloadType }) => payloadType === PAYLOAD)?.units
  const socWh = wattHours(intervals[0]?.payloads.find(({ type }) => type === PAYLOAD)?.values[0])
  return slot === undefined || units !== 'KWH' || socWh === undefined ? undefined : { socWh, slot }
}

function slotOf({ start, duration }: { start: string; duration: string }): Slot | undefined {
  const startMs = Date.parse(start)
  const durationMs = parseIsoDuration(duration)
  if (durationMs === undefined || durationMs < MIN_SLOT_MS || durationMs > MAX_SLOT_MS) return undefined
  return startMs >= 0 && startMs <= LAST_START_MS ? { startMs, durationMs } : undefined
}

/** Energy is whole Wh here; a kWh figure finer than that is not ours. */
function wattHours(kwh: unknown): number | undefined {
  if (typeof kwh !== 'number' || !(kwh >= 0 && kwh <= MAX_KWH)) return undefined
  const wh = Math.round(kwh * 1000)
  return Math.abs(kwh * 1000 - wh) < 1e-6 ? wh : undefined
}

function isoDuration(ms: number): string {
  const seconds = ms / 1000
  if (seconds % 3600 === 0) return `PT${seconds / 3600}H`
  return seconds % 60 === 0 ? `PT${seconds / 60}M` : `PT${seconds}S`
}

function parseIsoDuration(text: string): number | undefined {
  const match = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,3})?)S)?$/.exec(text)
  if (match === null || text === 'PT') return undefined
  const [, hours = '0', minutes = '0', seconds = '0'] = match
  return Math.round((Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000)
}
