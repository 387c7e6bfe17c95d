import { indexTerms } from '../../../text/index-terms.ts'
import { type PackedVector, pack, type Signature, signatureOf } from './vectors.ts'

/** What an embedder gives: a stretch of a document in UTF-16 code units, and its vector of length 1. */
export interface EncodedPassage {
  readonly start: number
  readonly end: number
  readonly vector: Float32Array
}

/** Shown to people, compared by meaning. */
export interface IndexedPassage {
  readonly start: number
  readonly end: number
  readonly text: string
  readonly vector: PackedVector
  readonly signature: Signature
}

/** Passages that follow each other, compared by words as one: about a page. */
export interface Section {
  readonly passages: readonly IndexedPassage[]
  /** How often each term occurs. */
  readonly counts: ReadonlyMap<string, number>
  /** How many terms there are, repeated ones counted. */
  readonly length: number
}

/**
 * Passages that an encoder can read are too short for BM25: what makes a page relevant is spread over it. On abstracts
 * BM25 over pages reaches nDCG@10 .386, over passages .355.
 */
export const PASSAGES_A_SECTION = 8
export const MAX_COUNT = 255
export const MAX_LENGTH = 65_535

/** @param passages at most `PASSAGES_A_SECTION`, in the order of the document; at least one */
export function sectionOf(text: string, passages: readonly EncodedPassage[]): Section {
  const lead = passages[0]?.vector ?? new Float32Array()
  const counts = new Map<string, number>()
  let length = 0
  const made = passages.map(({ start, end, vector }): IndexedPassage => {
    const words = text.slice(start, end)
    for (const term of indexTerms(words)) {
      counts.set(term, Math.min(MAX_COUNT, (counts.get(term) ?? 0) + 1))
      length += 1
    }
    const placed = inContext(vector, lead)
    return { start, end, text: words, vector: pack(placed), signature: signatureOf(placed) }
  })
  return { passages: made, counts, length: Math.min(MAX_LENGTH, length) }
}

/**
 * A passage's own vector and that of the section's first passage, half and half: a sentence in the middle seldom says
 * what the page is about, its beginning does. nDCG@10 .392 instead of .388 on Cranfield, .729 instead of .724 on MED.
 */
function inContext(vector: Float32Array, lead: Float32Array): Float32Array {
  return vector.map((value, index) => (value + (lead[index] ?? 0)) / 2)
}
