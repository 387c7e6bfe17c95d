import { z } from 'zod'
import type { PeerId, SubjectId } from '../../kernel/ids.ts'
import type { Draft, JsonObject } from '../../kernel/outcome.ts'
import { COLLECTION_NAME } from './collection.ts'
import { MAX_COUNT, MAX_LENGTH } from './search/sections.ts'

export const STATISTICS = 'knowledge.stats'
export const QUERY = 'knowledge.query'
/** What a peer that shares advertises. */
export const SHARES = 'knowledge@1'

/** Of a question; more words than that are no question. */
export const MAX_TERMS = 32
/** Passages asked of one peer; what contends for the first ten is some 60 of the best 100,000. */
export const MAX_FINDS = 100
export const MAX_WANTED = 20
/** Of a passage, in UTF-16 code units: a little more than an encoder reads. */
export const MAX_TEXT = 2_000
const MAX_VECTOR_TEXT = 4 * 4_096 * 2
const TTL_MS = 30_000

const term = z.string().min(1).max(64)
const terms = z.array(term).max(MAX_TERMS)
const amount = z.int().min(0).max(1e12)
const collection = z.string().regex(COLLECTION_NAME).optional()
const fingerprint = z.string().regex(/^[0-9a-f]{64}$/)
const share = z.number().min(-1.001).max(1.001)

export const statisticsSchema = z.strictObject({
  sections: amount,
  terms: amount,
  frequencies: z.array(amount).max(MAX_TERMS),
})
export const statisticsAskedSchema = z.strictObject({ terms, collection })
export type StatisticsAsked = z.infer<typeof statisticsAskedSchema>

export const querySchema = z.strictObject({
  terms,
  collection,
  statistics: statisticsSchema,
  meaning: z.strictObject({ fingerprint, vector: z.base64().max(MAX_VECTOR_TEXT) }).optional(),
  /** How many passages the asker will show. */
  wanted: z.int().min(1).max(MAX_WANTED),
})
export type Query = z.infer<typeof querySchema>

/** A passage of one collection, and what its rank follows from. */
export const sharedFindSchema = z.strictObject({
  collection: z.string().max(64),
  name: z.string().max(4_096),
  title: z.string().max(400),
  start: amount,
  text: z.string().min(1).max(MAX_TEXT),
  counts: z.array(z.int().min(0).max(MAX_COUNT)).max(MAX_TERMS),
  length: z.int().min(0).max(MAX_LENGTH),
  closeness: share.optional(),
})
export type SharedFind = z.infer<typeof sharedFindSchema>

export const foundSchema = z.strictObject({
  finds: z.array(sharedFindSchema).max(MAX_FINDS),
  extremes: z.strictObject({ min: share, max: share }).optional(),
})
export type SharedFound = z.infer<typeof foundSchema>

/** Straight to one peer, answered at once, kept by nobody. */
export function askDraft(type: typeof STATISTICS | typeof QUERY, to: PeerId, payload: object, askId: string): Draft {
  return { type, to, subjectId: askId as SubjectId, payload: payload as JsonObject, carrier: 'stream', ttlMs: TTL_MS }
}
