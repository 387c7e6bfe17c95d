import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Answered } from '../../src/domains/knowledge/asking/answered.ts'
import type { IngestJob } from '../../src/domains/knowledge/ingest/job.ts'
import { type CliBench, type CliDaemon, cliBench } from '../support/cli-daemons.ts'
import { pdfOf } from '../support/knowledge-files.ts'

/** Words that nobody else would write, to be looked for on a disk. */
const PUMP = 'The quicksilver heat pump in the cellar hums at forty-one decibels.'
const ROOF = 'Twelve marmalade coloured panels lie on the southern roof.'
const GRID = 'The grid operator reads the vermilion meter in November.'

async function homeWith(bench: CliBench, name: string, file: string, content: string | Uint8Array): Promise<CliDaemon> {
  const home = bench.home(name)
  await bench.run(home, ['init'])
  const folder = join(bench.folder, `${name}-papers`)
  mkdirSync(folder)
  writeFileSync(join(folder, file), content)
  return await bench.start(home, ['--name', name, '--set', 'network.dht=off'])
}

async function json<T>(bench: CliBench, { home }: CliDaemon, ...args: string[]): Promise<T> {
  const { code, out, err } = await bench.run(home, [...args, '--json'])
  if (code !== 0) throw new Error(`wattmesh ${args.join(' ')}: ${err}`)
  return JSON.parse(out) as T
}

const textsOf = ({ passages }: Answered): string[] => passages.map(({ text }) => text.trim())

/** Asks until the answer is as wanted: adverts take a moment. */
async function askedUntil(ask: () => Promise<Answered>, wanted: (answered: Answered) => boolean): Promise<Answered> {
  for (;;) {
    const answered = await ask()
    if (wanted(answered)) return answered
  }
}

/** Whether any file of a home has these words: the database keeps text as it is. */
function isOnDisk(home: string, words: string): boolean {
  return readdirSync(home, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .some(({ parentPath, name }) => readFileSync(join(parentPath, name)).includes(words))
}

describe('three households with a collection each', () => {
  it('find in one answer what only another holds, while it is shared, and keep nothing of it', async () => {
    await using bench = cliBench()
    const ann = await homeWith(bench, 'ann', 'grid.txt', GRID)
    const ben = await homeWith(bench, 'ben', 'pump.md', `# Pump\n\n${PUMP}\n`)
    const cem = await homeWith(bench, 'cem', 'roof.pdf', pdfOf(ROOF))
    for (const other of [ben, cem]) await bench.run(ann.home, ['peers', 'connect', other.address])
    const papers = (name: string) => join(bench.folder, `${name}-papers`)
    await json(bench, ann, 'ingest', papers('ann'))
    await json(bench, ben, 'ingest', papers('ben'), '--public')
    const job = await json<IngestJob>(bench, cem, 'ingest', papers('cem'), '--share', ann.peerId)
    expect(job).toMatchObject({ state: 'done', added: 1, passages: 1 })

    const ask = (question: string, ...more: string[]) => json<Answered>(bench, ann, 'ask', question, ...more)
    const pump = await askedUntil(
      () => ask('how loud is the heat pump'),
      answered => answered.passages[0]?.peer === ben.peerId,
    )
    expect(textsOf(pump)[0]).toContain(PUMP)
    expect(pump.passages[0]).toMatchObject({ title: 'Pump', name: 'ben-papers/pump.md' })
    const roof = await askedUntil(
      () => ask('colour of the panels on the roof'),
      answered => answered.passages[0]?.peer === cem.peerId,
    )
    expect(textsOf(roof)[0]).toBe(ROOF)
    // Its own it finds too, and without asking anybody.
    expect(textsOf(await ask('who reads the meter', '--local'))).toEqual([GRID])

    // Cem's list has Ann alone, Ann's has nobody.
    const bens = await json<Answered>(
      bench,
      ben,
      'ask',
      'panels on the roof, meter of the grid operator',
      '--top',
      '20',
    )
    expect(textsOf(bens).some(text => text === ROOF || text === GRID)).toBe(false)

    await bench.run(ben.home, ['collections', 'unshare', 'documents'])
    expect(textsOf(await ask('how loud is the heat pump')).join()).not.toContain(PUMP)

    expect(isOnDisk(ann.home, GRID)).toBe(true)
    for (const words of [PUMP, ROOF]) expect(isOnDisk(ann.home, words)).toBe(false)
    expect(isOnDisk(ben.home, 'how loud is the heat pump')).toBe(false)
  }, 120_000)

  it('read again only what has changed, and forget a collection that is removed', async () => {
    await using bench = cliBench()
    const ann = await homeWith(bench, 'ann', 'grid.txt', GRID)
    const papers = join(bench.folder, 'ann-papers')
    const first = await bench.run(ann.home, ['ingest', papers, '--collection', 'grid'])
    expect(first.out).toContain('grid: 1 new, 1 passages')
    writeFileSync(join(papers, 'film.bin'), Uint8Array.of(0, 1, 2))
    const second = await bench.run(ann.home, ['ingest', papers, '--collection', 'grid'])
    expect(second.out).toContain('film.bin is not a text file')
    expect(second.out).toContain('grid: 1 unchanged, 1 skipped, 0 passages')
    expect((await bench.run(ann.home, ['collections'])).out).toMatch(/grid +1 +1 +1 kB +private/)
    // Killed and started again, it is all there.
    await ann.end('SIGKILL')
    const again = await bench.start(ann.home)
    expect(textsOf(await json<Answered>(bench, again, 'ask', 'vermilion'))).toEqual([GRID])
    await bench.run(ann.home, ['collections', 'remove', 'grid'])
    expect((await bench.run(ann.home, ['collections'])).out).toContain('No collections yet')
    const missing = await bench.run(ann.home, ['ingest', join(papers, 'nowhere')])
    expect(missing.code).toBe(1)
    expect(missing.err).toContain('nowhere cannot be read')
  }, 120_000)
})
