import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { read } from '../../src/domains/knowledge/reading/reader.ts'
import { createReaders } from '../../src/domains/knowledge/reading/readers.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { pdfOf } from '../support/knowledge-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'wattmesh-reading-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const MAX_BYTES = 100_000

function readFile(name: string, content: string | Uint8Array, hash?: string) {
  const path = join(folder, name)
  writeFileSync(path, content)
  return read({ path, name, hash, maxBytes: MAX_BYTES })
}

describe('a file that can be read', () => {
  it('is plain text as it is, in UTF-8 or UTF-16', async () => {
    expect(await readFile('a.txt', 'Grüße')).toMatchObject({ status: 'read', text: 'Grüße', title: '' })
    const wide = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('wide words', 'utf16le')])
    expect(await readFile('b.txt', wide)).toMatchObject({ status: 'read', text: 'wide words' })
  })

  it('is Markdown with its first heading as title', async () => {
    expect(await readFile('a.md', 'intro\n\n# The pump #\n\nwords')).toMatchObject({ title: 'The pump' })
  })

  it('is HTML without its markup, scripts and menus', async () => {
    const page = `<!doctype html><title>Heat &amp; pumps</title><nav>menu</nav><script>var x</script><h1>Pumps</h1><p>warm <a href="http://x">water</a></p>`
    const answer = await readFile('page', page)
    expect(answer).toMatchObject({ status: 'read', title: 'Heat & pumps' })
    expect(answer.status === 'read' ? answer.text.split(/\s+/) : []).toEqual(['Pumps', 'warm', 'water'])
  })

  it('is HTML in the encoding it names', async () => {
    const page = Buffer.from('<html><meta charset="iso-8859-1"><p>café</p>', 'latin1')
    expect(await readFile('old.html', page)).toMatchObject({ status: 'read', text: 'café' })
  })

  it('is a PDF with text', async () => {
    const answer = await readFile('a.pdf', pdfOf('Keep thirty centimetres of air'))
    expect(answer).toMatchObject({ status: 'read', text: expect.stringContaining('thirty centimetres') })
  })

  it('is only hashed when its content is what it was', async () => {
    const first = await readFile('same.txt', 'words')
    const hash = first.status === 'read' ? first.hash : ''
    expect(await readFile('same.txt', 'words', hash)).toEqual({ status: 'unchanged', hash })
    expect(await readFile('same.txt', 'other words', hash)).toMatchObject({ status: 'read' })
  })
})

describe('a file that cannot be read', () => {
  it.each([
    ['binary', Uint8Array.of(1, 2, 0, 3), 'TEXT_BINARY'],
    ['empty', '', 'TEXT_EMPTY'],
    ['white space alone', ' \n\n ', 'TEXT_EMPTY'],
    ['in a strange encoding', Uint8Array.of(0x63, 0x61, 0x66, 0xe9), 'TEXT_ENCODING'],
    ['huge', 'x'.repeat(MAX_BYTES + 1), 'TEXT_TOO_LARGE'],
    ['a broken PDF', '%PDF-1.7\nbroken', 'TEXT_PDF'],
    ['a PDF of pictures', pdfOf(''), 'TEXT_PDF'],
    ['HTML without words', '<html><img src="x"></html>', 'TEXT_EMPTY'],
  ])('is told apart when it is %s', async (name, content, code) => {
    const answer = await readFile(name.replaceAll(' ', '-'), content)
    expect(answer).toMatchObject({ status: 'unreadable', code, lasting: true })
    expect(answer.status === 'unreadable' ? answer.reason : '').toContain(name.replaceAll(' ', '-'))
  })

  it('keeps what was read of it before when only the disk refuses', async () => {
    const answer = await read({ path: join(folder, 'gone'), name: 'gone', hash: undefined, maxBytes: MAX_BYTES })
    expect(answer).toMatchObject({ status: 'unreadable', code: 'READ_FAILED', lasting: false })
  })

  it('does not overflow the stack with markup thousands deep: what is down there is left out', async () => {
    const deep = `<html><p>above</p>${'<div>'.repeat(15_000)}below`
    expect(await readFile('deep.html', deep)).toMatchObject({ status: 'read', text: 'above' })
  })
})

describe('threads that read', () => {
  it('lose a file that takes too long, and go on with the next', async () => {
    const entry = new URL('../support/slow-reader.ts', import.meta.url)
    const readers = createReaders({ entry, threads: 1, timeoutMs: 1_500, log: silentLog })
    const signal = new AbortController().signal
    const request = { name: 'file', hash: undefined, maxBytes: 1 }
    expect(await readers.read({ ...request, path: 'endless' }, signal)).toMatchObject({
      status: 'unreadable',
      reason: expect.stringContaining('longer than 1500 ms'),
    })
    expect(await readers.read({ ...request, path: 'quick' }, signal)).toMatchObject({ status: 'unchanged' })
    await readers.stop()
  })
})
