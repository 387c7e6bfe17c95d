import { z } from 'zod'
import type { Kind } from '../../../daemon/kind.ts'
import { chunkText } from '../../../text/chunker.ts'
import { type SourceText, sourceTextSchema } from '../../../text/source-text.ts'
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

export interface EmbedParams {
  /** The most tokens in a chunk. */
  readonly maxTokens: number
  /** The embedder whose vectors are wanted; without it, whichever the worker has. */
  readonly fingerprint?: string | undefined
}

export interface EmbedOutput {
  readonly fingerprint: string
  /** A chunk without a token has no entry. */
  readonly chunks: readonly SentChunk[]
}

export interface EmbedResult {
  readonly fingerprint: string
  readonly chunks: readonly EmbeddedChunk[]
}

/** About 30 chunks of English, 85 kB of vectors. */
const maxInputBytes = 12 * 1024
/** Only text without words comes near. */
const maxChunks = 270

/** Splits a document into chunks and gives each a vector for search by meaning. */
export const embed: Kind<{
  source: SourceText
  params: EmbedParams
  input: TextPart
  output: EmbedOutput
  result: EmbedResult
  asks: 'embedder'
}> = {
  name: 'embed',
  version: 1,
  asks: { embedder: true },
  source: sourceTextSchema,
  params: z.strictObject({ maxTokens: maxTokensSchema, fingerprint: fingerprintSchema.optional() }),
  input: textPartSchema(maxInputBytes),
  output: z.strictObject({ fingerprint: fingerprintSchema, chunks: z.array(sentChunkSchema).max(maxChunks) }),
  // Leaves a slow device half a minute to open the model and about a second for each chunk.
  limits: { maxInputBytes, maxRunMs: ({ text }) => 30_000 + 3 * Buffer.byteLength(text), maxMemoryMb: 400 },

  split: document => splitText(document, maxInputBytes),

  async run({ text }, { maxTokens, fingerprint }, context) {
    const { embedder } = context
    requireModel(embedder, fingerprint)
    const chunks = chunkText(text, embedder, maxTokens).filter(({ tokens }) => tokens > 0)
    return { fingerprint: embedder.fingerprint, chunks: await embedChunks(text, chunks, embedder, context) }
  },

  verify({ input: { text }, output }, params) {
    if (params.fingerprint !== undefined && output.fingerprint !== params.fingerprint) return 'vectors of another model'
    let covered = 0
    for (const chunk of output.chunks) {
      const reason = wrongChunk(text, covered, chunk)
      if (reason !== undefined) return reason
      covered = chunk.end
    }
    return /\S/u.test(text.slice(covered)) ? `the text after ${covered} has no vector` : wrongVectors(output.chunks)
  },

  agrees: (a, b) => a.fingerprint === b.fingerprint && sameChunks(a.chunks, b.chunks),

  rows: ({ input: { offset }, output: { fingerprint, chunks } }) =>
    chunks.map(({ start, end, tokens, vector }) => ({
      start: offset + start,
      end: offset + end,
      tokens,
      vector,
      fingerprint,
    })),

  merge(parts) {
    requireContiguous(parts)
    return {
      fingerprint: commonFingerprint(parts),
      chunks: parts.flatMap(({ input: { offset }, output: { chunks } }) =>
        chunks.map(({ start, end, tokens, vector }) => ({
          start: offset + start,
          end: offset + end,
          tokens,
          vector: decodeVector(vector),
        })),
      ),
    }
  },
}

/** @param covered where the chunk before ended: between two chunks there may only be white space */
function wrongChunk(text: string, covered: number, chunk: SentChunk): string | undefined {
  if (chunk.start < covered || chunk.end <= chunk.start || chunk.end > text.length)
    return `a wrong span at ${chunk.start}`
  if (/\S/u.test(text.slice(covered, chunk.start))) return `the text after ${covered} has no vector`
  return implausibleTokens(text, chunk)
}
