import { z } from 'zod'
import { attributes, descriptor, knownContract } from './contract.ts'
import { instant, text, uri, uuid } from './formats.ts'

/** What follows a contract: following its delivery, rating the other side, asking for help. */

export const tracking = z.looseObject({
  contract: knownContract.optional(),
  status: z.enum(['ACTIVE', 'INACTIVE']),
  url: uri,
  trackingAttributes: attributes.optional(),
})

export const rating = z.strictObject({
  target: z.looseObject({
    id: text.optional(),
    descriptor: descriptor.optional(),
    targetAttributes: attributes.optional(),
  }),
  range: z.looseObject({}),
  feedbackFormSubmission: z
    .strictObject({
      id: uri.optional(),
      submissionId: uuid.optional(),
      data: z.record(text, text),
      submittedAt: instant.optional(),
    })
    .optional(),
})

export const support = z.strictObject({
  orderId: text.optional(),
  descriptor: descriptor.optional(),
  channels: z.array(attributes).min(1).optional(),
})
