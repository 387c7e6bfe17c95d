import { z } from 'zod'
import { kwhOf, readKwh } from '../../../kernel/energy.ts'
import { readUnits, unitsOf } from '../../../kernel/money.ts'
import type { JsonObject } from '../../../kernel/outcome.ts'
import { readSlot, type Slot, slotAfter, slotPeriod, slotsBetween } from '../../../kernel/slot.ts'
import type { Allocation } from '../../../protocol/contract.ts'
import { packContext } from './context.ts'
import { isOfPack } from './rules/packs/packs.ts'

/** One delivery slot of a time series. Prices a kWh in millionths, energy in Wh. */
export interface Interval {
  readonly slot: Slot
  readonly priceMicro: number
  readonly availableWh?: number
  readonly requestedWh?: number
  /** What the meters of the two sides vouch for; the official names speak of their utilities. */
  readonly buyerAllocation?: Allocation
  readonly sellerAllocation?: Allocation
  readonly finalWh?: number
}

export const PRICE = 'PRICE_PER_KWH'
/** The columns beside the price: the field, its official name, who fills it in, and what stands in it. */
const COLUMNS = [
  ['availableWh', 'AVAILABLE_QTY', 'sellerPlatform', 'EVENT'],
  ['requestedWh', 'REQUESTED_QTY', 'buyerPlatform', 'EVENT'],
  ['finalWh', 'FINAL_ALLOC', 'sellerDiscom', 'REPORT'],
] as const
const ALLOCATIONS = [
  ['buyerAllocation', 'BUYER_DISCOM', 'buyerDiscom'],
  ['sellerAllocation', 'SELLER_DISCOM', 'sellerDiscom'],
] as const
/** The official words for a reading that was measured, and for one put in its place. */
const STATUS = { OK: 'COMPLETED', ESTIMATED: 'ESTIMATED' } as const

/** The official time series: consecutive slots of equal length, each with its payloads. */
export function timeSeries(intervals: readonly [Interval, ...Interval[]], currency: string): JsonObject {
  const [first] = intervals
  const used = (key: keyof Interval): boolean => intervals.some(interval => interval[key] !== undefined)
  return {
    '@context': packContext('BecknTimeSeries/v1.0'),
    '@type': 'TimeSeries',
    intervalPeriod: slotPeriod(first.slot),
    payloadDescriptors: [
      { objectType: 'EVENT_PAYLOAD_DESCRIPTOR', payloadType: PRICE, currency, insertedBy: 'sellerPlatform' },
      ...COLUMNS.filter(([key]) => used(key)).map(([, payloadType, insertedBy, kind]) => ({
        objectType: `${kind}_PAYLOAD_DESCRIPTOR`,
        payloadType,
        units: 'KWH',
        insertedBy,
      })),
      ...ALLOCATIONS.filter(([key]) => used(key)).flatMap(([, name, insertedBy]) => [
        { objectType: 'REPORT_PAYLOAD_DESCRIPTOR', payloadType: `${name}_ALLOC`, units: 'KWH', insertedBy },
        { objectType: 'REPORT_PAYLOAD_DESCRIPTOR', payloadType: `${name}_STATUS`, units: 'STRING', insertedBy },
      ]),
    ],
    intervals: intervals.map(interval => ({
      id: slotsBetween(first.slot, interval.slot),
      payloads: payloadsOf(interval),
    })),
  }
}

function payloadsOf(interval: Interval): JsonObject[] {
  const columns = COLUMNS.flatMap(([key, type]) => {
    const energyWh = interval[key]
    return energyWh === undefined ? [] : [{ type, values: [kwhOf(energyWh)] }]
  })
  const allocations = ALLOCATIONS.flatMap(([key, name]) => {
    const allocation = interval[key]
    if (allocation === undefined) return []
    return [
      { type: `${name}_ALLOC`, values: [kwhOf(allocation.energyWh)] },
      { type: `${name}_STATUS`, values: [STATUS[allocation.quality]] },
    ]
  })
  return [{ type: PRICE, values: [unitsOf(interval.priceMicro)] }, ...columns, ...allocations]
}

/** Of the pack, so that its rules have been held against it before it is read. */
const seriesSchema = z.looseObject({
  '@context': isOfPack('BecknTimeSeries/1.0'),
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
  const first = readSlot(parsed.data.intervalPeriod)
  if (first === undefined) return undefined
  const intervals = parsed.data.intervals.map(({ id, payloads }) => readInterval(slotAfter(first, id), payloads))
  return intervals.every(interval => interval !== undefined) ? intervals : undefined
}

type Payloads = z.infer<typeof seriesSchema>['intervals'][number]['payloads']

function readInterval(slot: Slot, payloads: Payloads): Interval | undefined {
  const value = (type: string): unknown => payloads.find(payload => payload.type === type)?.values[0]
  const priceMicro = readUnits(value(PRICE))
  if (priceMicro === undefined) return undefined
  const found: Record<string, unknown> = {}
  for (const [key, type] of COLUMNS) found[key] = readKwh(value(type))
  for (const [key, name] of ALLOCATIONS) {
    const energyWh = readKwh(value(`${name}_ALLOC`))
    const quality = value(`${name}_STATUS`) === STATUS.OK ? 'OK' : 'ESTIMATED'
    found[key] = energyWh === undefined ? undefined : { energyWh, quality }
  }
  const present = Object.entries(found).filter(([, one]) => one !== undefined)
  return { slot, priceMicro, ...(Object.fromEntries(present) as Partial<Interval>) }
}
