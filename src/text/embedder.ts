import type { TokenCounter } from './ruler.ts'

/** Turns texts into vectors. Cosines compare only within one `fingerprint`. */
export interface Embedder extends TokenCounter {
  /** SHA-256, hex, of the weights, the vocabulary and the arithmetic: two embedders that agree on it agree on vectors. */
  readonly fingerprint: string
  /** What computes, for people: `onnxruntime-node 1.30.0 (native)`. */
  readonly engine: string
  readonly dimensions: number
  /** Tokens beyond this many are not seen by the model. */
  readonly maxTokens: number
  /**
   * One vector of length 1 a text, in order; all zeros for a text of white space alone.
   * @throws the signal's reason when it aborts; checked between texts
   */
  embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]>
}
