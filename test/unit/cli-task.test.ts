import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { paramsOf } from '../../src/cli/task/params.ts'
import { printWithResults, writeResult } from '../../src/cli/task/result.ts'
import { submitFiles } from '../../src/cli/task/submit.ts'
import { whoMayWork, wishesOf } from '../../src/cli/task/wishes.ts'
import type { Terminal } from '../../src/cli/terminal/terminal.ts'
import { daemonCommands } from '../../src/daemon/commands.ts'
import { clientOf } from '../../src/daemon/served.ts'
import { kinds } from '../../src/domains/knowledge/kinds/kinds.ts'
import { type ResultLineAnswer, tasksCommands } from '../../src/domains/tasks/commands.ts'
import { CodedError } from '../../src/kernel/errors.ts'
import { encodeVector } from '../../src/text/vectors.ts'
import { scratch } from '../support/storm.ts'
import { JOB } from '../support/whole-answers.ts'

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
    top: 5,
    query: 'a=b c',
    quoted: '5',
    flag: true,
    empty: '',
  })
  expect(() => paramsOf({ kind: 'search', param: ['top'] })).toThrow('"top" is no parameter')
})

async function* given(lines: readonly ResultLineAnswer[]) {
  yield* lines
}

const chunk = { start: 0, end: 4, tokens: 2 }
const vector = encodeVector(Float32Array.of(0.5, -1))
const chunks = [0, 1].map(index => ({ document: 'a', index, ...chunk, vector, fingerprint: 'f' }))
const summaries = ['b', 'c'].map(document => ({ document, result: { terms: [{ term: document }], sentences: [] } }))

test('a job is private unless it is said to be public, and never both', () => {
  expect(wishesOf({}, 0)).toEqual({ privacy: 'private', peers: [] })
  expect(wishesOf({ private: 'ann, ben' }, 0)).toEqual({ privacy: 'private', peers: ['ann', 'ben'] })
  expect(wishesOf({ public: true }, 0)).toEqual({ privacy: 'public' })
  expect(() => wishesOf({ public: true, private: true }, 0)).toThrow('either --public or --private')
})

test('who will work on a private job is said in a sentence', () => {
  expect(whoMayWork({ peers: [] })).toBeUndefined()
  expect(whoMayWork({ allowed: 2, peers: [] })).toBe(
    "done by this machine and 2 trusted peers; --public lets anybody's",
  )
  expect(whoMayWork({ allowed: 1, peers: ['ann'] })).toContain('and 1 named peer;')
  expect(whoMayWork({ allowed: 0, peers: [] })).toContain('this machine alone')
})

test('a result is written a line a chunk, and of kinds without chunks a line a text', async () => {
  using folder = scratch()
  const counts: number[] = []
  const written = async (lines: readonly ResultLineAnswer[]) => {
    counts.push(await writeResult('out.jsonl', given(lines), folder.path('.')))
    const said = readFileSync(folder.path('out.jsonl'), 'utf8').trimEnd()
    return said.split('\n').map(line => JSON.parse(line) as unknown)
  }
  expect(await written(chunks)).toEqual(chunks.map(one => ({ ...one, vector: [0.5, -1] })))
  expect(await written(summaries)).toEqual(
    ['b', 'c'].map(document => ({ document, terms: [{ term: document }], sentences: [] })),
  )
  expect(counts).toEqual([2, 0])
})

async function* broken() {
  yield* chunks
  throw new CodedError('TASK_UNKNOWN', 'a part of the result is gone')
}

test('a result that breaks off leaves the file as it was, nothing beside it, and says why', async () => {
  using folder = scratch()
  writeFileSync(folder.path('out.jsonl'), 'of the last time')
  const reason = { code: 'TASK_UNKNOWN', message: 'a part of the result is gone' }
  await expect(writeResult('out.jsonl', broken(), folder.path('.'))).rejects.toMatchObject(reason)
  await expect(writeResult('new.jsonl', broken(), folder.path('.'))).rejects.toMatchObject(reason)
  expect(readdirSync(folder.path('.'))).toEqual(['out.jsonl'])
  expect(readFileSync(folder.path('out.jsonl'), 'utf8')).toBe('of the last time')
})

test('a result is written to where a link leads, and into what is no file', async () => {
  using folder = scratch()
  writeFileSync(folder.path('real.jsonl'), '')
  symlinkSync(folder.path('real.jsonl'), folder.path('link.jsonl'))
  await writeResult('link.jsonl', given(chunks), folder.path('.'))
  expect(readFileSync(folder.path('real.jsonl'), 'utf8').trimEnd().split('\n')).toHaveLength(2)
  expect(await writeResult('/dev/null', given(chunks), folder.path('.'))).toBe(2)
  await expect(writeResult('none/out', given(chunks), folder.path('.'))).rejects.toMatchObject({ code: 'CLI_BAD_OUT' })
})

test.each([
  [undefined, 0, /^1 part, by/m],
  ['out.jsonl', 1, /^2 chunks in 1 part, by/m],
])('a result is asked for only to be written: with --out %s, %s times', async (file, times, summary) => {
  using folder = scratch()
  writeFileSync(folder.path('text.txt'), 'two chunks')
  const job = { ...JOB, counts: { done: 1 }, workers: [], documents: [], retried: 0, parts: [] }
  let reads = 0
  const run = {
    submit: () => job,
    progress: () => job,
    job: () => job,
    result() {
      reads++
      return given(chunks)
    },
  }
  const client = clientOf([
    { name: 'tasks', commands: tasksCommands, run },
    { name: 'daemon', commands: daemonCommands, run: { events: () => given([]) } },
  ])
  const out = new PassThrough()
  const signal = new AbortController().signal
  const terminal = { out, err: out, cwd: folder.path('.'), interrupted: () => signal } as unknown as Terminal
  const flags = { kind: 'chunk', wait: true, ...(file === undefined ? {} : { out: file }) }
  await submitFiles(['text.txt'], flags, { client, terminal })
  out.end()
  expect(await text(out)).toMatch(summary)
  expect(reads).toBe(times)
})

test('for programs a result is one JSON object, document by document', async () => {
  const printed = async (lines: readonly ResultLineAnswer[]) => {
    const out = new PassThrough()
    const said = text(out)
    await printWithResults({ out } as unknown as Terminal, { state: 'done' }, given(lines))
    out.end()
    return JSON.parse(await said) as unknown
  }
  const row = { ...chunk, vector: [0.5, -1] }
  const document = (name: string) => ({ name, result: { fingerprint: 'f', chunks: [row, row] } })
  const again = chunks.map(one => ({ ...one, document: 'd' }))
  expect(await printed([...chunks, ...again, ...summaries])).toEqual({
    state: 'done',
    results: [document('a'), document('d'), ...summaries.map(({ document: name, result }) => ({ name, result }))],
  })
  expect(await printed([])).toEqual({ state: 'done', results: [] })
})

test('a result of any size is written as it comes, and waits for who reads it', async () => {
  const out = new PassThrough()
  let [made, bytes, most] = [0, 0, 0]
  async function* many() {
    for (; made < 20_000; made++) yield { document: 'a', index: made, ...chunk, vector }
  }
  const printed = printWithResults({ out } as unknown as Terminal, {}, many()).then(() => out.end())
  for await (const piece of out as AsyncIterable<Buffer>) {
    bytes += piece.length
    most = Math.max(most, out.readableLength + out.writableLength)
  }
  await printed
  expect(bytes).toBeGreaterThan(1_000_000)
  expect(most).toBeLessThan(200_000)
})
