import { z } from 'zod'
import { instant, text, timeOfDay, uri, uuid } from './formats.ts'

/**
 * The shapes of Beckn's core, 2.0.0 LTS. Where its two editions differ, what either allows is allowed; where they close
 * an object, it is closed here too.
 */

/** What a domain adds: JSON-LD, whose pack is named by its context. */
export const attributes = z.looseObject({ '@context': text, '@type': text })

const document = z.strictObject({
  label: text,
  url: uri,
  mimeType: text,
  standard: text.optional(),
  security: z
    .looseObject({ checksum: text.optional(), checksumAlgorithm: z.enum(['SHA256', 'SHA512', 'OTHER']).optional() })
    .extend({ signature: text.optional(), signatureAlgorithm: text.optional(), keyId: text.optional() })
    .optional(),
})

export const descriptor = z.strictObject({
  code: text.optional(),
  name: text.optional(),
  shortDesc: text.optional(),
  longDesc: text.optional(),
  thumbnailImage: uri.optional(),
  docs: z.array(document).optional(),
  mediaFile: z
    .array(z.strictObject({ label: text.optional(), mimeType: text.optional(), uri: uri.optional() }))
    .optional(),
})

export const geometry = z.looseObject({
  type: z.enum([
    'Point',
    'LineString',
    'Polygon',
    'MultiPoint',
    'MultiLineString',
    'MultiPolygon',
    'GeometryCollection',
  ]),
  bbox: z.array(z.number()).length(4, 'a list of four numbers').optional(),
  coordinates: z.array(z.unknown()).optional(),
  get geometries() {
    return z.array(geometry).optional()
  },
})

const ADDRESS = [
  'addressCountry',
  'addressLocality',
  'addressRegion',
  'extendedAddress',
  'postalCode',
  'streetAddress',
] as const

export const location = z.strictObject({
  geo: geometry,
  address: z.strictObject(Object.fromEntries(ADDRESS.map(line => [line, text.optional()]))).optional(),
})

export const provider = z.strictObject({
  id: text,
  descriptor,
  availableAt: z.array(location).optional(),
  providerAttributes: attributes.optional(),
})

export const period = z
  .strictObject({
    startDate: instant.optional(),
    endDate: instant.optional(),
    startTime: timeOfDay.optional(),
    endTime: timeOfDay.optional(),
  })
  .refine(
    ({ startDate, endDate, startTime, endTime }) =>
      startDate !== undefined || endDate !== undefined || (startTime !== undefined && endTime !== undefined),
    'startDate, endDate, or startTime with endTime',
  )

const consideration = z.looseObject({
  id: text,
  status: descriptor,
  considerationAttributes: attributes.optional(),
})

export const resource = z.looseObject({
  id: text,
  descriptor: descriptor.optional(),
  resourceAttributes: attributes.optional(),
  /** Of the domain, not of the core; everybody writes it like this. */
  quantity: z.looseObject({ unitCode: text.optional(), unitQuantity: z.number().min(0).optional() }).optional(),
})

export const offer = z.looseObject({
  id: text,
  descriptor: descriptor.optional(),
  provider: provider.optional(),
  resourceIds: z.array(text).optional(),
  /** A resource or an offer; nothing in the standard tells one from the other. */
  addOns: z.array(z.looseObject({ id: text })).optional(),
  considerations: z.array(consideration).optional(),
  validity: period.optional(),
  availableTo: z.array(z.looseObject({ type: z.enum(['NETWORK', 'PARTICIPANT', 'ROLE']), id: text })).optional(),
  offerAttributes: attributes.optional(),
})

const commitment = z.looseObject({
  id: text.optional(),
  status: z.looseObject({
    descriptor: descriptor.extend({ code: z.enum(['DRAFT', 'ACTIVE', 'CLOSED']).optional() }).optional(),
  }),
  resources: z.array(resource.required({ quantity: true })),
  offer: offer.required({ resourceIds: true }),
  commitmentAttributes: attributes.optional(),
})

export const contract = z.strictObject({
  id: uuid.optional(),
  descriptor: descriptor.optional(),
  status: descriptor.extend({ code: z.enum(['DRAFT', 'ACTIVE', 'CANCELLED', 'COMPLETE']).optional() }).optional(),
  commitments: z.array(commitment).min(1),
  consideration: z.array(consideration).optional(),
  participants: z
    .array(
      z.looseObject({
        id: text.optional(),
        descriptor: descriptor.optional(),
        participantAttributes: attributes.optional(),
      }),
    )
    .optional(),
  performance: z
    .array(
      z.strictObject({
        id: text.optional(),
        status: descriptor.optional(),
        commitmentIds: z.array(text).optional(),
        performanceAttributes: attributes.optional(),
      }),
    )
    .optional(),
  settlements: z
    .array(
      z.looseObject({
        id: text.optional(),
        considerationId: text.optional(),
        status: z.enum(['DRAFT', 'COMMITTED', 'COMPLETE']).optional(),
        settlementAttributes: attributes.optional(),
      }),
    )
    .optional(),
  contractAttributes: attributes.optional(),
})

/** Of a contract that exists already. */
export const knownContract = contract.required({ id: true })
