import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Kind } from '../../../daemon/kind.ts'
import { type Chunk, chunkText } from '../../../text/chunker.ts'
import { maxGraphemeUnits } from '../../../text/graphemes.ts'
import { type SourceText, sourceTextSchema } from '../../../text/source-text.ts'
import {
  chunkSchema,
  implausibleTokens,
  maxTokensSchema,
  requireContiguous,
  splitText,
  type TextPart,
  textPartSchema,
} from './text-part.ts'

export interface ChunkParams {
  /** The most tokens in a chunk. */
  readonly maxTokens: number
}

export interface ChunkOutput {
  readonly chunks: readonly Chunk[]
  /** SHA-256, hex, of the chunks; equal for equal work, whoever did it. */
  readonly digest: string
}

const maxInputBytes = 24 * 1024

/** Splits a document into chunks that a sentence encoder can read whole. */
export const chunk: Kind<{
  source: SourceText
  params: ChunkParams
  input: TextPart
  output: ChunkOutput
  result: ChunkOutput
  asks: 'counter'
}> = {
  name: 'chunk',
  version: 1,
  asks: { counter: true },
  source: sourceTextSchema,
  params: z.strictObject({ maxTokens: maxTokensSchema }),
  input: textPartSchema(maxInputBytes),
  output: z.strictObject({
    // A short chunk is followed by one that did not fit beside it, and every token has a byte.
    chunks: z.array(chunkSchema).min(1).max(maxInputBytes),
    digest: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  limits: { maxInputBytes, maxRunMs: () => 10_000, maxMemoryMb: 64 },

  split: document => splitText(document, maxInputBytes),

  async run({ text }, { maxTokens }, context) {
    return withDigest(chunkText(text, context.counter, maxTokens))
  },

  verify({ input: { text }, output: { chunks, digest } }, { maxTokens }) {
    let expected = 0
    for (const one of chunks) {
      if (one.start !== expected || one.end <= one.start) return `a gap or overlap at ${expected}`
      if (one.tokens > maxTokens && one.end - one.start > maxGraphemeUnits) return `too many tokens at ${one.start}`
      const reason = implausibleTokens(text, one)
      if (reason !== undefined) return reason
      expected = one.end
    }
    if (expected !== text.length) return `the chunks end at ${expected}, the text at ${text.length}`
    return digest === digestOf(chunks) ? undefined : 'the digest is not that of the chunks'
  },

  agrees: (a, b) => a.digest === b.digest,

  rows: ({ input: { offset }, output: { chunks } }) => chunks.map(one => ({ ...placed(one, offset) })),

  merge(parts) {
    requireContiguous(parts)
    return withDigest(
      parts.flatMap(({ input: { offset }, output: { chunks } }) => chunks.map(one => placed(one, offset))),
    )
  },
}

/** Its place in the document. */
function placed({ start, end, tokens }: Chunk, offset: number): Chunk {
  return { start: offset + start, end: offset + end, tokens }
}

function withDigest(chunks: readonly Chunk[]): ChunkOutput {
  return { chunks, digest: digestOf(chunks) }
}

/** Of the JSON of `[[start, end, tokens], …]`: arrays, because the order of an object's keys is not fixed. */
export function digestOf(chunks: readonly Chunk[]): string {
  const canonical = JSON.stringify(chunks.map(({ start, end, tokens }) => [start, end, tokens]))
  return createHash('sha256').update(canonical).digest('hex')
}
