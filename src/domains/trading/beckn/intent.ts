import { kwhOf, readKwh } from '../../../kernel/energy.ts'
import type { JsonObject } from '../../../kernel/outcome.ts'
import { readSlot, type Slot, slotPeriod } from '../../../kernel/slot.ts'
import type { OfferFilter } from '../catalog-index.ts'

/**
 * `message` of discover: which slot, and at least how much. It is read by everybody in the zone, so it names neither a
 * price nor what is needed in all.
 */
export function intentMessage(slot: Slot, minWh: number): JsonObject {
  const series = '$.catalogs[*].offers[*].offerAttributes.commitmentAttributes'
  const { start, duration } = slotPeriod(slot)
  const expression = `${series} ? (@.intervalPeriod.start == "${start}" && @.intervalPeriod.duration == "${duration}" && @.AVAILABLE_QTY >= ${kwhOf(minWh)})`
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
  const [, start = ''] = START.exec(expression) ?? []
  const [, duration = ''] = DURATION.exec(expression) ?? []
  const slot = readSlot({ start, duration })
  const minWh = readKwh(Number(QUANTITY.exec(expression)?.[1]))
  return {
    ...(slot === undefined ? {} : { slot }),
    ...(minWh === undefined ? {} : { minWh }),
  }
}
