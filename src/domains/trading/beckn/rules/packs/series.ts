import { z } from 'zod'
import { duration, instant, text, uri } from '../core/formats.ts'

/** Time series of values, as OpenADR 3.1 has them: by the slot, each value of a type that a descriptor explains. */

const word = text.min(1).max(128)
const point = z.looseObject({ x: z.number(), y: z.number() })

export const period = z.looseObject({
  start: instant.optional(),
  duration: duration.optional(),
  randomizeStart: duration.optional(),
})

const interval = z.looseObject({
  id: z.int32(),
  intervalPeriod: period.optional(),
  payloads: z.array(
    z.looseObject({
      type: word,
      values: z.array(z.union([z.number(), text, z.boolean(), point], 'a number, a text, true, false or a point')),
    }),
  ),
})

/** An interval that stands twice would make its values anybody's choice. */
export const intervals = z
  .array(interval)
  .min(1)
  .superRefine((list, context) => {
    const seen = new Set<number>()
    for (const [index, { id }] of list.entries()) {
      if (seen.has(id))
        context.addIssue({ code: 'custom', path: [index, 'id'], message: 'an id no other interval has' })
      seen.add(id)
    }
  })

const described = { payloadType: word, units: word.nullish() }

/** What is planned or wanted. */
export const eventDescriptor = z.looseObject({
  objectType: z.literal('EVENT_PAYLOAD_DESCRIPTOR'),
  ...described,
  currency: text.nullish(),
})

/** What was measured. */
export const reportDescriptor = z.looseObject({
  objectType: z.literal('REPORT_PAYLOAD_DESCRIPTOR'),
  ...described,
  readingType: word.nullish(),
  accuracy: z.number().nullish(),
  confidence: z.int().min(0).max(100).nullish(),
})

const ofKind = 'a descriptor whose objectType is EVENT_PAYLOAD_DESCRIPTOR or REPORT_PAYLOAD_DESCRIPTOR'

export const timeSeries = z.strictObject({
  '@context': uri.optional(),
  '@type': z.literal('TimeSeries').optional(),
  intervalPeriod: period,
  payloadDescriptors: z.array(z.discriminatedUnion('objectType', [eventDescriptor, reportDescriptor], ofKind)).min(1),
  intervals,
  resourceName: text.optional(),
  clientName: text.optional(),
})

export type Series = z.infer<typeof timeSeries>
