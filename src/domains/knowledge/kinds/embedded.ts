import { z } from 'zod'
import type { DonePart, KindErrorCode, WorkContext } from '../../../daemon/kind.ts'
import { CodedError } from '../../../kernel/errors.ts'
import type { Chunk } from '../../../text/chunker.ts'
import type { Embedder } from '../../../text/embedder.ts'
import { decodeVector, dot, encodeVector } from '../../../text/vectors.ts'
import { chunkSchema } from './text-part.ts'

/** A chunk as it travels: `vector` is base64 of little-endian float32, of length 1. */
export type SentChunk = Chunk & { readonly vector: string }

export interface EmbeddedChunk extends Chunk {
  readonly vector: Float32Array
}

/** Of an answer: below a message's 1 MiB even when sealing makes a third more of it. */
const maxAnswerBytes = 750_000
/** What a chunk takes beside its vector. */
const bytesOfChunk = 160
/** From a model for toys to the largest that are published. */
const [minDimensions, maxDimensions] = [2, 4096]
/** Of honest machines: they differ in the seventh digit. */
const minCosine = 0.999

export const fingerprintSchema = z.string().regex(/^[0-9a-f]{64}$/)
export const vectorSchema = z.base64().min(base64Length(minDimensions)).max(base64Length(maxDimensions))
export const sentChunkSchema = chunkSchema.extend({ vector: vectorSchema })

/** @throws CodedError<'TASK_MODEL_MISMATCH'> when the task asks for vectors that this node's model does not make */
export function requireModel(embedder: Embedder, fingerprint: string | undefined): void {
  if (fingerprint === undefined || fingerprint === embedder.fingerprint) return
  throw new CodedError<KindErrorCode>('TASK_MODEL_MISMATCH', 'this node has another model than the task asks for', {
    hint: 'Ask for the task without a fingerprint, or run the same version of wattmesh on both sides.',
    details: { wanted: fingerprint, has: embedder.fingerprint },
  })
}

/** Gives each chunk its vector, one after another, so that it can stop and tell how far it is. */
export async function embedChunks<C extends Chunk>(
  text: string,
  chunks: readonly C[],
  embedder: Embedder,
  context: Pick<WorkContext, 'signal' | 'progress'>,
): Promise<(C & { vector: string })[]> {
  if (chunks.length * (base64Length(embedder.dimensions) + bytesOfChunk) > maxAnswerBytes) {
    throw new CodedError<KindErrorCode>('TASK_BAD_INPUT', `${chunks.length} chunks do not fit one answer`, {
      hint: 'Leave this text out: it is made of symbols rather than words. Or use a model of fewer dimensions.',
    })
  }
  const embedded: (C & { vector: string })[] = []
  for (const chunk of chunks) {
    const [vector] = await embedder.embed([text.slice(chunk.start, chunk.end)], context.signal)
    if (vector !== undefined) embedded.push({ ...chunk, vector: encodeVector(vector) })
    context.progress(embedded.length, chunks.length)
  }
  return embedded
}

/** Why the vectors of one answer cannot be: of length 1, and all of the same number of dimensions. */
export function wrongVectors(
  chunks: readonly { readonly start: number; readonly vector: string }[],
): string | undefined {
  const size = chunks[0]?.vector.length
  for (const { start, vector } of chunks) {
    if (vector.length !== size) return `the vector at ${start} has other dimensions than the first`
    if (!isUnit(vector)) return `the vector at ${start} is not of length 1`
  }
  return undefined
}

export function isUnit(base64: string): boolean {
  if (Buffer.byteLength(base64, 'base64') % 4 !== 0) return false
  const vector = decodeVector(base64)
  // Also false for NaN and infinities.
  return Math.abs(Math.sqrt(dot(vector, vector)) - 1) < 1e-3
}

/** Whether two answers have the same chunks, with vectors of the same direction. */
export function sameChunks(a: readonly SentChunk[], b: readonly SentChunk[]): boolean {
  return a.length === b.length && a.every((chunk, index) => isSame(chunk, b[index]))
}

function isSame(a: SentChunk, b: SentChunk | undefined): boolean {
  if (b === undefined || a.start !== b.start || a.end !== b.end || a.tokens !== b.tokens) return false
  return a.vector === b.vector || dot(decodeVector(a.vector), decodeVector(b.vector)) >= minCosine
}

/** @throws CodedError<'TASK_PARTS_INCOMPLETE'> */
export function commonFingerprint(parts: readonly DonePart<unknown, { readonly fingerprint: string }>[]): string {
  const [fingerprint = '', ...others] = new Set(parts.map(({ output }) => output.fingerprint))
  if (fingerprint !== '' && others.length === 0) return fingerprint
  throw new CodedError<KindErrorCode>('TASK_PARTS_INCOMPLETE', 'the parts are not of one model, or there are none')
}

function base64Length(dimensions: number): number {
  return Math.ceil((dimensions * 4) / 3) * 4
}
