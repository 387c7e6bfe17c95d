import { z } from 'zod'
import type { DonePart, Kind, KindErrorCode } from '../../../daemon/kind.ts'
import { CodedError } from '../../../kernel/errors.ts'
import {
  bm25,
  type Corpus,
  type Counted,
  corpusOf,
  countedIn,
  saturation,
  type TermWeight,
  termWeights,
} from '../../../text/bm25.ts'
import { type SourceText, sourceTextSchema } from '../../../text/source-text.ts'
import { compare, termsOf } from '../../../text/terms.ts'
import { decodeVector, dot } from '../../../text/vectors.ts'
import { isUnit, vectorSchema } from './embedded.ts'
import { type Shard, type ShardPassage, shardParts } from './shard.ts'

export interface SearchParams {
  /** How many hits. */
  readonly top: number
  /** For passages of text. */
  readonly query?: string | undefined
  /** For passages of vectors: base64 of little-endian float32, of length 1. */
  readonly vector?: string | undefined
}

/** `counted`: how often each term of the query stands in the passage, and how many terms it has; of texts only. */
export interface Hit {
  readonly id: string
  readonly score: number
  readonly counted?: Counted | undefined
}

export interface SearchOutput {
  /** How many were asked for: a part gives more, a result so many. */
  readonly top: number
  /** By falling score, equal ones by id. */
  readonly hits: readonly Hit[]
  /** Of the part's passages; of texts only. */
  readonly statistics?: Corpus | undefined
}

/** 180 vectors of 512 dimensions, or some thousand passages; answers are far smaller. */
const maxInputBytes = 512 * 1024
const maxPassages = 8_192
const maxTop = 100
const maxQueryUnits = 2_000
/** More are another document. */
const maxQueryTerms = 64
/** Of scores that honest machines computed. */
const tolerance = 1e-5
/** Ranks in a part are by its own statistics: so many more are kept that the common ones find theirs among them. */
const spare = 3

const wellFormed = z.string().refine(text => text.isWellFormed(), 'not well-formed Unicode')
const passageSchema = z
  .strictObject({ id: wellFormed.min(1).max(512), text: wellFormed.optional(), vector: vectorSchema.optional() })
  .refine(({ text, vector }) => (text === undefined) !== (vector === undefined), 'a passage has a text or a vector')
const countedSchema = z.strictObject({ length: z.int().min(0), counts: z.array(z.int().min(0)).max(maxQueryTerms) })
const statisticsSchema = z.strictObject({
  passages: z.int().min(0),
  terms: z.int().min(0),
  frequencies: z.array(z.int().min(0)).max(maxQueryTerms),
})

/**
 * The passages of a shard that answer a query best. Of vectors by cosine, which compares across parts; of texts by BM25,
 * whose statistics are exchanged with the hits, so that `merge` ranks all parts as one.
 */
export const search: Kind<{
  source: SourceText
  params: SearchParams
  input: Shard
  output: SearchOutput
  result: SearchOutput
  asks: never
}> = {
  name: 'search',
  version: 1,
  asks: {},
  source: sourceTextSchema,
  params: z
    .strictObject({
      top: z.int().min(1).max(maxTop).default(10),
      query: z.string().max(maxQueryUnits).optional(),
      vector: vectorSchema.refine(isUnit, 'not a vector of length 1').optional(),
    })
    .refine(({ query, vector }) => (query === undefined) !== (vector === undefined), 'give a query or a vector')
    .refine(({ query }) => query === undefined || queryTerms(query).length > 0, 'the query has no words'),
  input: z.strictObject({
    first: z.int().min(0),
    passages: z
      .array(passageSchema)
      .min(1)
      .max(maxPassages)
      .refine(passages => new Set(passages.map(({ id }) => id)).size === passages.length, 'an id stands twice'),
  }),
  output: z.strictObject({
    top: z.int().min(1).max(maxTop),
    hits: z
      .array(z.strictObject({ id: z.string(), score: z.number(), counted: countedSchema.optional() }))
      .max(spare * maxTop),
    statistics: statisticsSchema.optional(),
  }),
  limits: { maxInputBytes, maxRunMs: () => 20_000, maxMemoryMb: 96 },

  split: (document, { vector }) =>
    shardParts(document, { maxBytes: maxInputBytes, maxPassages, vectors: vector !== undefined }),

  async run({ passages }, params, context) {
    context.signal.throwIfAborted()
    return params.query === undefined ? byVector(passages, params) : byWords(passages, params, params.query)
  },

  verify({ input: { passages }, output: { hits, statistics, top } }, params) {
    const known = new Map(passages.map(passage => [passage.id, passage]))
    if (top !== params.top || hits.length > Math.min(spare * top, passages.length))
      return 'another number of hits than was asked for'
    if (new Set(hits.map(({ id }) => id)).size < hits.length) return 'a passage is named twice'
    for (const [index, hit] of hits.entries()) {
      const passage = known.get(hit.id)
      if (passage === undefined) return `there is no passage ${hit.id}`
      if (hit.score > (hits[index - 1]?.score ?? hit.score) + tolerance) return `${hit.id} is out of order`
    }
    return params.query === undefined
      ? wrongCosines(known, hits, params)
      : wrongWords(known, { hits, statistics }, params.query)
  },

  agrees: (a, b) =>
    a.hits.length === b.hits.length &&
    JSON.stringify(a.statistics) === JSON.stringify(b.statistics) &&
    a.hits.every((hit, index) => Math.abs(hit.score - (b.hits[index]?.score ?? Number.NaN)) <= tolerance),

  merge(parts) {
    requireAll(parts)
    const all = parts.map(({ output }) => output)
    const top = Math.max(1, ...all.map(output => output.top))
    const statistics = all.flatMap(output => output.statistics ?? [])
    const common = statistics.length === 0 ? undefined : sum(statistics)
    const weights = common === undefined ? undefined : weightsIn(common)
    const hits = all.flatMap(output => output.hits.map(hit => rankedAgain(hit, weights)))
    const best = hits.toSorted(byScore).slice(0, top)
    return common === undefined ? { top, hits: best } : { top, hits: best, statistics: common }
  },
}

function weightsIn(statistics: Corpus): TermWeight[] {
  return termWeights(statistics, saturation.shards)
}

function rankedAgain(hit: Hit, weights: readonly TermWeight[] | undefined): Hit {
  if (weights === undefined || hit.counted === undefined) return hit
  return { ...hit, score: bm25(weights, hit.counted) }
}

function byVector(passages: readonly ShardPassage[], { vector = '', top }: SearchParams): SearchOutput {
  const wanted = decodeVector(vector)
  const hits = passages.map(passage => ({ id: passage.id, score: cosine(wanted, passage) }))
  return { top, hits: hits.toSorted(byScore).slice(0, spare * top) }
}

function cosine(wanted: Float32Array, { id, vector = '' }: ShardPassage): number {
  const own = isUnit(vector) ? decodeVector(vector) : undefined
  if (own?.length === wanted.length) return dot(wanted, own)
  throw new CodedError<KindErrorCode>('TASK_BAD_INPUT', `the vector of ${id} does not compare with the query's`, {
    hint: 'Both come from one model, and are of length 1.',
  })
}

function byWords(passages: readonly ShardPassage[], { top }: SearchParams, query: string): SearchOutput {
  const terms = queryTerms(query)
  const counted = passages.map(({ id, text = '' }) => ({ id, counted: countedIn(text, terms) }))
  const statistics = corpusOf(counted.map(one => one.counted))
  const weights = weightsIn(statistics)
  const hits = counted.map(one => ({ ...one, score: bm25(weights, one.counted) })).filter(({ score }) => score > 0)
  return { top, hits: hits.toSorted(byScore).slice(0, spare * top), statistics }
}

/** The different stems of a query, in its order. */
function queryTerms(query: string): string[] {
  return [...new Set(Array.from(termsOf(query), ({ stem }) => stem))].slice(0, maxQueryTerms)
}

function wrongCosines(
  known: ReadonlyMap<string, ShardPassage>,
  hits: readonly Hit[],
  { vector = '', top }: SearchParams,
) {
  if (hits.length < Math.min(top, known.size)) return `${hits.length} hits of ${known.size} passages`
  const wanted = decodeVector(vector)
  const wrong = hits.find(({ id, score }) => {
    const own = decodeVector(known.get(id)?.vector ?? '')
    return !(Math.abs(dot(wanted, own) - score) <= tolerance)
  })
  return wrong === undefined ? undefined : `the score of ${wrong.id} is not that of its vector`
}

/** Scores each hit again; the statistics must at least hold what the hits show of them. */
function wrongWords(
  known: ReadonlyMap<string, ShardPassage>,
  { hits, statistics }: Pick<SearchOutput, 'hits' | 'statistics'>,
  query: string,
): string | undefined {
  const terms = queryTerms(query)
  if (statistics?.passages !== known.size || statistics.frequencies.length !== terms.length) return 'wrong statistics'
  const weights = weightsIn(statistics)
  for (const { id, score, counted } of hits) {
    const own = countedIn(known.get(id)?.text ?? '', terms)
    if (JSON.stringify(own) !== JSON.stringify(counted)) return `${id} does not have these terms`
    if (!(Math.abs(bm25(weights, own) - score) <= tolerance)) return `the score of ${id} is not that of its text`
  }
  const tooRare = statistics.frequencies.some(
    (frequency, term) =>
      frequency > known.size || frequency < hits.filter(hit => (hit.counted?.counts[term] ?? 0) > 0).length,
  )
  return tooRare ? 'statistics that do not hold the hits' : undefined
}

function byScore(a: Hit, b: Hit): number {
  return b.score - a.score || compare(a.id, b.id)
}

function sum(many: readonly Corpus[]): Corpus {
  const frequencies = many[0]?.frequencies.map((_, term) =>
    many.reduce((all, one) => all + (one.frequencies[term] ?? 0), 0),
  )
  return {
    passages: many.reduce((all, { passages }) => all + passages, 0),
    terms: many.reduce((all, { terms }) => all + terms, 0),
    frequencies: frequencies ?? [],
  }
}

function requireAll(parts: readonly DonePart<Shard, unknown>[]): void {
  let expected = 0
  for (const { input } of parts) {
    if (input.first !== expected) {
      throw new CodedError<KindErrorCode>('TASK_PARTS_INCOMPLETE', `the passages from ${expected} on are missing`)
    }
    expected += input.passages.length
  }
}
