import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { kinds } from '../../src/domains/knowledge/kinds/kinds.ts'
import { type PipelineOutput, pipeline } from '../../src/domains/knowledge/kinds/pipeline.ts'
import type { Embedder } from '../../src/text/embedder.ts'
import { encodeVector } from '../../src/text/vectors.ts'
import { openEmbedder } from '../../src/threads/embedders/open.ts'
import type { WorkContext } from '../../src/threads/kind.ts'
import { openTokenizer } from '../../src/threads/use-lite/use-lite.ts'

const params = { maxTokens: 48 }
const text = 'A neighbour sells solar energy to the house next door.\n\n'.repeat(300)
const tokenizer = await openTokenizer()

/** The built-in model's tokens, and vectors of a model for toys: 3 dimensions. */
const embedder: Embedder = {
  fingerprint: 'f'.repeat(64),
  engine: 'counted on fingers',
  dimensions: 3,
  maxTokens: 128,
  count: tokenizer.count,
  embed: async (list: readonly string[]) => list.map(one => Float32Array.of(0, one.length % 2, (one.length + 1) % 2)),
}
const context: WorkContext<'embedder'> = {
  embedder,
  signal: new AbortController().signal,
  progress: () => {},
}

async function parts() {
  return Promise.all(
    Array.from(pipeline.split({ name: 'document', text }, params), async input => ({
      input,
      output: await pipeline.run(input, params, context),
    })),
  )
}

describe('the pipeline kind', () => {
  it('gives every chunk what an index needs, and its own check and schema accept it', async () => {
    const done = await parts()
    expect(done.length).toBeGreaterThan(1)
    for (const part of done) {
      expect(pipeline.output.safeParse(JSON.parse(JSON.stringify(part.output))).success).toBe(true)
      expect(pipeline.verify(part, params)).toBeUndefined()
    }
    const { chunks, fingerprint } = pipeline.merge(done)
    expect(fingerprint).toBe('f'.repeat(64))
    let covered = 0
    for (const { start, end, hash, terms, vector } of chunks) {
      expect(start).toBe(covered)
      expect(hash).toBe(createHash('sha256').update(text.slice(start, end)).digest('hex'))
      expect(terms.map(([stem]) => stem)).toContain('neighbour')
      expect(vector).toHaveLength(3)
      covered = end
    }
    expect(covered).toBe(text.length)
  })

  it('finds out who leaves out text, or gives terms, hashes and vectors of another', async () => {
    const [part] = await parts()
    if (part === undefined) throw new TypeError('no part')
    const lie = (change: (chunks: PipelineOutput['chunks']) => PipelineOutput['chunks']) =>
      pipeline.verify({ ...part, output: { ...part.output, chunks: change(part.output.chunks) } }, params)
    expect(lie(chunks => chunks.slice(1))).toMatch(/no row/)
    expect(lie(chunks => chunks.map(one => ({ ...one, hash: '0'.repeat(64) })))).toMatch(/hash/)
    expect(lie(chunks => chunks.map(one => ({ ...one, terms: [['gold', 1] as const] })))).toMatch(/terms/)
    const vector = encodeVector(Float32Array.of(1, 0))
    expect(lie(chunks => chunks.map((one, n) => (n === 0 ? one : { ...one, vector })))).toMatch(/dimensions/)
    expect(lie(chunks => chunks.map(one => ({ ...one, vector: encodeVector(Float32Array.of(0, 3, 0)) })))).toMatch(
      /length 1/,
    )
    expect(pipeline.verify(part, { ...params, fingerprint: '0'.repeat(64) })).toMatch(/another model/)
  })

  it('refuses a task for another model, and more vectors than a message holds', async () => {
    const [input] = pipeline.split({ name: 'document', text }, params)
    if (input === undefined) throw new TypeError('no part')
    const other = { ...params, fingerprint: '0'.repeat(64) }
    await expect(pipeline.run(input, other, context)).rejects.toMatchObject({ code: 'TASK_MODEL_MISMATCH' })
    const huge = { ...embedder, dimensions: 4_096 }
    const dense = { text: 'a b c '.repeat(2_000), offset: 0 }
    await expect(pipeline.run(dense, params, { ...context, embedder: huge })).rejects.toMatchObject({
      code: 'TASK_BAD_INPUT',
    })
  })
})

it('every kind stands in the table under its name, with bounds', () => {
  for (const [name, kind] of Object.entries(kinds)) {
    expect(kind.name).toBe(name)
    expect(kind.limits.maxMemoryMb).toBeGreaterThan(0)
    expect(kind.limits.maxInputBytes).toBeLessThan(700_000)
  }
})

it('the built-in model is the embedder where nothing else is named', async () => {
  const { embedder: options } = loadConfig('/nowhere', {}).options
  expect((await openEmbedder(options, async () => tokenizer)).dimensions).toBe(512)
})
