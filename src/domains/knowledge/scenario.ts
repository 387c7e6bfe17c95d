import type { Random } from '../../kernel/random.ts'
import type { Chunk } from '../../text/chunker.ts'
import { digestOf } from './kinds/chunk.ts'

/** What a peer that lies says for an answer it has; who does not lie gives it as it is. */
export function createLies(lieShare: number, random: Random): (output: unknown) => unknown {
  return output => (lieShare > 0 && random() < lieShare ? falsified(output) : output)
}

/**
 * The hardest lie to see: right in shape, whole, plausible, with a digest that fits; only the first chunk has one token
 * too many. All liars tell the same one, so two of them agree. Answers without chunks stay as they are.
 */
export function falsified(output: unknown): unknown {
  const { chunks: [first, ...others] = [], digest } = output as { chunks?: readonly Chunk[]; digest?: string }
  if (first === undefined) return output
  const chunks = [{ ...first, tokens: first.tokens + 1 }, ...others]
  return { ...(output as object), chunks, ...(digest === undefined ? {} : { digest: digestOf(chunks) }) }
}
