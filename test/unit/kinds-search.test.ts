import { describe, expect, it } from 'vitest'
import { type SearchOutput, type SearchParams, search } from '../../src/domains/knowledge/kinds/search.ts'
import type { Shard } from '../../src/domains/knowledge/kinds/shard.ts'
import { encodeVector } from '../../src/text/vectors.ts'
import type { WorkContext } from '../../src/threads/kind.ts'

const context: WorkContext = {
  signal: new AbortController().signal,
  progress: () => {},
}

const passages = [
  { id: 'solar', text: 'The roof sells its solar surplus to the neighbour.' },
  { id: 'battery', text: 'A battery keeps surplus for the night; selling waits.' },
  { id: 'cake', text: 'Bake the cake for an hour.' },
  { id: 'japan', text: '隣の家に太陽光の電気を売る。' },
]
const jsonl = (rows: readonly object[]) => rows.map(row => JSON.stringify(row)).join('\n')
const document = { name: 'shard.jsonl', text: jsonl(passages) }

async function find(source: { name: string; text: string }, asked: unknown) {
  const params = search.params.parse(asked)
  const inputs = [...search.split(source, params)]
  const parts = await Promise.all(
    inputs.map(async input => ({ input, output: await search.run(input, params, context) })),
  )
  for (const part of parts) {
    expect(search.input.safeParse(part.input).success).toBe(true)
    expect(search.output.safeParse(JSON.parse(JSON.stringify(part.output))).success).toBe(true)
    expect(search.verify(part, params)).toBeUndefined()
  }
  return { params, parts, result: search.merge(parts) }
}

const ids = ({ hits }: SearchOutput) => hits.map(({ id }) => id)

describe('a search by words', () => {
  it('finds stems, ranks what has more and rarer words first, and leaves out what has none', async () => {
    expect(ids((await find(document, { query: 'sells SOLAR surplus' })).result)).toEqual(['solar', 'battery'])
    expect(ids((await find(document, { query: 'hours of CAKES' })).result)).toEqual(['cake'])
    expect(ids((await find(document, { query: 'nothing here' })).result)).toEqual([])
  })

  it('finds words of a script that parts none', async () => {
    expect(ids((await find(document, { query: '電気' })).result)).toEqual(['japan'])
  })

  it('takes the paragraphs of a plain text, and their places are their ids', async () => {
    const text = 'One about bread.\n\nOne about solar power.\n\n'
    const { result } = await find({ name: 'notes.txt', text }, { query: 'solar' })
    const [start, end] = (result.hits[0]?.id ?? '').split('-').map(Number)
    expect(text.slice(start, end)).toBe('One about solar power.\n\n')
  })

  it('ranks many parts as if they were one', async () => {
    const rows = Array.from({ length: 4_000 }, (_, n) => ({
      id: `p${n}`,
      text: `${n % 7 === 0 ? 'solar ' : ''}${n % 500 === 3 ? 'turbine ' : ''}${'filler '.repeat(20 + (n % 13))}`,
    }))
    const many = await find({ name: 'many.jsonl', text: jsonl(rows) }, { query: 'solar turbine', top: 20 })
    expect(many.parts.length).toBeGreaterThan(1)
    const whole = { first: 0, passages: rows }
    const one = search.merge([{ input: whole, output: await search.run(whole, many.params, context) }])
    expect(many.result.statistics).toEqual(one.statistics)
    expect(ids(many.result)).toEqual(ids(one))
  })
})

describe('a search by vector', () => {
  const unit = (angle: number) => encodeVector(Float32Array.of(Math.cos(angle), Math.sin(angle)))
  const rows = Array.from({ length: 10 }, (_, n) => ({ id: `v${n}`, vector: unit(n / 5) }))

  it('ranks by cosine', async () => {
    const { result } = await find({ name: 'v.jsonl', text: jsonl(rows) }, { vector: unit(0.61), top: 3 })
    expect(ids(result)).toEqual(['v3', 'v4', 'v2'])
    expect(result.hits[0]?.score).toBeCloseTo(Math.cos(0.01))
  })

  it('refuses vectors of other dimensions, and a query that is no direction', async () => {
    const other = [{ id: 'x', vector: encodeVector(Float32Array.of(1, 0, 0)) }]
    const asked = find({ name: 'v.jsonl', text: jsonl(other) }, { vector: unit(0) })
    await expect(asked).rejects.toMatchObject({ code: 'TASK_BAD_INPUT' })
    expect(search.params.safeParse({ vector: encodeVector(Float32Array.of(0, 0)) }).success).toBe(false)
    expect(search.params.safeParse({ vector: encodeVector(Float32Array.of(Number.NaN, 1)) }).success).toBe(false)
  })

  it('does not look for vectors in a plain text', () => {
    const params = search.params.parse({ vector: unit(0) })
    expect(() => [...search.split({ name: 'a.txt', text: 'words' }, params)]).toThrow(/no vectors/)
  })
})

describe('the check of a stranger’s search', () => {
  async function lie(change: (output: SearchOutput) => SearchOutput, asked: Partial<SearchParams> = {}) {
    const { params, parts } = await find(document, { query: 'solar surplus', ...asked })
    const [{ input, output }] = parts as [{ input: Shard; output: SearchOutput }]
    return search.verify({ input, output: change(output) }, params)
  }
  const hits = (change: (list: SearchOutput['hits']) => SearchOutput['hits']) =>
    lie(output => ({ ...output, hits: change(output.hits) }))

  it('finds invented, repeated, reordered and overrated hits', async () => {
    expect(await hits(list => list.map(hit => ({ ...hit, id: 'cellar' })))).toMatch(/twice|no passage/)
    expect(await hits(list => [...list, ...list.slice(0, 1)])).toMatch(/twice/)
    expect(await hits(list => list.toReversed())).toMatch(/out of order/)
    expect(await hits(list => list.map(hit => ({ ...hit, score: hit.score * 2 })))).toMatch(/score/)
    expect(await hits(list => list.map(hit => ({ ...hit, counted: { length: 1, counts: [9, 9] } })))).toMatch(/terms/)
  })

  it('finds statistics that cannot be', async () => {
    const none = { passages: 4, terms: 30, frequencies: [0, 0] }
    expect(await lie(output => ({ ...output, statistics: none }))).toMatch(/score|statistics/)
    expect(await lie(({ hits: list, top }) => ({ hits: list, top }))).toMatch(/statistics/)
  })

  it('takes two answers for one when only the last digits differ', async () => {
    const { parts } = await find(document, { query: 'solar surplus' })
    const output = parts[0]?.output as SearchOutput
    const near = { ...output, hits: output.hits.map(hit => ({ ...hit, score: hit.score + 1e-9 })) }
    expect(search.agrees(output, near)).toBe(true)
    expect(search.agrees(output, { ...output, hits: output.hits.slice(1) })).toBe(false)
  })
})

describe('a bad shard', () => {
  const params = search.params.parse({ query: 'solar' })
  it.each([
    ['no JSON', 'solar panels'],
    ['no id', '{"text":"solar"}'],
    ['no text', '{"id":"a"}'],
    ['an id twice', '{"id":"a","text":"x"}\n{"id":"a","text":"y"}'],
    ['half a character', '{"id":"a","text":"\\ud800"}'],
    ['a passage that fits no message', jsonl([{ id: 'a', text: 'x'.repeat(600_000) }])],
    ['a number', '42'],
  ])('with %s is refused, and the message says where', (_, text) => {
    expect(() => [...search.split({ name: 'bad.jsonl', text }, params)]).toThrow(
      expect.objectContaining({ code: 'TASK_BAD_INPUT', message: expect.stringMatching(/line \d+|passage a/) }),
    )
  })

  it.each([
    [{}],
    [{ query: 'a', vector: 'AAAA' }],
    [{ query: '!?' }],
    [{ query: 'x', top: 0 }],
    [{ query: 'x', top: 1e6 }],
  ])('nor does it take the parameters %j', asked => expect(search.params.safeParse(asked).success).toBe(false))

  it('is not merged with a part missing', async () => {
    const { parts } = await find(document, { query: 'solar' })
    const [{ input, output }] = parts as [{ input: Shard; output: SearchOutput }]
    expect(() => search.merge([{ input: { ...input, first: 7 }, output }])).toThrow(/missing/)
  })
})
