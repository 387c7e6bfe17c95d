import { type Breach, breach, isObject, quoted } from '../breach.ts'
import type { Deal, Rule, Scene, SeriesAt } from './scene.ts'

/** Payload types whose values are energy: quantities, what utilities allocated, the charge of a battery. */
const ENERGY = /_(QTY|ALLOC)$|^SOC_END$/
const UNIT = 'KWH'

type Interval = SeriesAt['intervals'][number]

/** The number an interval has for a payload type. */
function numberOf(interval: Interval, type: string): number | undefined {
  const [value] = interval.payloads.find(payload => payload.type === type)?.values ?? []
  return typeof value === 'number' ? value : undefined
}

/** One unit of energy, so that no sum mixes two. */
export const unitsAreKwh: Rule = scene => {
  for (const { path, payloadDescriptors } of scene.series) {
    const index = payloadDescriptors.findIndex(({ payloadType, units }) => ENERGY.test(payloadType) && units !== UNIT)
    if (index >= 0) {
      const { payloadType, units } = payloadDescriptors[index] ?? {}
      const said = `expected ${UNIT} for ${quoted(payloadType ?? '')}; found ${units == null ? 'none' : quoted(units)}`
      return breach('POL_UNITS', [...path, 'payloadDescriptors', index, 'units'], said)
    }
  }
  return quantityBreach(scene)
}

/** The quantities of what peers commit themselves to. */
function quantityBreach({ deals }: Scene): Breach | undefined {
  for (const { path, commitments } of deals.filter(({ peerToPeer }) => peerToPeer)) {
    for (const [index, { resources }] of commitments.entries()) {
      if (!Array.isArray(resources)) continue
      const wrong = resources.findIndex(resource => !isObject(resource) || unitCodeOf(resource['quantity']) !== UNIT)
      if (wrong < 0) continue
      const at = [...path, 'commitments', index, 'resources', wrong, 'quantity', 'unitCode']
      return breach('POL_UNITS', at, `expected ${UNIT}, the unit peers trade in`)
    }
  }
  return undefined
}

const unitCodeOf = (quantity: unknown): unknown => (isObject(quantity) ? quantity['unitCode'] : undefined)

const PRICE = 'PRICE_PER_KWH'

/** Energy and its price are one number in a slot, said once: a second would make it anybody's choice which counts. */
export const quantitiesAreNumbers: Rule = ({ series }) => {
  for (const { path, intervals } of series) {
    for (const [index, { payloads }] of intervals.entries()) {
      const seen = new Set<string>()
      const wrong = payloads.findIndex(({ type, values }) => {
        const again = seen.has(type)
        seen.add(type)
        return (type === PRICE || ENERGY.test(type)) && (again || !isQuantity(type, values))
      })
      if (wrong < 0) continue
      const wanted = payloads[wrong]?.type === PRICE ? 'one price' : `one number of ${UNIT}, 0 or more,`
      const said = `expected ${wanted} for ${quoted(payloads[wrong]?.type ?? '')} in this slot`
      return breach('POL_QUANTITY', [...path, 'intervals', index, 'payloads', wrong, 'values'], said)
    }
  }
  return undefined
}

/** Prices may be less than nothing, energy may not. */
function isQuantity(type: string, [value, ...more]: readonly unknown[]): boolean {
  return more.length === 0 && typeof value === 'number' && (value >= 0 || type === PRICE)
}

/** Who uses a payload type says first what it is and in which unit. */
export const payloadsAreDeclared: Rule = ({ series }) => {
  for (const { path, intervals, payloadDescriptors } of series) {
    const declared = new Set(payloadDescriptors.map(({ payloadType }) => payloadType))
    for (const [index, { payloads }] of intervals.entries()) {
      const wrong = payloads.findIndex(({ type }) => !declared.has(type))
      if (wrong < 0) continue
      const said = `expected a payload type that has a descriptor; ${quoted(payloads[wrong]?.type ?? '')} has none`
      return breach('POL_PAYLOAD_UNDECLARED', [...path, 'intervals', index, 'payloads', wrong, 'type'], said)
    }
  }
  return undefined
}

const FINAL = 'FINAL_ALLOC'
/** A milliwatt-hour: what decimals lose on their way through floating point. */
const TOLERANCE_KWH = 1e-6

/** Settled is the least of what the utilities of both sides saw. */
export const finalWithinAllocations: Rule = ({ series }) => {
  for (const { path, intervals } of series) {
    for (const [index, interval] of intervals.entries()) {
      const least = leastAllocation(interval)
      if ((numberOf(interval, FINAL) ?? 0) <= least + TOLERANCE_KWH) continue
      const said = `expected ${FINAL} to be at most ${least} ${UNIT}, the least allocation`
      return breach('POL_ALLOCATION', [...path, 'intervals', index], said)
    }
  }
  return undefined
}

function leastAllocation(interval: Interval): number {
  const allocations = interval.payloads.filter(({ type }) => type.endsWith('_ALLOC') && type !== FINAL)
  return Math.min(...allocations.map(({ type }) => numberOf(interval, type) ?? Number.POSITIVE_INFINITY))
}

const REQUESTED = 'REQUESTED_QTY'

/** Nothing is settled in a slot nobody asked for. Where it is not said what was requested, nothing is judged. */
export const finalSlotsRequested: Rule = ({ deals }) => {
  for (const deal of deals) {
    const inDeal = requestedByPeriod(deal)
    for (const { path, intervals, intervalPeriod } of deal.series) {
      const own = idsWith(intervals, REQUESTED)
      const requested = own.length > 0 ? new Set(own) : inDeal.get(periodKey(intervalPeriod))
      const settled = (interval: Interval): boolean => numberOf(interval, FINAL) !== undefined
      const index = intervals.findIndex(one => settled(one) && requested?.has(one.id) === false)
      if (index < 0) continue
      const said = `expected a slot that was requested: ${[...(requested ?? [])].slice(0, 8).join(', ')}`
      return breach('POL_SLOT_NOT_REQUESTED', [...path, 'intervals', index, 'id'], said)
    }
  }
  return undefined
}

/** An id names the same slot only where the series begin alike. */
const periodKey = ({ start, duration }: SeriesAt['intervalPeriod']): string => `${start}/${duration}`

function requestedByPeriod({ series }: Deal): Map<string, Set<number>> {
  const requested = new Map<string, Set<number>>()
  for (const { intervals, intervalPeriod } of series) {
    const ids = idsWith(intervals, REQUESTED)
    const key = periodKey(intervalPeriod)
    if (ids.length > 0) requested.set(key, new Set([...(requested.get(key) ?? []), ...ids]))
  }
  return requested
}

function idsWith(intervals: readonly Interval[], type: string): number[] {
  return intervals.filter(interval => numberOf(interval, type) !== undefined).map(({ id }) => id)
}

const AVAILABLE = 'AVAILABLE_QTY'

/** So that seller and utilities see which offer the buyer had before it. */
export const initEchoesAvailable: Rule = ({ action, deals }) => {
  if (action !== 'init') return undefined
  const traded = deals.filter(({ peerToPeer }) => peerToPeer).flatMap(({ series }) => series)
  for (const { path, intervals } of traded) {
    const index = intervals.findIndex(
      interval => numberOf(interval, REQUESTED) !== undefined && numberOf(interval, AVAILABLE) === undefined,
    )
    if (index >= 0) {
      const said = `expected ${AVAILABLE} beside ${REQUESTED}: init repeats what was offered`
      return breach('POL_AVAILABLE_NOT_ECHOED', [...path, 'intervals', index, 'payloads'], said)
    }
  }
  return undefined
}
