import { rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { seededRandom } from '../../src/kernel/random.ts'
import { dot } from '../../src/text/vectors.ts'
import { openFolderEmbedder } from '../../src/threads/embedders/folder.ts'
import { openEmbedder } from '../../src/threads/embedders/open.ts'
import { scratch } from '../support/storm.ts'
import { writeTinyModel } from '../support/tiny-model.ts'

const signal = new AbortController().signal
const fail = { code: 'TASK_MODEL_UNAVAILABLE', hint: expect.any(String) }
const rounded = (vector: Float32Array | undefined) => Array.from(vector ?? [], value => Math.round(value * 100) / 100)

describe('an embedder from a folder in Hugging Face layout', () => {
  it.each(['native', 'wasm'] as const)('embeds on the %s engine: words, their mean, length 1', async engine => {
    using folder = scratch()
    writeTinyModel(folder.path('.'))
    const embedder = await openFolderEmbedder(folder.path('.'), engine)
    expect(embedder).toMatchObject({ dimensions: 3, maxTokens: 62, engine: expect.stringContaining('onnxruntime') })
    const vectors = await embedder.embed(['Suns', 'sun roof', 'sun sun roof', ' \n'], signal)
    expect(vectors.map(rounded)).toEqual([
      [1, 0, 0],
      [0.71, 0.71, 0],
      [0.89, 0.45, 0],
      [0, 0, 0],
    ])
  })

  it('counts the tokens of a text without the marks around it, one a word at least', async () => {
    using folder = scratch()
    writeTinyModel(folder.path('.'))
    const { count } = await openFolderEmbedder(folder.path('.'))
    expect(['', ' ', 'sun', 'suns', 'sun roof.', '\u0001 \u0002'].map(text => count(text))).toEqual([0, 0, 1, 2, 3, 2])
  })

  it('cuts off what the model does not read, and keeps the mark at the end', async () => {
    using folder = scratch()
    writeTinyModel(folder.path('.'), { maxTokens: 8 })
    const embedder = await openFolderEmbedder(folder.path('.'))
    const [clipped] = await embedder.embed([`${'sun '.repeat(6)}${'roof '.repeat(50)}`], signal)
    expect(rounded(clipped)).toEqual([1, 0, 0])
  })

  it('pools as the folder says', async () => {
    using folder = scratch()
    writeTinyModel(folder.path('.'), { pooling: { pooling_mode_max_tokens: true } })
    await expect(openFolderEmbedder(folder.path('.'))).rejects.toMatchObject({ ...fail, message: /pools/ })
    writeTinyModel(folder.path('.'), { pooling: { pooling_mode_cls_token: false, pooling_mode_mean_tokens: true } })
    expect((await openFolderEmbedder(folder.path('.'))).dimensions).toBe(3)
  })

  it('has a fingerprint of everything its vectors depend on', async () => {
    using folder = scratch()
    const print = async (change: Parameters<typeof writeTinyModel>[1]) => {
      writeTinyModel(folder.path('.'), change)
      return (await openFolderEmbedder(folder.path('.'))).fingerprint
    }
    const first = await print({})
    expect(first).toMatch(/^[0-9a-f]{64}$/)
    expect(await print({})).toBe(first)
    expect(await print({ maxTokens: 32 })).not.toBe(first)
    expect(await print({ inputs: ['input_ids'] })).not.toBe(first)
  })

  it('stops when nobody wants the vectors', async () => {
    using folder = scratch()
    writeTinyModel(folder.path('.'))
    const embedder = await openFolderEmbedder(folder.path('.'))
    await expect(embedder.embed(['sun'], AbortSignal.abort())).rejects.toThrow(/abort/)
  })

  it.each([
    ['is not there', (path: (name: string) => string) => rmSync(path('.'), { recursive: true }), /no onnx\/model.onnx/],
    ['has no tokenizer', (path: (name: string) => string) => rmSync(path('tokenizer.json')), /tokenizer.json/],
    [
      'has half a config',
      (path: (name: string) => string) => writeFileSync(path('config.json'), '{"hid'),
      /config.json/,
    ],
    [
      'has a model of noise',
      (path: (name: string) => string) => writeFileSync(path('onnx/model.onnx'), 'noise'),
      /cannot be loaded/,
    ],
    [
      'has a model of pictures',
      (path: (name: string) => string) => writeTinyModel(path('.'), { inputs: ['input_ids', 'pixels'] }),
      /pixels/,
    ],
    [
      'reads nothing',
      (path: (name: string) => string) => writeTinyModel(path('.'), { maxTokens: 3 }),
      /reads 3 tokens/,
    ],
  ])('that %s is refused with a hint', async (_, spoil, message) => {
    using folder = scratch()
    writeTinyModel(folder.path('.'))
    spoil(folder.path)
    await expect(openFolderEmbedder(folder.path('.'))).rejects.toMatchObject({
      ...fail,
      message: expect.stringMatching(message),
    })
  })
})

type Answer = (body: { model: string; input: string[] }, request: IncomingMessage, response: ServerResponse) => unknown

/** A server that answers as OpenAI's does, or as it is told to; gone at the end of the test. */
async function embeddingServer(answer: Answer) {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const said = answer(JSON.parse(Buffer.concat(pieces).toString()), request, response)
      if (said !== undefined) response.end(typeof said === 'string' ? said : JSON.stringify(said))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/embeddings`
  return {
    url,
    open: (over: object = {}) =>
      openEmbedder(
        { ...loadConfig('/nowhere', {}).options.embedder, source: 'http', url, model: 'tiny', ...over },
        async () => ({ count: text => text.length, countWord: word => word.length, encode: () => [] }),
      ),
    [Symbol.asyncDispose]() {
      server.closeAllConnections()
      return new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

const lengths: Answer = ({ input }) => ({
  // In any order: the index tells.
  data: input.map((text, index) => ({ index, embedding: [text.length, 0, 1], object: 'embedding' })).toReversed(),
})

describe('an embedder behind HTTP', () => {
  it('asks in batches, keeps the order, and gives length 1', async () => {
    const asked: number[] = []
    await using server = await embeddingServer((body, ...rest) => {
      asked.push(body.input.length)
      expect(body.model).toBe('tiny')
      return lengths(body, ...rest)
    })
    const embedder = await server.open({ batchTexts: 2 })
    expect(embedder).toMatchObject({
      dimensions: 3,
      maxTokens: 512,
      engine: expect.stringContaining('tiny at 127.0.0.1'),
    })
    const vectors = await embedder.embed(['a', '  ', 'bb', 'ccc'], signal)
    expect(asked).toEqual([1, 2, 1])
    for (const [index, length] of [1, 0, 2, 3].entries()) {
      const vector = vectors[index] ?? new Float32Array()
      expect(dot(vector, vector)).toBeCloseTo(length === 0 ? 0 : 1)
      if (length > 0) expect((vector[0] ?? 0) / (vector[2] ?? 1)).toBeCloseTo(length)
    }
  })

  it('sends the key of a file', async () => {
    using folder = scratch()
    writeFileSync(folder.path('key'), 'secret\n')
    await using server = await embeddingServer((body, request, response) => {
      if (request.headers.authorization === 'Bearer secret') return lengths(body, request, response)
      response.statusCode = 401
      return { error: 'who are you?' }
    })
    await expect(server.open()).rejects.toMatchObject({ ...fail, hint: expect.stringContaining('embedder.keyFile') })
    const embedder = await server.open({ keyFile: folder.path('key') })
    expect(embedder.dimensions).toBe(3)
    await expect(server.open({ keyFile: folder.path('none') })).rejects.toMatchObject(fail)
  })

  it('is known by its vectors, wherever it answers: not by a place and a name that two models may share', async () => {
    /** A model's vector as one machine computes it: each number off by up to such a share. */
    const numbers = (noise: number): Answer => {
      const random = seededRandom(7)
      const wobble = seededRandom(Math.round(noise * 1e9) + 1)
      const vector = Array.from(
        { length: 768 },
        () => (random() + random() + random() - 1.5) * (1 + noise * (wobble() - 0.5)),
      )
      return ({ input }) => ({ data: input.map((_, index) => ({ index, embedding: vector })) })
    }
    const fingerprintOf = async (noise: number, model = 'tiny') => {
      await using server = await embeddingServer(numbers(noise))
      return (await server.open({ model })).fingerprint
    }
    const own = await fingerprintOf(0)
    expect(own).toMatch(/^[0-9a-f]{64}$/)
    // Another port, another name, another processor: the same model.
    expect(await fingerprintOf(1e-6, 'tiny:latest')).toBe(own)
    // Weights rounded to a few bits under the same name: vectors that do not agree.
    expect(await fingerprintOf(0.5)).not.toBe(own)
  })

  it.each<[string, Answer]>([
    ['no JSON', () => 'hello'],
    ['another shape', () => ({ vectors: [[1, 2]] })],
    ['too few vectors', () => ({ data: [] })],
    ['one text twice', ({ input }) => ({ data: [...input, 'x'].map(() => ({ index: 0, embedding: [1] })) })],
    ['an index from afar', () => ({ data: [{ index: 4_000_000_000, embedding: [1] }] })],
    ['a vector without direction', () => ({ data: [{ index: 0, embedding: [0, 0] }] })],
    ['too many numbers', () => ({ data: [{ index: 0, embedding: Array(5_000).fill(1) }] })],
    ['more than it should', () => 'x'.repeat(2 ** 20)],
    ['a model it has not', (_, __, response) => JSON.stringify({ error: response.writeHead(404).statusMessage })],
    [
      'a redirect',
      (_, __, response) => `${response.writeHead(302, { location: 'http://127.0.0.1:9/' }).statusMessage}`,
    ],
  ])('that answers %s is refused with a hint', async (_, answer) => {
    await using server = await embeddingServer(answer)
    await expect(server.open()).rejects.toMatchObject(fail)
  })

  it('is refused when its vectors change their dimensions', async () => {
    await using server = await embeddingServer(({ input }) => ({
      data: input.map((text, index) => ({ index, embedding: Array(text.length).fill(1) })),
    }))
    const embedder = await server.open()
    await expect(embedder.embed(['short'], signal)).rejects.toMatchObject(fail)
  })

  it('that never answers costs no more than the time-out, or the moment it takes to cancel', async () => {
    let silent = false
    await using server = await embeddingServer((...said) => (silent ? undefined : lengths(...said)))
    const embedder = await server.open({ timeoutMs: 200 })
    silent = true
    await expect(embedder.embed(['a'], signal)).rejects.toMatchObject({
      ...fail,
      message: expect.stringContaining('200 ms'),
    })
    const cancel = new AbortController()
    const embedded = embedder.embed(['a'], cancel.signal)
    cancel.abort()
    await expect(embedded).rejects.toThrow(/abort/)
  })

  it('that is not there is refused with what to do', async () => {
    const { url } = await (async () => {
      await using gone = await embeddingServer(lengths)
      return { url: gone.url }
    })()
    const options = { ...loadConfig('/nowhere', {}).options.embedder, source: 'http' as const, url }
    const opened = openEmbedder(options, async () => ({ count: () => 0, countWord: () => 0, encode: () => [] }))
    await expect(opened).rejects.toMatchObject({ ...fail, hint: expect.stringContaining('ollama serve') })
  })
})

it('an embedder that is to come from a folder needs one named', async () => {
  const options = { ...loadConfig('/nowhere', {}).options.embedder, source: 'folder' as const }
  await expect(openEmbedder(options, () => Promise.reject(new Error('not needed')))).rejects.toMatchObject(fail)
})
