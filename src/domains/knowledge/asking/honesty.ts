import type { PeerId } from '../../../kernel/ids.ts'
import { dot } from '../../../text/vectors.ts'
import { type Encode, encodeQuestion } from '../encode.ts'
import type { Question } from '../search/search.ts'
import type { Passage } from './answered.ts'

/** Of packed vectors, and of processors that differ. */
const TOLERANCE = 0.01

/**
 * Compares passages of others that decide what is shown with the question again, here. A closeness is half the
 * passage's and half that of its section's first one, which stays where it is: so it is at most half the passage's and a
 * half. Names a peer that claims more.
 */
export function createHonesty(encode: Encode, { vector, fingerprint }: Question, signal: AbortSignal) {
  const known = new Map<string, number>()

  /** The most that can be said of a text; undefined when this peer's model cannot tell. */
  async function mostOf(text: string, asked: Float32Array): Promise<number | undefined> {
    if (!known.has(text)) {
      const passage = await encodeQuestion(encode, text, signal)
      if (passage.vector === undefined || passage.fingerprint !== fingerprint) return undefined
      known.set(text, (dot(asked, passage.vector) + 1) / 2 + TOLERANCE)
    }
    return known.get(text)
  }

  return async (passages: readonly Passage[]): Promise<PeerId | undefined> => {
    for (const item of passages) {
      if (item.peer === undefined || item.closeness === undefined || vector === undefined) continue
      const most = await mostOf(item.text, vector)
      if (most !== undefined && item.closeness > most) return item.peer
    }
    return undefined
  }
}
