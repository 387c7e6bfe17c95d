import { z } from 'zod'
import { ISO_DURATION } from '../../../../../kernel/slot.ts'

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

/** ISO 8601, as OpenADR has it: an interval may run backwards. */
export const duration = text.regex(ISO_DURATION, 'an ISO 8601 duration, like PT15M')
