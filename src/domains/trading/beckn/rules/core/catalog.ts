import { z } from 'zod'
import { descriptor, offer, period, provider, resource } from './contract.ts'
import { text, uri } from './formats.ts'

const masterResource = z.strictObject({ masterResourceId: text })

export const catalog = z
  .strictObject({
    id: text,
    descriptor,
    provider,
    isActive: z.boolean().optional(),
    resources: z.array(resource).optional(),
    offers: z.array(offer).optional(),
    validity: period.optional(),
    /** These three in the earlier edition only. */
    bppId: text.optional(),
    bppUri: uri.optional(),
    publishDirectives: z
      .strictObject({
        catalogType: z.enum(['master', 'regular']),
        updateMode: z.enum(['FULL', 'MERGE']).optional(),
        resourceDirectives: z.array(z.strictObject({ resourceId: text, extends: masterResource })).optional(),
      })
      .optional(),
  })
  .refine(({ resources, offers }) => resources !== undefined || offers !== undefined, 'resources, offers or both')

/** The core's spelling, and the one acknowledgements use. */
export const error = z
  .looseObject({
    errorCode: text.optional(),
    errorMessage: text.optional(),
    code: text.optional(),
    message: text.optional(),
    details: z.looseObject({ path: text.optional(), cause: z.unknown().optional() }).optional(),
  })
  .refine(({ errorCode, code }) => errorCode !== undefined || code !== undefined, 'an error with its code')

const count = z.int().optional()

/** What became of one catalog that was published. */
export const publication = z.looseObject({
  catalogId: text,
  status: z.enum(['ACCEPTED', 'REJECTED', 'PARTIAL']),
  errors: z.array(error).optional(),
  stats: z.looseObject({ itemCount: count, providerCount: count, categoryCount: count }).optional(),
})
