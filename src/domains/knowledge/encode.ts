import type { PeerId } from '../../kernel/ids.ts'
import type { Access } from './collection.ts'
import type { EncodedPassage } from './search/sections.ts'

/** Passages of a document, in order, and what made their vectors. */
export interface Encoded {
  /** SHA-256, hex, of the model and its arithmetic. */
  readonly fingerprint: string
  readonly passages: readonly EncodedPassage[]
  /** The peer that made them; absent: this machine. */
  readonly by?: PeerId
}

/**
 * Cuts a text into passages and gives each a vector, a few at a time: a large document never lies in memory whole.
 * Passages without words are left out. @throws the signal's reason, or a CodedError of whoever computes
 */
export type Encode = (text: string, signal: AbortSignal) => AsyncIterable<Encoded>

/** A document of a collection, for whoever decides where it is encoded. */
export interface DocumentText {
  /** Its place within what was ingested. */
  readonly name: string
  readonly text: string
  /** Who may read it at this moment, and nobody else may encode it: asked again while it is worked on, for it can change. */
  readonly access: () => Access
}

/** As `Encode`, of a whole document: here, or at peers that may read it. */
export type EncodeDocument = (document: DocumentText, signal: AbortSignal) => AsyncIterable<Encoded>

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
