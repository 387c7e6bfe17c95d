import { floatsIn } from '../../../text/vectors.ts'

/**
 * Vectors as they are kept: one byte a dimension, `value ≈ byte · scale`. Of a vector of length 1 in 512 dimensions the
 * dot product with a question's is wrong by about 0.0003.
 */
export interface PackedVector {
  readonly values: Int8Array
  readonly scale: number
}

/** A bit a dimension (1: positive) for the first look, and the mean size of a dimension. */
export interface Signature {
  readonly bits: Uint8Array
  /** Never 0 for a vector that is not zero. */
  readonly size: number
}

export function pack(vector: Float32Array): PackedVector {
  const peak = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const scale = Math.fround(peak / 127)
  return { scale, values: Int8Array.from(vector, value => (scale === 0 ? 0 : Math.round(value / scale))) }
}

export function signatureOf(vector: Float32Array): Signature {
  const bits = new Uint8Array(Math.ceil(vector.length / 8))
  let sum = 0
  for (const [index, value] of vector.entries()) {
    sum += Math.abs(value)
    if (value > 0) bits[index >> 3] = (bits[index >> 3] as number) | (1 << (index & 7))
  }
  return { bits, size: Math.fround(sum / vector.length) }
}

export function dotPacked(question: Float32Array, { values, scale }: PackedVector): number {
  let sum = 0
  for (let index = 0; index < values.length; index++) sum += (question[index] as number) * (values[index] as number)
  return sum * scale
}

/** What a slot without a passage is guessed to be. */
export const NOBODY = Number.NEGATIVE_INFINITY

export interface Guess {
  /** Bytes of a signature. */
  readonly width: number
  /** A guess for each slot of a block of signatures. */
  fill(into: Float32Array, bits: Uint8Array, sizes: Float32Array): void
}

/**
 * Guesses dot products from signatures: the sum of the question's dimensions with the signs of the other's, times their
 * mean size. Eight dimensions at a time are looked up in a table made once a question. The 400 best guesses of 100,000
 * real sentences hold their ten nearest; plain Hamming distance finds seven.
 */
export function createGuess(question: Float32Array): Guess {
  const width = Math.ceil(question.length / 8)
  const table = new Float32Array(width * 256)
  for (let byte = 0; byte < width; byte++) {
    for (let bits = 0; bits < 256; bits++) table[byte * 256 + bits] = signedSum(question, byte * 8, bits)
  }
  return {
    width,
    fill(into, bits, sizes) {
      for (let slot = 0, at = 0; slot < sizes.length; slot++) {
        let sum = 0
        let row = 0
        // Four lookups a turn, added among themselves first: twice as fast as one after the other.
        for (; row + 1024 <= table.length; row += 1024, at += 4) {
          const two =
            (table[row + (bits[at] as number)] as number) + (table[row + 256 + (bits[at + 1] as number)] as number)
          const four =
            (table[row + 512 + (bits[at + 2] as number)] as number) +
            (table[row + 768 + (bits[at + 3] as number)] as number)
          sum += two + four
        }
        for (; row < table.length; row += 256, at++) sum += table[row + (bits[at] as number)] as number
        const size = sizes[slot] as number
        into[slot] = size === 0 ? NOBODY : size * sum
      }
    },
  }
}

function signedSum(question: Float32Array, start: number, bits: number): number {
  let sum = 0
  for (let bit = 0; bit < 8; bit++) {
    const value = question[start + bit] ?? 0
    sum += ((bits >> bit) & 1) === 1 ? value : -value
  }
  return sum
}

/** undefined when the text is not that of finite floats. */
export function vectorFromText(text: string): Float32Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === 0 || bytes.length % 4 !== 0) return undefined
  const vector = floatsIn(bytes)
  return vector.every(Number.isFinite) ? vector : undefined
}
