import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import { Tokenizer } from '@huggingface/tokenizers'
import { messageOf } from '../../kernel/errors.ts'
import type { Embedder } from '../../text/embedder.ts'
import { normalised } from '../../text/vectors.ts'
import { type ModelFiles, type Pooling, readModelFiles } from './model-files.ts'
import { type EngineKind, openSession, type Session } from './session.ts'
import { unavailable } from './unavailable.ts'

/** In the fingerprint; raised when tokens, pooling or normalising change. */
const arithmetic = 'folder float32 1'

/**
 * A sentence encoder from a folder in Hugging Face layout, as sentence-transformers and Optimum write it: tokens by
 * `tokenizer.json`, the graph by `onnx/model.onnx`, pooling by `1_Pooling/config.json` (mean where that is missing),
 * then length 1. Heavy in memory and on the processor: for worker threads only. A first text is embedded at once, so
 * that a model which does not fit is known before any work is taken.
 * @throws CodedError<'TASK_MODEL_UNAVAILABLE'> with a hint
 */
export async function openFolderEmbedder(folder: string, engine?: EngineKind): Promise<Embedder> {
  const files = await readModelFiles(folder)
  const tokens = createTokens(files)
  const model = await openGraph(files, engine)
  const embedOne = (text: string) => vectorOf(model, tokens.encode(text), files.pooling)
  const dimensions = (await embedOne('A first text.').catch((error: unknown) => Promise.reject(unfit(folder, error))))
    .length
  return {
    fingerprint: await fingerprintOf(files),
    engine: model.name,
    dimensions,
    maxTokens: files.maxTokens - tokens.added,
    count: tokens.count,
    async embed(texts, signal) {
      const vectors: Float32Array[] = []
      for (const text of texts) {
        // An abort arrives as an event, and neither engine leaves room for one while it computes.
        await eventLoopTurn()
        signal.throwIfAborted()
        vectors.push(/\S/u.test(text) ? await embedOne(text) : new Float32Array(dimensions))
      }
      return vectors
    },
  }
}

/** The tokens of texts, clipped to what the model reads without losing the marks that it wants around them. */
function createTokens({ tokenizer, tokenizerConfig, maxTokens }: ModelFiles) {
  const own = new Tokenizer(tokenizer, tokenizerConfig)
  const marks: readonly number[] = own.encode('').ids
  const marked: readonly number[] = own.encode('a').ids
  const before = marks.findIndex((id, index) => marked[index] !== id)
  const leading = before === -1 ? marks.length : before
  const trailing = marks.length - leading

  return {
    /** The marks around a text. */
    added: marks.length,
    /** At least one a word: some tokenizers drop characters that they do not know. */
    count(text: string): number {
      const words = text.match(/\S+/gu)?.length ?? 0
      return words === 0 ? 0 : Math.max(words, own.encode(text, { add_special_tokens: false }).ids.length)
    },
    encode(text: string): number[] {
      const ids: number[] = own.encode(text).ids
      if (ids.length <= maxTokens) return ids
      return [...ids.slice(0, maxTokens - trailing), ...ids.slice(ids.length - trailing)]
    },
  }
}

async function openGraph({ model, folder }: ModelFiles, engine: EngineKind | undefined): Promise<Session> {
  try {
    return await openSession(model, engine)
  } catch (error) {
    throw unavailable(`${model} cannot be loaded: ${messageOf(error)}`, {
      hint: `Is it an ONNX model, whole, with its data files beside it? Export ${folder} again with Optimum.`,
      cause: error,
    })
  }
}

async function vectorOf(model: Session, ids: readonly number[], pooling: Pooling): Promise<Float32Array> {
  const { runtime, session } = model
  const shape = [1, ids.length]
  const feeds = session.inputNames.map(name => {
    const values = inputOf(name, ids)
    return [name, new runtime.Tensor('int64', BigInt64Array.from(values, BigInt), shape)] as const
  })
  const outputs = await session.run(Object.fromEntries(feeds))
  const name = preferredOutputs.find(preferred => preferred in outputs) ?? session.outputNames[0] ?? ''
  const output = outputs[name]
  if (!(output?.data instanceof Float32Array)) throw new TypeError(`the output ${name} is not of float32`)
  return normalised(pooled(output.data, output.dims, pooling))
}

/** Of a model that pools by itself, the sentence's vector; else one vector a token. */
const preferredOutputs = ['sentence_embedding', 'last_hidden_state', 'token_embeddings']

/** One text a run needs no padding, so every token is attended to. */
function inputOf(name: string, ids: readonly number[]): readonly number[] {
  switch (name) {
    case 'input_ids':
      return ids
    case 'attention_mask':
      return ids.map(() => 1)
    case 'token_type_ids':
      return ids.map(() => 0)
    case 'position_ids':
      return ids.map((_, position) => position)
    default:
      throw new TypeError(`the model wants an input ${name} that no sentence encoder has`)
  }
}

function pooled(data: Float32Array, dims: readonly number[], pooling: Pooling): Float32Array {
  const [size = 0] = dims.slice(-1)
  if (dims.length === 2) return data.slice(0, size)
  const tokens = data.length / size
  if (pooling === 'cls') return data.slice(0, size)
  if (pooling === 'last') return data.slice((tokens - 1) * size)
  const sum = new Float32Array(size)
  for (let index = 0; index < data.length; index++) sum[index % size] = (sum[index % size] ?? 0) + (data[index] ?? 0)
  return sum.map(value => value / tokens)
}

/** Of everything that a vector depends on. Streamed: a model may have gigabytes. */
async function fingerprintOf({ hashed, pooling, maxTokens }: ModelFiles): Promise<string> {
  const hash = createHash('sha256')
  for (const file of hashed) for await (const piece of createReadStream(file)) hash.update(piece as Buffer)
  return hash.update(`${arithmetic} ${pooling} ${maxTokens}`).digest('hex')
}

function unfit(folder: string, error: unknown) {
  return unavailable(`the model in ${folder} gives no vectors: ${messageOf(error)}`, {
    hint: 'Choose a sentence encoder exported in float32, as sentence-transformers or Optimum write it.',
    cause: error,
  })
}
