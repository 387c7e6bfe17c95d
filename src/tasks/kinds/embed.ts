import { z } from 'zod'
import { CodedError } from '../../kernel/errors.ts'
import { type Chunk, chunkText } from './chunker.ts'
import type { Embedder } from './embedder.ts'
import type { DonePart, Kind, KindErrorCode } from './kind.ts'
import {
  chunkSchema,
  implausibleTokens,
  maxTokensSchema,
  requireContiguous,
  splitText,
  type TextPart,
  textPartSchema,
} from './text-part.ts'
import { decodeVector, dot, encodeVector } from './vectors.ts'

export interface EmbedParams {
  /** The most tokens in a chunk. */
  readonly maxTokens: number
  /** The embedder whose vectors are wanted; without it, whichever the worker has. */
  readonly fingerprint?: string | undefined
}

export interface EmbeddedChunk extends Chunk {
  readonly vector: Float32Array
}

export interface EmbedOutput {
  readonly fingerprint: string
  /** `vector`: base64 of little-endian float32, of length 1. A chunk without a token has no entry. */
  readonly chunks: readonly (Chunk & { readonly vector: string })[]
}

export interface EmbedResult {
  readonly fingerprint: string
  readonly chunks: readonly EmbeddedChunk[]
}

/** About 30 chunks of English, 85 kB of vectors. */
const maxInputBytes = 12 * 1024
/** 750 kB: below a message's 1 MiB even when sealing makes a third more of it. Only text without words comes near. */
const maxChunks = 270
const dimensions = 512
const base64Length = Math.ceil((dimensions * 4) / 3) * 4
/** Of honest machines: they differ in the seventh digit. */
const minCosine = 0.999
const fingerprintSchema = z.string().regex(/^[0-9a-f]{64}$/)

/** Splits a document into chunks and gives each a vector for search by meaning. */
export const embed: Kind<EmbedParams, TextPart, EmbedOutput, EmbedResult> = {
  name: 'embed',
  version: 1,
  params: z.strictObject({ maxTokens: maxTokensSchema, fingerprint: fingerprintSchema.optional() }),
  input: textPartSchema(maxInputBytes),
  output: z.strictObject({
    fingerprint: fingerprintSchema,
    chunks: z.array(chunkSchema.extend({ vector: z.base64().length(base64Length) })).max(maxChunks),
  }),
  // Leaves a slow device half a minute to open the model and about a second for each chunk.
  limits: { maxInputBytes, maxRunMs: ({ text }) => 30_000 + 3 * Buffer.byteLength(text), maxMemoryMb: 400 },

  split: document => splitText(document, maxInputBytes),

  async run({ text }, { maxTokens, fingerprint }, context) {
    const embedder = await context.embedder()
    requireModel(embedder, fingerprint)
    const chunks = chunkText(text, embedder, maxTokens).filter(({ tokens }) => tokens > 0)
    if (chunks.length > maxChunks) {
      throw new CodedError<KindErrorCode>('TASK_BAD_INPUT', `${chunks.length} chunks do not fit one answer`, {
        hint: 'Leave this text out: it is made of symbols rather than words.',
      })
    }
    const embedded: (Chunk & { vector: string })[] = []
    for (const chunk of chunks) {
      const [vector] = await embedder.embed([text.slice(chunk.start, chunk.end)], context.signal)
      if (vector !== undefined) embedded.push({ ...chunk, vector: encodeVector(vector) })
      context.progress(embedded.length, chunks.length)
    }
    return { fingerprint: embedder.fingerprint, chunks: embedded }
  },

  verify({ input: { text }, output }, params) {
    if (params.fingerprint !== undefined && output.fingerprint !== params.fingerprint) return 'vectors of another model'
    let covered = 0
    for (const chunk of output.chunks) {
      const reason = wrongChunk(text, covered, chunk)
      if (reason !== undefined) return reason
      covered = chunk.end
    }
    return /\S/u.test(text.slice(covered)) ? `the text after ${covered} has no vector` : undefined
  },

  agrees(a, b) {
    if (a.fingerprint !== b.fingerprint || a.chunks.length !== b.chunks.length) return false
    return a.chunks.every((chunk, index) => {
      const other = b.chunks[index]
      if (other === undefined || !sameSpan(chunk, other)) return false
      return dot(decodeVector(chunk.vector), decodeVector(other.vector)) >= minCosine
    })
  },

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

function requireModel(embedder: Embedder, fingerprint: string | undefined): void {
  if (fingerprint === undefined || fingerprint === embedder.fingerprint) return
  throw new CodedError<KindErrorCode>('TASK_MODEL_MISMATCH', 'this node has another model than the task asks for', {
    hint: 'Ask for the task without a fingerprint, or run the same version of wattmesh on both sides.',
    details: { wanted: fingerprint, has: embedder.fingerprint },
  })
}

/** @param covered where the chunk before ended: between two chunks there may only be white space */
function wrongChunk(text: string, covered: number, chunk: EmbedOutput['chunks'][number]): string | undefined {
  if (chunk.start < covered || chunk.end <= chunk.start || chunk.end > text.length)
    return `a wrong span at ${chunk.start}`
  if (/\S/u.test(text.slice(covered, chunk.start))) return `the text after ${covered} has no vector`
  const vector = decodeVector(chunk.vector)
  const length = Math.sqrt(dot(vector, vector))
  // Also false for NaN and infinities.
  if (!(Math.abs(length - 1) < 1e-3)) return `the vector at ${chunk.start} is not of length 1`
  return implausibleTokens(text, chunk)
}

function sameSpan(a: Chunk, b: Chunk): boolean {
  return a.start === b.start && a.end === b.end && a.tokens === b.tokens
}

function commonFingerprint(parts: readonly DonePart<TextPart, EmbedOutput>[]): string {
  const [fingerprint = '', ...others] = new Set(parts.map(({ output }) => output.fingerprint))
  if (fingerprint !== '' && others.length === 0) return fingerprint
  throw new CodedError<KindErrorCode>('TASK_PARTS_INCOMPLETE', 'the parts are not of one model, or there are none')
}
