import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Kind } from '../../../daemon/kind.ts'
import { chunkText } from '../../../text/chunker.ts'
import { type SourceText, sourceTextSchema } from '../../../text/source-text.ts'
import { largestTerms, type TermCount, termCounts, termCountsSchema } from '../../../text/terms.ts'
import { decodeVector } from '../../../text/vectors.ts'
import {
  commonFingerprint,
  type EmbeddedChunk,
  embedChunks,
  fingerprintSchema,
  requireModel,
  type SentChunk,
  sameChunks,
  sentChunkSchema,
  wrongVectors,
} from './embedded.ts'
import {
  implausibleTokens,
  maxTokensSchema,
  requireContiguous,
  splitText,
  type TextPart,
  textPartSchema,
} from './text-part.ts'

export interface PipelineParams {
  /** The most tokens in a chunk. */
  readonly maxTokens: number
  /** The embedder whose vectors are wanted; without it, whichever the worker has. */
  readonly fingerprint?: string | undefined
}

/** What an index keeps of a chunk beside its place and vector. */
interface Indexed {
  /** SHA-256, hex, of the chunk's text in UTF-8: the same passage in two documents is one. */
  readonly hash: string
  /** Stems and how often each stands in the chunk, by code points: what a full-text index counts. */
  readonly terms: readonly TermCount[]
}

export interface PipelineOutput {
  readonly fingerprint: string
  readonly chunks: readonly (SentChunk & Indexed)[]
}

export interface PipelineResult {
  readonly fingerprint: string
  readonly chunks: readonly (EmbeddedChunk & Indexed)[]
}

const maxInputBytes = 12 * 1024
const maxChunks = 200

/**
 * From text to rows of an index in one job: chunks, each with its vector, its terms and its hash. What is done nowhere
 * else is done here at once, so that a document travels once and not three times.
 */
export const pipeline: Kind<{
  source: SourceText
  params: PipelineParams
  input: TextPart
  output: PipelineOutput
  result: PipelineResult
  asks: 'embedder'
}> = {
  name: 'pipeline',
  version: 1,
  asks: { embedder: true },
  source: sourceTextSchema,
  params: z.strictObject({ maxTokens: maxTokensSchema, fingerprint: fingerprintSchema.optional() }),
  input: textPartSchema(maxInputBytes),
  output: z.strictObject({
    fingerprint: fingerprintSchema,
    chunks: z
      .array(sentChunkSchema.extend({ hash: z.string().regex(/^[0-9a-f]{64}$/), terms: termCountsSchema }))
      .max(maxChunks),
  }),
  limits: { maxInputBytes, maxRunMs: ({ text }) => 30_000 + 3 * Buffer.byteLength(text), maxMemoryMb: 400 },

  split: document => splitText(document, maxInputBytes),

  async run({ text }, { maxTokens, fingerprint }, context) {
    const { embedder } = context
    requireModel(embedder, fingerprint)
    const chunks = chunkText(text, embedder, maxTokens).filter(({ tokens }) => tokens > 0)
    const embedded = await embedChunks(text, chunks, embedder, context)
    return {
      fingerprint: embedder.fingerprint,
      chunks: embedded.map(chunk => ({ ...chunk, ...indexed(text.slice(chunk.start, chunk.end)) })),
    }
  },

  verify({ input: { text }, output: { chunks, fingerprint } }, params) {
    if (params.fingerprint !== undefined && fingerprint !== params.fingerprint) return 'vectors of another model'
    let covered = 0
    for (const chunk of chunks) {
      const reason = wrongRow(text, covered, chunk)
      if (reason !== undefined) return reason
      covered = chunk.end
    }
    return /\S/u.test(text.slice(covered)) ? `the text after ${covered} has no row` : wrongVectors(chunks)
  },

  /** Hash and terms follow from the text, and `verify` has made them again. */
  agrees: (a, b) => a.fingerprint === b.fingerprint && sameChunks(a.chunks, b.chunks),

  rows: ({ input: { offset }, output: { fingerprint, chunks } }) =>
    chunks.map(({ start, end, terms, ...rest }) => ({
      ...rest,
      start: offset + start,
      end: offset + end,
      terms: terms.map(term => [...term]),
      fingerprint,
    })),

  merge(parts) {
    requireContiguous(parts)
    return {
      fingerprint: commonFingerprint(parts),
      chunks: parts.flatMap(({ input: { offset }, output: { chunks } }) =>
        chunks.map(({ start, end, vector, ...rest }) => ({
          ...rest,
          start: offset + start,
          end: offset + end,
          vector: decodeVector(vector),
        })),
      ),
    }
  },
}

function indexed(text: string): Indexed {
  return { hash: createHash('sha256').update(text).digest('hex'), terms: largestTerms(termCounts(text)) }
}

/** @param covered where the row before ended: between two rows there may only be white space */
function wrongRow(text: string, covered: number, row: PipelineOutput['chunks'][number]): string | undefined {
  if (row.start < covered || row.end <= row.start || row.end > text.length) return `a wrong span at ${row.start}`
  if (/\S/u.test(text.slice(covered, row.start))) return `the text after ${covered} has no row`
  const { hash, terms } = indexed(text.slice(row.start, row.end))
  if (row.hash !== hash) return `the hash at ${row.start} is not that of the text`
  if (JSON.stringify(row.terms) !== JSON.stringify(terms)) return `the terms at ${row.start} are not those of the text`
  return implausibleTokens(text, row)
}
