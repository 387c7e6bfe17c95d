import { describe, expect, it } from 'vitest'
import { embed } from '../../src/domains/knowledge/kinds/embed.ts'
import type { Embedder } from '../../src/text/embedder.ts'
import { decodeVector, encodeVector } from '../../src/text/vectors.ts'
import type { WorkContext } from '../../src/threads/kind.ts'

const params = { maxTokens: 20 }
const fingerprint = 'f'.repeat(64)
const text = 'A neighbour sells energy to the house next door.\n\n'.repeat(20)

/** A token a word; the vector's one non-zero number stands where the text's length says. */
const embedder: Embedder = {
  fingerprint,
  engine: 'counted on fingers',
  dimensions: 512,
  maxTokens: 128,
  count: words => words.match(/\S+/gu)?.length ?? 0,
  async embed(list, signal) {
    signal.throwIfAborted()
    return list.map(one => new Float32Array(512).fill(1, one.length, one.length + 1))
  },
}

function context(over: Partial<WorkContext> = {}): WorkContext<'embedder'> {
  const signal = new AbortController().signal
  return { embedder, signal, progress: () => {}, ...over }
}

async function runFirst(source: string) {
  const [input] = embed.split({ name: 'document', text: source }, params)
  if (input === undefined) throw new TypeError('no part')
  return { input, output: await embed.run(input, params, context()) }
}

describe('the embed kind', () => {
  it('gives every chunk its vector, in order, and its own check and schema accept it', async () => {
    const part = await runFirst(text)
    expect(part.output.chunks.length).toBeGreaterThan(5)
    expect(embed.output.safeParse(JSON.parse(JSON.stringify(part.output))).success).toBe(true)
    expect(embed.verify(part, { ...params, fingerprint })).toBeUndefined()
    for (const { start, end, vector } of part.output.chunks) expect(decodeVector(vector)[end - start]).toBe(1)
  })

  it('leaves out white space, which has no meaning to search for', async () => {
    const part = await runFirst(`word${' '.repeat(3000)}word`)
    expect(embed.verify(part, params)).toBeUndefined()
    const merged = embed.merge([part])
    expect(merged.chunks.every(({ tokens }) => tokens > 0)).toBe(true)
  })

  it('tells how far it is', async () => {
    const seen: [number, number][] = []
    const [input] = embed.split({ name: 'document', text }, params)
    if (input === undefined) throw new TypeError('no part')
    const { chunks } = await embed.run(input, params, context({ progress: (...now) => seen.push(now) }))
    expect(seen.at(0)).toEqual([1, chunks.length])
    expect(seen.at(-1)).toEqual([chunks.length, chunks.length])
  })

  it('stops when nobody wants the result', async () => {
    const { input } = await runFirst(text)
    await expect(embed.run(input, params, context({ signal: AbortSignal.abort() }))).rejects.toThrow(/abort/)
  })

  it('answers within one message, or refuses, however densely a text is packed with tokens', async () => {
    const worst = embed.params.parse({ maxTokens: 48 })
    const outputs = ['a '.repeat(9000), '. '.repeat(9000), '½ '.repeat(9000)].map(async source => {
      const [input] = embed.split({ name: 'document', text: source }, worst)
      return input === undefined ? undefined : JSON.stringify(await embed.run(input, worst, context())).length
    })
    for (const size of await Promise.all(outputs)) expect(size).toBeLessThan(0.75 * 2 ** 20)
    const [dense] = embed.split({ name: 'document', text: 'a '.repeat(9000) }, worst)
    if (dense === undefined) throw new TypeError('no part')
    await expect(embed.run(dense, { maxTokens: 16 }, context())).rejects.toMatchObject({ code: 'TASK_BAD_INPUT' })
  })

  it('refuses a task that wants the vectors of another model', async () => {
    const { input } = await runFirst(text)
    await expect(embed.run(input, { ...params, fingerprint: '0'.repeat(64) }, context())).rejects.toMatchObject({
      code: 'TASK_MODEL_MISMATCH',
    })
  })

  it('finds out a stranger who leaves out text, moves chunks or invents vectors', async () => {
    const { input, output } = await runFirst(text)
    const lie = (chunks: typeof output.chunks) => embed.verify({ input, output: { ...output, chunks } }, params)
    const withVector = (numbers: Float32Array) =>
      lie(output.chunks.map(one => ({ ...one, vector: encodeVector(numbers) })))
    expect(lie(output.chunks.slice(1))).toMatch(/no vector/)
    expect(lie(output.chunks.slice(0, -1))).toMatch(/no vector/)
    expect(lie(output.chunks.toReversed())).toMatch(/no vector|wrong span/)
    expect(lie(output.chunks.map(one => ({ ...one, tokens: 1 })))).toMatch(/tokens/)
    expect(withVector(new Float32Array(512))).toMatch(/length 1/)
    expect(withVector(new Float32Array(512).fill(Number.NaN))).toMatch(/length 1/)
    expect(embed.verify({ input, output }, { ...params, fingerprint: '0'.repeat(64) })).toMatch(/another model/)
  })

  it('takes two answers for the same when they differ in the last digits, and not when they differ in direction', async () => {
    const { output } = await runFirst(text)
    const changed = (change: (vector: Float32Array) => Float32Array) => ({
      ...output,
      chunks: output.chunks.map(one => ({ ...one, vector: encodeVector(change(decodeVector(one.vector))) })),
    })
    expect(
      embed.agrees(
        output,
        changed(vector => vector.map(value => value * (1 + 1e-6) + 1e-7)),
      ),
    ).toBe(true)
    expect(
      embed.agrees(
        output,
        changed(vector => vector.toReversed()),
      ),
    ).toBe(false)
    expect(embed.agrees(output, { ...output, fingerprint: '0'.repeat(64) })).toBe(false)
    expect(embed.agrees(output, { ...output, chunks: output.chunks.slice(1) })).toBe(false)
  })

  it('moves offsets to the document when it merges, and refuses parts of two models', async () => {
    const long = text.repeat(30)
    const inputs = Array.from(embed.split({ name: 'document', text: long }, params))
    const parts = await Promise.all(
      inputs.map(async input => ({ input, output: await embed.run(input, params, context()) })),
    )
    expect(parts.length).toBeGreaterThan(1)
    const { chunks } = embed.merge(parts)
    for (const { start, end, vector } of chunks) expect(vector[long.slice(start, end).length]).toBe(1)
    const [first, ...others] = parts
    if (first === undefined) throw new TypeError('no part')
    const foreign = { ...first, output: { ...first.output, fingerprint: '0'.repeat(64) } }
    expect(() => embed.merge([foreign, ...others])).toThrow(expect.objectContaining({ code: 'TASK_PARTS_INCOMPLETE' }))
  })
})

describe('a vector as text', () => {
  it('is little-endian float32 in base64', () => {
    expect(encodeVector(Float32Array.of(1, -2))).toBe(Buffer.from('0000803f000000c0', 'hex').toString('base64'))
    expect(decodeVector(encodeVector(Float32Array.of(0.1, -3e-9)))).toEqual(Float32Array.of(0.1, -3e-9))
  })
})
