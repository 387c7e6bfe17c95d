import { z } from 'zod'

export const text = z.string()

/** Absolute, in the characters of RFC 3986. `libp2p:`, `did:` and `http:` alike. */
export const uri = text.refine(value => URI.test(value) && URL.canParse(value), 'an absolute URI, like https://…')
const URI = /^[a-z][a-z\d+.-]*:(?:[a-z\d\-._~:/?#@!$&'()*+,;=[\]]|%[\da-f]{2})+$/i

/** Of any version: Beckn asks for the form only. */
export const uuid = z.guid({ error: 'a UUID' })

/** RFC 3339, which wants the seconds and the offset. */
export const instant = z.iso
  .datetime({ offset: true, error: 'a date and time, like 2026-06-01T12:00:00Z' })
  .regex(/T\d\d:\d\d:\d\d/, 'a date and time with its seconds, like 2026-06-01T12:00:00Z')

export const timeOfDay = text.regex(
  /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i,
  'a time with its offset, like 12:00:00Z',
)

const DURATION =
  /^-?P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/

/** ISO 8601, as OpenADR has it: an interval may run backwards. */
export const duration = text.regex(DURATION, 'an ISO 8601 duration, like PT15M')

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const PARTS_MS = [365 * DAY_MS, 30 * DAY_MS, 7 * DAY_MS, DAY_MS, 60 * MINUTE_MS, MINUTE_MS, 1000]

/** Milliseconds of a duration that fits the pattern; a year has 365 days and a month 30. */
export function durationMs(value: string): number {
  const parts = DURATION.exec(value)?.slice(1) ?? []
  const lengthMs = parts.reduce((sum, part, index) => sum + Number(part ?? 0) * (PARTS_MS[index] ?? 0), 0)
  return value.startsWith('-') ? -lengthMs : lengthMs
}
