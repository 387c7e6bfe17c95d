import { expect, test } from 'vitest'
import type { KindTable } from '../../src/daemon/kind.ts'
import { chunk } from '../../src/domains/knowledge/kinds/chunk.ts'
import { embed } from '../../src/domains/knowledge/kinds/embed.ts'
import { pipeline } from '../../src/domains/knowledge/kinds/pipeline.ts'
import { type MergeDeps, resultLines } from '../../src/domains/tasks/merge.ts'
import type { Job } from '../../src/domains/tasks/task.ts'
import type { TaskId } from '../../src/kernel/ids.ts'
import { decodeVector, encodeVector } from '../../src/text/vectors.ts'
import { shout } from '../support/two-desks.ts'

const kinds = { chunk, embed, pipeline, shout } as unknown as KindTable
const vector = encodeVector(Float32Array.of(0.6, 0.8))
const fingerprint = 'f'.repeat(64)

/** A finished job of documents of so many parts, each a word of five letters and its space. */
function job(kind: string, parts: readonly number[], outputOf: (index: number) => unknown, state = 'done') {
  const read: string[] = []
  const total = parts.reduce((sum, count) => sum + count, 0)
  const before = (document: number) => parts.slice(0, document).reduce((sum, count) => sum + count, 0)
  const gone = new Set<string>()
  const known = { id: 'job', kind, state, total } as Job
  const textOf = (value: unknown) => JSON.stringify([value])
  const deps: MergeDeps = {
    kinds,
    store: {
      job: id => (id === 'job' ? known : undefined),
      documents: () => parts.map((count, i) => ({ name: `d${i}`, characters: 6 * count })),
      tasksOfDocument: (_, document) =>
        Array.from({ length: parts[document] ?? 0 }, (__, i) => ({
          id: `${i}` as TaskId,
          index: before(document) + i,
          acceptedEpoch: 1,
        })).filter(({ index }) => !gone.has(`${index}`)),
      input: id => textOf(kind === 'shout' ? 'hello' : { text: 'hello ', offset: 6 * Number(id) }),
      output(id) {
        read.push(id)
        return textOf(outputOf(Number(id)))
      },
    },
    merge: async (_, texts) => JSON.stringify({ parts: texts.length }),
  }
  return { deps, read, gone }
}

async function linesOf(deps: MergeDeps): Promise<unknown[]> {
  let text = ''
  for await (const piece of resultLines('job', deps)) text += piece
  return text
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line) as unknown)
}

test('a list of chunks is told a line each, counted and placed in its document', async () => {
  const { deps } = job('chunk', [2, 1], () => ({ chunks: [{ start: 0, end: 6, tokens: 1 }], digest: '' }))
  expect(await linesOf(deps)).toEqual([
    { document: 'd0', index: 0, start: 0, end: 6, tokens: 1 },
    { document: 'd0', index: 1, start: 6, end: 12, tokens: 1 },
    { document: 'd1', index: 0, start: 0, end: 6, tokens: 1 },
  ])
})

test('a vector is told as it was sent, and which model made it', async () => {
  const one = { start: 0, end: 6, tokens: 1, vector }
  const { deps } = job('embed', [2], () => ({ fingerprint, chunks: [one] }))
  expect(await linesOf(deps)).toEqual(
    [0, 1].map(index => ({ document: 'd0', index, ...one, start: 6 * index, end: 6 * index + 6, fingerprint })),
  )
  expect([...decodeVector(vector)]).toEqual([...Float32Array.of(0.6, 0.8)])
  const row = { ...one, hash: 'h', terms: [['hello', 1]] }
  const piped = job('pipeline', [1], () => ({ fingerprint, chunks: [row] }))
  expect(await linesOf(piped.deps)).toEqual([{ document: 'd0', index: 0, ...row, fingerprint }])
})

test('what a kind merges is told a line a text, and a kind that is gone is merged by nobody else', async () => {
  const { deps } = job('shout', [3, 0], () => 'HELLO')
  expect(await linesOf(deps)).toEqual([
    { document: 'd0', result: { parts: 3 } },
    { document: 'd1', result: { parts: 0 } },
  ])
})

test('a part is read when its turn comes: a result of gigabytes takes the memory of one part', async () => {
  // 700 MB of lines: more than one string can be.
  const big = Array.from({ length: 250 }, (_, i) => ({
    start: i,
    end: i + 1,
    tokens: 1,
    vector: 'A'.repeat(2_800),
  }))
  const { deps, read } = job('embed', [1_000], () => ({ fingerprint, chunks: big }))
  let bytes = 0
  let pieces = 0
  const beforeMb = process.memoryUsage().rss / 2 ** 20
  let mostMb = 0
  for await (const piece of resultLines('job', deps)) {
    bytes += piece.length
    expect(read).toHaveLength(++pieces)
    mostMb = Math.max(mostMb, process.memoryUsage().rss / 2 ** 20 - beforeMb)
  }
  expect(bytes).toBeGreaterThan(700_000_000)
  expect(mostMb).toBeLessThan(400)
}, 60_000)

test.each(['chunk', 'shout'])('of a result that is taken off the disk (%s), what is missing is said', async kind => {
  const output = () => ({ chunks: [{ start: 0, end: 6, tokens: 1 }], digest: '' })
  const incomplete = { code: 'TASK_PARTS_INCOMPLETE' }
  for (const lost of [[0], [1], [2], [0, 1, 2, 3], [3]]) {
    const { deps, gone } = job(kind, [2, 2], output)
    for (const index of lost) gone.add(`${index}`)
    await expect(linesOf(deps)).rejects.toMatchObject({ ...incomplete, details: { found: lost[0], total: 4 } })
  }
  const { deps, gone } = job(kind, [2, 2], output)
  const lines = resultLines('job', deps)
  expect((await lines.next()).done).toBe(false)
  for (const index of ['2', '3']) gone.add(index)
  const rest = async () => {
    while (!(await lines.next()).done);
  }
  await expect(rest()).rejects.toMatchObject(incomplete)
  const nameless = job(kind, [2], output)
  await expect(
    linesOf({ ...nameless.deps, store: { ...nameless.deps.store, documents: () => [] } }),
  ).rejects.toMatchObject(incomplete)
})

test('a job that is not done has no result, and one that is not there neither', () => {
  const { deps } = job('chunk', [1], () => ({}), 'running')
  expect(() => resultLines('job', deps)).toThrow(expect.objectContaining({ code: 'TASK_NOT_DONE' }))
  expect(() => resultLines('other', deps)).toThrow(expect.objectContaining({ code: 'TASK_UNKNOWN' }))
})
