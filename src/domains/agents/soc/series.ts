import { z } from 'zod'
import { kwhOf, readKwh } from '../../../kernel/energy.ts'
import type { Json, JsonObject } from '../../../kernel/outcome.ts'
import { readSlot, type Slot, slotPeriod } from '../../../kernel/slot.ts'

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
    intervalPeriod: slotPeriod(slot),
    payloadDescriptors: [
      { objectType: 'REPORT_PAYLOAD_DESCRIPTOR', payloadType: PAYLOAD, units: 'KWH', readingType: 'DIRECT_READ' },
    ],
    intervals: [{ id: 0, payloads: [{ type: PAYLOAD, values: [kwhOf(socWh)] }] }],
  } satisfies Record<string, Json>
}

/** No battery holds more than a GWh. */
const MAX_WH = 1_000_000_000

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
  const slot = readSlot(intervalPeriod)
  const units = payloadDescriptors.find(({ payloadType }) => payloadType === PAYLOAD)?.units
  const socWh = readKwh(intervals[0]?.payloads.find(({ type }) => type === PAYLOAD)?.values[0])
  if (slot === undefined || units !== 'KWH' || socWh === undefined || socWh > MAX_WH) return undefined
  return { socWh, slot }
}
