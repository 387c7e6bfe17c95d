import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { KnowledgeFact } from '../../src/domains/knowledge/collection.ts'
import type { Encode, EncodeDocument } from '../../src/domains/knowledge/encode.ts'
import { createIngest, type Ingest } from '../../src/domains/knowledge/ingest/ingest.ts'
import type { IngestJob } from '../../src/domains/knowledge/ingest/job.ts'
import { createSweep } from '../../src/domains/knowledge/ingest/sweep.ts'
import { read } from '../../src/domains/knowledge/reading/reader.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { outcome } from '../../src/kernel/outcome.ts'
import { pdfOf } from '../support/knowledge-files.ts'
import { fakeEncode, here, openShelf } from '../support/knowledge-shelf.ts'
import { eventually } from '../support/network-hosts.ts'

let folder = ''
let shelf: ReturnType<typeof openShelf>

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wattmesh-ingest-'))
  shelf = openShelf()
})
afterEach(() => {
  shelf.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Long ago, so that the time alone tells that nothing has changed. */
function write(name: string, content: string | Uint8Array, at = new Date('2020-01-01')): void {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  utimesSync(path, at, at)
}

function open(encode: EncodeDocument = here(fakeEncode()), now: () => number = Date.now, reader: typeof read = read) {
  const reads: string[] = []
  const { store, commit } = shelf
  const sweep = createSweep({ store, commit })
  const ingest = createIngest({
    store,
    commit,
    sweep,
    encode,
    width: () => 2,
    log: silentLog,
    maxFileBytes: 100_000,
    newId: randomUUID,
    accessChanged: () => undefined,
    now,
    read: request => {
      reads.push(request.name)
      return reader(request)
    },
  })
  return { ingest, reads, sweep }
}

async function ended(ingest: Ingest, id: string): Promise<IngestJob> {
  await eventually('the reading has ended', () => ingest.job(id)?.finishedMs !== undefined)
  return ingest.job(id) as IngestJob
}

async function take(ingest: Ingest, collection = 'papers'): Promise<IngestJob> {
  return await ended(ingest, ingest.begin({ paths: [folder], collection }).id)
}

function textsOf(collection: string): string[] {
  const shard = shelf.store.shard(collection)
  const passages = [...(shard?.signatures() ?? [])].flatMap(({ firstPassage, sizes }) =>
    Array.from(sizes, (_, slot) => firstPassage + slot),
  )
  return (shard?.show(passages) ?? []).map(({ text }) => text.trim()).sort()
}

describe('reading a folder', () => {
  it('takes its files in, and leaves out hidden ones, node_modules, and what is behind links', async () => {
    write('a.txt', 'the heat pump\n\nthe solar roof')
    write('deep/down/b.md', '# Grid\n\nmeters')
    for (const skipped of ['.hidden', '.git/config', 'node_modules/x/README.md']) write(skipped, 'words')
    symlinkSync('/etc', join(folder, 'link'))
    const job = await take(open().ingest)
    expect(job).toMatchObject({ state: 'done', files: 2, done: 2, added: 2, skipped: 0, passages: 4 })
    expect(textsOf('papers')).toEqual(['# Grid', 'meters', 'the heat pump', 'the solar roof'])
    const [, second] = shelf.store.documents('papers', '', 9)
    expect(second).toMatchObject({ title: 'Grid', name: join(folder.split('/').at(-1) ?? '', 'deep/down/b.md') })
  })

  it('says of each file that is no text why it was left out, and goes on', async () => {
    write('good.txt', 'words')
    write('film.bin', Uint8Array.of(0, 1, 2))
    write('empty.txt', '')
    write('huge.txt', 'x'.repeat(100_001))
    write('latin.txt', Uint8Array.of(0x63, 0xe9, 0x66))
    write('symbols.txt', '+++ --- ***')
    const job = await take(open().ingest)
    expect(job).toMatchObject({ state: 'done', added: 1, skipped: 5 })
    const reasons = job.reasons.map(({ path, code }) => [path.split('/').at(-1) ?? '', code] as const)
    expect(reasons.toSorted(([a], [b]) => a.localeCompare(b))).toEqual([
      ['empty.txt', 'TEXT_EMPTY'],
      ['film.bin', 'TEXT_BINARY'],
      ['huge.txt', 'TEXT_TOO_LARGE'],
      ['latin.txt', 'TEXT_ENCODING'],
      ['symbols.txt', 'TEXT_EMPTY'],
    ])
  })

  it('reads nothing again that has not changed, replaces what has, and forgets what is gone', async () => {
    write('same.txt', 'the same words')
    write('old.txt', 'old words')
    write('gone.txt', 'gone words')
    const { ingest, reads } = open()
    await take(ingest)
    reads.length = 0
    write('old.txt', 'new words', new Date('2021-01-01'))
    rmSync(join(folder, 'gone.txt'))
    expect(await take(ingest)).toMatchObject({ added: 0, changed: 1, unchanged: 1, removed: 1 })
    expect(reads.map(name => name.split('/').at(-1))).toEqual(['old.txt'])
    expect(textsOf('papers')).toEqual(['new words', 'the same words'])
    expect(shelf.store.shard('papers')?.frequency('gone')).toBe(0)
  })

  it('looks once at the content of a file that was only touched, and embeds nothing', async () => {
    write('a.txt', 'words')
    const { ingest, reads } = open()
    await take(ingest)
    reads.length = 0
    write('a.txt', 'words', new Date('2022-01-01'))
    for (const _ of ['touched', 'as it was'])
      expect(await take(ingest)).toMatchObject({ unchanged: 1, changed: 0, passages: 0 })
    expect(reads).toHaveLength(1)
  })

  it('looks a second time at a file read within two seconds of its change, and not a third', async () => {
    const changed = Date.parse('2022-01-01')
    let now = changed + 1_000
    write('a.txt', 'words', new Date(changed))
    const { ingest, reads } = open(here(fakeEncode()), () => now)
    await take(ingest)
    now += 60_000
    for (const _ of ['second', 'third']) expect(await take(ingest)).toMatchObject({ unchanged: 1 })
    expect(reads).toHaveLength(2)
  })

  it('does not read a scan again that has no words, says so each time, and looks again when it has changed', async () => {
    write('scan.pdf', pdfOf(''))
    write('symbols.txt', '+++ --- ***')
    const { ingest, reads } = open()
    const [first, second] = [await take(ingest), await take(ingest)]
    expect(second.reasons).toEqual(first.reasons)
    expect(second).toMatchObject({ skipped: 2, unchanged: 0 })
    expect(reads).toHaveLength(2)
    write('scan.pdf', pdfOf('heat pump'), new Date('2022-01-01'))
    expect(await take(ingest)).toMatchObject({ added: 1, skipped: 1 })
    expect(textsOf('papers')).toEqual(['heat pump'])
  })

  it('tries a file again that the disk did not give', async () => {
    write('a.txt', 'words')
    let broken = true
    const { ingest } = open(here(fakeEncode()), Date.now, request => {
      if (!broken) return read(request)
      broken = false
      return Promise.resolve({ status: 'unreadable', code: 'READ_FAILED', reason: 'a thread died', lasting: true })
    })
    expect(await take(ingest)).toMatchObject({ skipped: 1 })
    expect(await take(ingest)).toMatchObject({ added: 1 })
  })

  it('forgets a document that is no longer text', async () => {
    write('a.txt', 'words')
    const { ingest } = open()
    await take(ingest)
    write('a.txt', Uint8Array.of(0, 0), new Date('2022-01-01'))
    expect(await take(ingest)).toMatchObject({ removed: 1, skipped: 1 })
    expect(textsOf('papers')).toEqual([])
  })

  it('keeps what lies elsewhere when one folder is read again', async () => {
    write('one/a.txt', 'first')
    write('two/b.txt', 'second')
    const { ingest } = open()
    await take(ingest)
    rmSync(join(folder, 'two/b.txt'))
    await ended(ingest, ingest.begin({ paths: [join(folder, 'one')], collection: 'papers' }).id)
    expect(textsOf('papers')).toEqual(['first', 'second'])
  })

  it('fails with the path that does not exist, and removes nothing', async () => {
    write('a.txt', 'words')
    const { ingest } = open()
    await take(ingest)
    const paths = [join(folder, 'missing')]
    const job = await ended(ingest, ingest.begin({ paths, collection: 'papers' }).id)
    expect(job).toMatchObject({ state: 'failed', reason: expect.stringContaining('missing') })
    expect(textsOf('papers')).toEqual(['words'])
  })
})

describe('a collection', () => {
  it('is private when it is new, and keeps its access when more is added', async () => {
    write('a.txt', 'words')
    const { ingest } = open()
    await ended(ingest, ingest.begin({ paths: [folder], collection: 'open', access: { to: 'everybody' } }).id)
    await take(ingest, 'open')
    await take(ingest, 'closed')
    expect(shelf.store.collections().map(({ name, access }) => [name, access.to])).toEqual([
      ['closed', 'nobody'],
      ['open', 'everybody'],
    ])
  })

  it('tells how many passages each peer has encoded, and to whom a document may go', async () => {
    write('a.txt', 'one\n\ntwo\n\nthree\n\nfour')
    write('b.txt', 'five')
    const told: unknown[] = []
    const [ann, ben] = ['ann', 'ben'] as unknown as [PeerId, PeerId]
    const by = [ann, undefined, ben, ann]
    const { ingest } = open(async function* ({ name, text, access }, signal) {
      told.push([name.split('/').at(-1), access()])
      let n = 0
      for await (const piece of fakeEncode()(text, signal)) {
        const peer = by[n++]
        yield peer === undefined || text === 'five' ? piece : { ...piece, by: peer }
      }
    })
    const access = { to: 'peers', peers: [ann, ben] } as const
    const job = await ended(ingest, ingest.begin({ paths: [folder], collection: 'papers', access }).id)
    expect(job).toMatchObject({ state: 'done', passages: 5 })
    expect(job.byPeers.toSorted((a, b) => a.passages - b.passages)).toEqual([
      { peer: 'ben', passages: 1 },
      { peer: 'ann', passages: 2 },
    ])
    // Files are read side by side: whichever is read first is told first.
    expect(new Set(told)).toEqual(new Set(['a.txt', 'b.txt'].map(name => [name, access])))
  })

  it('never mixes the vectors of two models', async () => {
    write('a.txt', 'words')
    await take(open().ingest)
    write('b.txt', 'more words')
    const job = await take(open(here(fakeEncode('b'.repeat(64)))).ingest)
    expect(job).toMatchObject({ state: 'failed', reason: expect.stringContaining('another model') })
    expect(textsOf('papers')).toEqual(['words'])
  })

  it.each(['', '../up', '-x', 'a'.repeat(65)])('is not called "%s"', name => {
    expect(() => open().ingest.begin({ paths: [folder], collection: name })).toThrow('no name for a collection')
  })
})

describe('reading that is interrupted', () => {
  it('leaves nothing of a document that was half written, and goes on when asked again', async () => {
    write('a.txt', 'first words')
    write('b.txt', Array.from({ length: 40 }, (_, n) => `passage ${n} of the second`).join('\n\n'))
    const stuck = Promise.withResolvers<void>()
    const halfway: Encode = async function* (text, signal) {
      let count = 0
      for await (const encoded of fakeEncode()(text, signal)) {
        yield encoded
        if (++count < 20) continue
        stuck.resolve()
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      }
    }
    const { ingest } = open(here(halfway))
    const { id } = ingest.begin({ paths: [folder], collection: 'papers' })
    await stuck.promise
    expect(shelf.rows()['passages']).toBeGreaterThan(1)
    expect(textsOf('papers').filter(text => text.includes('second'))).toEqual([])
    ingest.cancel(id)
    expect(await ended(ingest, id)).toMatchObject({ state: 'cancelled' })
    expect(textsOf('papers')).toEqual(['first words'])
    expect(await take(open().ingest)).toMatchObject({ state: 'done', added: 1, unchanged: 1 })
    expect(textsOf('papers')).toHaveLength(41)
  })

  it('by a kill is swept at the next start, to the last row', async () => {
    const text = Array.from({ length: 90 }, (_, n) => `passage ${n}`).join('\n\n')
    await shelf.put('papers', 'whole', text)
    const [document] = shelf.store.documents('papers', '', 1)
    const half: KnowledgeFact = { kind: 'knowledge.dropped', document: document?.id ?? '' }
    await shelf.commit(() => outcome([half]))
    const sweep = createSweep({ store: shelf.store, commit: shelf.commit })
    await sweep.mark()
    await sweep.now()
    expect(shelf.rows()).toEqual({
      collections: 1,
      documents: 0,
      sections: 0,
      passages: 0,
      vectors: 0,
      signatures: 0,
      postings: 0,
    })
    expect(shelf.store.shard('papers')?.size()).toEqual({ sections: 0, passages: 0, terms: 0 })
  })
})
