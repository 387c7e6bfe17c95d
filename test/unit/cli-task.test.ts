import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { paramsOf } from '../../src/cli/task/params.ts'
import { chunkCount, type DocumentResult, writeResult } from '../../src/cli/task/result.ts'
import { kinds } from '../../src/tasks/kinds/kinds.ts'
import { scratch } from '../support/storm.ts'

test('a job is sent the parameters its kind takes and no others', () => {
  for (const [kind, table] of Object.entries(kinds)) {
    const param = kind === 'search' ? ['query=solar roof'] : []
    expect(table.params.safeParse(paramsOf({ kind, param })).success, kind).toBe(true)
  }
  expect(paramsOf({ kind: 'embed' })).toEqual({ maxTokens: 110 })
  expect(paramsOf({ kind: 'embed', maxTokens: 48 })).toEqual({ maxTokens: 48 })
})

test('a parameter is a number, a text, or whatever JSON says', () => {
  const param = ['top=5', 'query=a=b c', 'quoted="5"', 'flag=true', 'empty=']
  expect(paramsOf({ kind: 'search', param })).toEqual({
    ...{ top: 5, query: 'a=b c', quoted: '5', flag: true, empty: '' },
  })
  expect(() => paramsOf({ kind: 'search', param: ['top'] })).toThrow('"top" is no parameter')
})

test('a result is written a line a chunk, and of kinds without chunks a line a text', async () => {
  using folder = scratch()
  const lines = async (results: Parameters<typeof writeResult>[1]) => {
    await writeResult('out.jsonl', results, folder.path('.'))
    const text = readFileSync(folder.path('out.jsonl'), 'utf8').trimEnd()
    return text.split('\n').map(line => JSON.parse(line) as unknown)
  }
  const chunk = { start: 0, end: 4, tokens: 2 }
  const chunked = [{ name: 'a', result: { fingerprint: 'f', chunks: [chunk, chunk] } }]
  expect(await lines(chunked)).toEqual([0, 1].map(index => ({ document: 'a', index, ...chunk, fingerprint: 'f' })))
  const summaries: readonly DocumentResult[] = ['a', 'b'].map(name => ({
    name,
    result: { terms: [{ term: name }], sentences: [] } as object,
  }))
  expect(await lines(summaries)).toEqual(
    ['a', 'b'].map(document => ({ document, terms: [{ term: document }], sentences: [] })),
  )
  expect([chunkCount(chunked), chunkCount(summaries)]).toEqual([2, undefined])
})
