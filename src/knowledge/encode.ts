import type { EncodedPassage } from './search/sections.ts'

/** Passages of a document, in order, and what made their vectors. */
export interface Encoded {
  /** SHA-256, hex, of the model and its arithmetic. */
  readonly fingerprint: string
  readonly passages: readonly EncodedPassage[]
}

/**
 * Cuts a text into passages and gives each a vector, a few at a time: a large document never lies in memory whole.
 * Passages without words are left out. @throws the signal's reason, or a CodedError of whoever computes
 */
export type Encode = (text: string, signal: AbortSignal) => AsyncIterable<Encoded>

export interface EncodedQuestion {
  readonly vector: Float32Array | undefined
  readonly fingerprint: string | undefined
}

/** The vector of a question: of its first passage when it is longer than one. */
export async function encodeQuestion(encode: Encode, text: string, signal: AbortSignal): Promise<EncodedQuestion> {
  for await (const { fingerprint, passages } of encode(text, signal)) {
    if (passages[0] !== undefined) return { fingerprint, vector: passages[0].vector }
  }
  return { vector: undefined, fingerprint: undefined }
}
