import type { JsonObject } from '../../../kernel/outcome.ts'
import type { OfferFilter } from '../catalog-index.ts'
import { kwhOf, wholeOf } from '../money.ts'
import { isoDuration, parseIsoDuration, type Slot, timestamp } from '../slot.ts'

/**
 * `message` of discover: which slot, and at least how much. It is read by everybody in the zone, so it names neither a
 * price nor what is needed in all.
 */
export function intentMessage(slot: Slot, minWh: number): JsonObject {
  const series = '$.catalogs[*].offers[*].offerAttributes.commitmentAttributes'
  const expression = `${series} ? (@.intervalPeriod.start == "${timestamp(slot.startMs)}" && @.intervalPeriod.duration == "${isoDuration(slot.durationMs)}" && @.AVAILABLE_QTY >= ${kwhOf(minWh)})`
  return { intent: { filters: { type: 'jsonpath', expression } } }
}

const START = /@\.intervalPeriod\.start == "([^"]{1,40})"/
const DURATION = /@\.intervalPeriod\.duration == "(PT[^"]{1,20})"/
const QUANTITY = /@\.AVAILABLE_QTY >= ([\d.e-]{1,20})\)/

/** What an intent asks for, as far as it is understood: what is not is no filter, and the seller answers with all it has. */
export function readIntent(message: unknown): OfferFilter {
  const { intent } = message as { intent?: { filters?: { expression?: unknown } } }
  const expression = intent?.filters?.expression
  if (typeof expression !== 'string' || expression.length > 1_000) return {}
  const startMs = Date.parse(START.exec(expression)?.[1] ?? '')
  const durationMs = parseIsoDuration(DURATION.exec(expression)?.[1] ?? '')
  const minWh = wholeOf(Number(QUANTITY.exec(expression)?.[1]), 1000)
  return {
    ...(Number.isNaN(startMs) || durationMs === undefined ? {} : { slot: { startMs, durationMs } }),
    ...(minWh === undefined ? {} : { minWh }),
  }
}
