import { z } from 'zod'
import { location } from '../core/contract.ts'
import { instant, text, uri } from '../core/formats.ts'
import { energyResource } from './resource.ts'
import { eventDescriptor, intervals, period, reportDescriptor, timeSeries } from './series.ts'

/** The packs of demand flexibility: a utility asks for less load and pays for it. */

const bag = <Type extends string>(type: Type) => ({ '@context': uri, '@type': z.literal(type) })
const count = z.int().min(0)
const sha256 = text.regex(/^sha256:[\da-f]{64}$/, 'sha256:<64 hex digits>')

/** Something too large for the message, elsewhere. */
const resourceRef = z.strictObject({
  '@type': z.literal('ResourceRef').optional(),
  uri,
  contentHash: sha256,
  count,
  contentType: text.optional(),
  schemaContext: uri.optional(),
  expiresAt: instant.optional(),
  sizeBytes: count.optional(),
})

const reportDescriptors = z
  .array(reportDescriptor.extend({ cardinality: z.enum(['PER_INTERVAL', 'PER_EVENT']).optional() }))
  .min(1)

const roleInput = z.looseObject({
  role: z.enum(['buyer', 'seller']),
  participantId: text.nullable(),
  inputs: z
    .looseObject({
      reportDescriptors: reportDescriptors.nullish(),
      participatingMetersRef: resourceRef.optional(),
      energyResources: z.array(energyResource).optional(),
      energyResourcesRef: resourceRef.optional(),
      participatingMetersDigest: z.strictObject({ count, sha256OfSortedIds: sha256 }).optional(),
    })
    .optional(),
})

export const buyOffer = z.looseObject({
  ...bag('DemandFlexBuyOffer'),
  contractAttributes: z.looseObject({}).optional(),
  inputs: z.array(roleInput),
})

export const need = z.strictObject({
  ...bag('DemandFlexNeed'),
  location: location.optional(),
  intervalPeriod: period,
  payloadDescriptors: z.array(eventDescriptor).min(1),
  intervals,
})

const pageInfo = z.strictObject({
  '@type': z.literal('PageInfo').optional(),
  sequence: count,
  isLast: z.boolean(),
  pageSize: z.int().min(1).optional(),
  total: count.optional(),
  cursor: text.optional(),
  nextCursor: text.nullish(),
  collectionId: text.optional(),
})

export const performance = z.strictObject({
  ...bag('DemandFlexPerformance'),
  eventId: text.optional(),
  methodology: text.optional(),
  meters: z.array(z.strictObject({ meterId: text, telemetry: timeSeries })).optional(),
  pageInfo: pageInfo.optional(),
  metersRef: resourceRef.optional(),
})
