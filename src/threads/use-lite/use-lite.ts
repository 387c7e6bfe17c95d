import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import { z } from 'zod'
import type { Embedder } from '../../text/embedder.ts'
import type { EngineKind } from '../embedders/session.ts'
import { openEngine } from './engine.ts'
import { dimensions, maxTokens, useLiteGraph } from './graph.ts'
import { encodeModel } from './onnx.ts'
import { createTokenizer, type Tokenizer } from './tokenizer.ts'
import { modelFile, openWeights } from './weights.ts'

/**
 * The arithmetic's name in the fingerprint. Both engines compute this graph in float32 and differ by less than 1e-6, so
 * they share it: an index made natively can be searched on a machine that has only WebAssembly. Raise the number when
 * the graph or the tokenizer changes.
 */
const arithmetic = 'use-lite float32 1'

const vocabularySchema = z.array(
  z.union([z.tuple([z.string(), z.number()]), z.tuple([z.string(), z.null()]), z.tuple([z.string()])]),
)

/** The model's tokenizer alone: 200 kB to read, instead of the 28 MB of the whole model. */
export async function openTokenizer(): Promise<Tokenizer> {
  return createTokenizer(vocabularySchema.parse(JSON.parse(await readFile(modelFile('vocab.json'), 'utf8'))))
}

/**
 * Universal Sentence Encoder lite (Cer et al. 2018, arXiv 1803.11175): English, 512 dimensions, 128 tokens. Heavy in
 * memory and on the processor: for worker threads only.
 * @param options.engine takes that engine or fails; without it, the fastest that loads
 */
export async function openUseLite(options: { tokenizer?: Tokenizer; engine?: EngineKind } = {}): Promise<Embedder> {
  const tokenizer = options.tokenizer ?? (await openTokenizer())
  const weights = await openWeights()
  const engine = await openEngine(encodeModel(useLiteGraph(weights)), options.engine)
  const vocabulary = await readFile(modelFile('vocab.json'))
  return {
    fingerprint: createHash('sha256').update(weights.sha256).update(vocabulary).update(arithmetic).digest('hex'),
    engine: engine.name,
    dimensions,
    maxTokens,
    count: text => tokenizer.count(text),
    async embed(texts, signal) {
      const vectors: Float32Array[] = []
      for (const text of texts) {
        // An abort arrives as an event, and neither engine leaves room for one while it computes.
        await eventLoopTurn()
        signal.throwIfAborted()
        const ids = tokenizer.encode(text).slice(0, maxTokens)
        vectors.push(ids.length === 0 ? new Float32Array(dimensions) : await engine.run(Int32Array.from(ids)))
      }
      return vectors
    },
  }
}
