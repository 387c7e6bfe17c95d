import { z } from 'zod'
import { kwhOf, readKwh } from '../../../kernel/energy.ts'
import type { PeerId } from '../../../kernel/ids.ts'
import type { JsonObject } from '../../../kernel/outcome.ts'
import type { Progress, Rating, SupportContact, Trade } from '../trade.ts'
import { ownContext, uriOf } from './context.ts'
import { type ContractBody, contractMessage } from './contract-body.ts'

/** The bodies of track, rate and support: what follows a sale. */

const PHASES = ['before', 'running', 'delivered', 'settled'] as const
const MAX_WORDS = 500

/** `message` of track and on_track. */
export function trackingMessage(body: ContractBody, progress?: Omit<Progress, 'atMs'>): JsonObject {
  const { contract } = contractMessage(body)
  const attributes = progress === undefined ? {} : { trackingAttributes: progressObject(progress) }
  return {
    tracking: {
      ...(body.contractId === undefined || contract === undefined ? {} : { contract }),
      status: progress?.phase === 'settled' ? 'INACTIVE' : 'ACTIVE',
      url: uriOf(body.seller),
      ...attributes,
    },
  }
}

function progressObject({ phase, meteredWh }: Omit<Progress, 'atMs'>): JsonObject {
  return {
    '@context': ownContext('DeliveryProgress'),
    '@type': 'DeliveryProgress',
    phase,
    ...(meteredWh === undefined ? {} : { meteredKwh: kwhOf(meteredWh) }),
  }
}

const trackingSchema = z.looseObject({
  tracking: z.looseObject({
    trackingAttributes: z.looseObject({ phase: z.enum(PHASES), meteredKwh: z.unknown().optional() }),
  }),
})

export function readTracking(message: unknown): Omit<Progress, 'atMs'> | undefined {
  const parsed = trackingSchema.safeParse(message)
  if (!parsed.success) return undefined
  const { phase, meteredKwh } = parsed.data.tracking.trackingAttributes
  const meteredWh = readKwh(meteredKwh)
  return { phase, ...(meteredWh === undefined ? {} : { meteredWh }) }
}

/** `message` of rate (`ratingInputs`) and on_rate (`ratings`). */
export function ratingMessage(key: 'ratingInputs' | 'ratings', trade: Trade, { stars, words }: Rating): JsonObject {
  const form = words === undefined ? {} : { feedbackFormSubmission: { data: { comment: words } } }
  const target = { id: trade.terms?.contractId ?? trade.transactionId, descriptor: { code: 'CONTRACT' } }
  return { [key]: [{ target, range: { min: 1, max: 5, value: stars }, ...form }] }
}

const ratingInput = z.looseObject({
  target: z.looseObject({ id: z.string() }),
  range: z.looseObject({ value: z.int().min(1).max(5) }),
  feedbackFormSubmission: z
    .looseObject({ data: z.looseObject({ comment: z.string().max(MAX_WORDS).optional() }) })
    .optional(),
})
const ratingSchema = z.union([
  z.looseObject({ ratingInputs: z.array(ratingInput).length(1) }).transform(said => said.ratingInputs[0]),
  z.looseObject({ ratings: z.array(ratingInput).length(1) }).transform(said => said.ratings[0]),
])

/** Stars and words about that contract; undefined when it is none, or about another. */
export function readRating(message: unknown, contractId: string | undefined): Rating | undefined {
  const parsed = ratingSchema.safeParse(message)
  const said = parsed.success ? parsed.data : undefined
  if (said === undefined || said.target.id !== contractId) return undefined
  const words = said.feedbackFormSubmission?.data.comment
  return { stars: said.range.value, ...(words === undefined ? {} : { words }) }
}

/** A rating somebody wants to give; undefined when it is none. */
export function validRating(stars: number, words: string | undefined): Rating | undefined {
  const fits = Number.isInteger(stars) && stars >= 1 && stars <= 5 && (words?.length ?? 0) <= MAX_WORDS
  return fits ? { stars, ...(words === undefined ? {} : { words }) } : undefined
}

/** `message` of support and on_support. */
export function supportMessage(trade: Trade, contact?: SupportContact): JsonObject {
  const orderId = trade.terms?.contractId ?? trade.transactionId
  if (contact === undefined) return { support: { orderId } }
  const channel = { '@context': ownContext('PeerContact'), '@type': 'PeerContact', peerId: contact.peer }
  const shortDesc = 'ask the operator of this daemon; name the order'
  return { support: { orderId, descriptor: { name: contact.name, shortDesc }, channels: [channel] } }
}

const supportSchema = z.looseObject({
  support: z.looseObject({ descriptor: z.looseObject({ name: z.string().min(1).max(128) }) }),
})

export function readSupport(message: unknown, peer: PeerId): SupportContact | undefined {
  const parsed = supportSchema.safeParse(message)
  return parsed.success ? { name: parsed.data.support.descriptor.name, peer } : undefined
}
