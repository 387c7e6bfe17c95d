import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import { largest } from '../../src/domains/knowledge/search/largest.ts'
import { type Question, type Shard, search, statisticsOf } from '../../src/domains/knowledge/search/search.ts'
import { type EncodedPassage, PASSAGES_A_SECTION, sectionOf } from '../../src/domains/knowledge/search/sections.ts'
import { mergeStatistics } from '../../src/domains/knowledge/search/statistics.ts'
import { knowledgeStore } from '../../src/domains/knowledge/store.ts'
import { seededRandom } from '../../src/kernel/random.ts'
import { migrate } from '../../src/storage/schema.ts'
import { chunkText } from '../../src/text/chunker.ts'
import { indexTerms } from '../../src/text/index-terms.ts'
import { openUseLite } from '../../src/threads/use-lite/use-lite.ts'
import type { Figure, Part } from './figure.ts'
import { openScratch } from './scratch.ts'

const PASSAGES = 100_000
/** Passages that the model really embeds; the others are mixtures of two of them. */
const REAL = 700
const QUESTIONS = 40
const TOP = 10
const SECTIONS_A_COMMIT = 40
const SEED = 7

/** One question over 100,000 passages in the embedded store, against a scan of all their vectors in memory. */
export const query: Part = {
  name: 'query',
  async run() {
    const real = await realPassages()
    const random = seededRandom(SEED)
    const pick = () => real[Math.floor(random() * real.length)] as Real
    const all = Array.from({ length: PASSAGES }, () => mixed(pick(), pick(), random))
    const questions = Array.from({ length: QUESTIONS }, () => questionOf(pick(), random))
    using scratch = openScratch()
    const db = new DatabaseSync(join(scratch.folder, 'query.db'))
    try {
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
      migrate(db)
      const { shard, seconds } = await filled(db, all)
      return figuresOf(measured(shard, questions), PASSAGES / seconds)
    } finally {
      db.close()
    }
  },
}

interface Real {
  readonly text: string
  readonly vector: Float32Array
}

/** Of the READMEs of installed packages, in order of their names: present wherever this can run. */
async function realPassages(): Promise<Real[]> {
  const embedder = await openUseLite()
  const signal = new AbortController().signal
  const passages: Real[] = []
  const modules = join(import.meta.dirname, '..', '..', 'node_modules')
  for (const name of readdirSync(modules).sort()) {
    if (passages.length >= REAL) break
    const text = readable(join(modules, name, 'README.md'))
    const chunks = chunkText(text, embedder, 110).filter(({ tokens }) => tokens > 20)
    for (const { start, end } of chunks.slice(0, 12)) {
      const words = text.slice(start, end)
      const [vector] = await embedder.embed([words], signal)
      if (vector !== undefined) passages.push({ text: words, vector })
    }
  }
  return passages
}

function readable(file: string): string {
  try {
    return readFileSync(file, 'utf8').toWellFormed().replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/** Half of one passage's words and half of another's, and a vector between theirs: as near to each other as real ones are. */
function mixed(one: Real, other: Real, random: () => number): Real {
  const share = 0.5 + random() / 2
  const cut = (text: string, part: number) => text.slice(0, Math.round(text.length * part))
  const sum = one.vector.map((value, index) => share * value + (1 - share) * (other.vector[index] ?? 0))
  const length = Math.hypot(...sum)
  return { text: `${cut(one.text, share)} ${cut(other.text, 1 - share)}`, vector: sum.map(value => value / length) }
}

function questionOf({ text, vector }: Real, random: () => number): Question {
  const terms = [...new Set(indexTerms(text))]
  const noisy = vector.map(value => value + (random() - 0.5) * 0.04)
  const length = Math.hypot(...noisy)
  return { terms: terms.slice(0, 6), fingerprint: FINGERPRINT, vector: noisy.map(value => value / length) }
}

const FINGERPRINT = 'f'.repeat(64)

async function filled(db: DatabaseSync, all: readonly Real[]): Promise<{ shard: Shard; seconds: number }> {
  const { read, apply } = knowledgeStore(db)
  const document = {
    id: randomUUID(),
    collection: 'bench',
    path: '/bench',
    name: 'bench',
    title: '',
    hash: '',
    bytes: 0,
    modifiedMs: 0,
    readMs: 0,
  }
  apply({ kind: 'knowledge.access', collection: 'bench', access: { to: 'nobody' } })
  apply({ kind: 'knowledge.begun', document, fingerprint: FINGERPRINT })
  const beganMs = performance.now()
  const step = PASSAGES_A_SECTION * SECTIONS_A_COMMIT
  for (let at = 0; at < all.length; at += step) {
    const sections = inSections(all.slice(at, at + step))
    db.exec('BEGIN IMMEDIATE')
    apply({ kind: 'knowledge.filled', document: document.id, sections })
    db.exec('COMMIT')
    await eventLoopTurn()
  }
  apply({ kind: 'knowledge.whole', document: document.id })
  const seconds = (performance.now() - beganMs) / 1000
  return { shard: read.shard('bench') as Shard, seconds }
}

function inSections(passages: readonly Real[]) {
  const groups = Array.from({ length: Math.ceil(passages.length / PASSAGES_A_SECTION) }, (_, n) =>
    passages.slice(n * PASSAGES_A_SECTION, (n + 1) * PASSAGES_A_SECTION),
  )
  return groups.map(group => {
    let end = 0
    const encoded = group.map(({ text, vector }): EncodedPassage => {
      const start = end
      end += text.length
      return { start, end, vector }
    })
    return sectionOf(group.map(({ text }) => text).join(''), encoded)
  })
}

interface Measured {
  readonly bruteMs: number
  readonly meaningMs: number
  readonly wholeMs: number
  readonly recall: number
}

/** Turn about, so that both have the same machine; the median of each. */
function measured(shard: Shard, questions: readonly Question[]): Measured {
  const { matrix, passages, dimensions } = inMemory(shard)
  const times: Record<'brute' | 'meaning' | 'whole', number[]> = { brute: [], meaning: [], whole: [] }
  let found = 0
  for (const question of questions) {
    const vector = question.vector as Float32Array
    const [nearest, bruteMs] = timed(() => scanned(matrix, dimensions, vector))
    times.brute.push(bruteMs)
    const [hits, meaningMs] = timed(() => ask(shard, { ...question, terms: [] }))
    times.meaning.push(meaningMs)
    times.whole.push(timed(() => ask(shard, question))[1])
    const sections = new Set(hits.map(({ section }) => section))
    // A section is shown once, by its nearest passage.
    found += nearest.filter(index => sections.has(passages[index] as number)).length / nearest.length
  }
  return {
    bruteMs: median(times.brute),
    meaningMs: median(times.meaning),
    wholeMs: median(times.whole),
    recall: found / questions.length,
  }
}

function ask(shard: Shard, question: Question) {
  const statistics = mergeStatistics([statisticsOf(shard, question.terms)], question.terms.length)
  const { hits } = search(shard, question, statistics, TOP)
  shard.show(hits.map(({ passage }) => passage))
  return hits
}

/** What the naive way has in memory: every vector as floats, 200 MB. */
function inMemory(shard: Shard) {
  const stored = [...shard.signatures()].flatMap(({ firstPassage, sizes }) =>
    shard.vectors(Array.from(sizes, (_, slot) => firstPassage + slot)),
  )
  const dimensions = stored[0]?.values.length ?? 0
  const matrix = new Float32Array(stored.length * dimensions)
  for (const [row, { values, scale }] of stored.entries())
    matrix.set(
      Float32Array.from(values, value => value * scale),
      row * dimensions,
    )
  return { matrix, dimensions, passages: stored.map(({ section }) => section) }
}

function scanned(matrix: Float32Array, dimensions: number, vector: Float32Array): number[] {
  const closeness = new Float32Array(matrix.length / dimensions)
  for (let row = 0; row < closeness.length; row++) {
    let sum = 0
    for (let at = 0; at < dimensions; at++) sum += (vector[at] as number) * (matrix[row * dimensions + at] as number)
    closeness[row] = sum
  }
  return largest(closeness, TOP)
}

function timed<T>(work: () => T): [T, number] {
  const beganMs = performance.now()
  const made = work()
  return [made, performance.now() - beganMs]
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function figuresOf({ bruteMs, meaningMs, wholeMs, recall }: Measured, perSecond: number): Figure[] {
  const scan = `a scan of ${PASSAGES} vectors of 512 floats in memory`
  return [
    { name: 'query.bruteForceVsMeaning', value: bruteMs / meaningMs, unit: 'ratio', against: scan, atLeast: 2 },
    { name: 'query.recallAt10', value: recall, unit: 'ratio', against: `the ten nearest by ${scan}`, atLeast: 0.95 },
    { name: 'query.bruteForceMs', value: bruteMs, unit: 'ms', against: scan },
    {
      name: 'query.meaningMs',
      value: meaningMs,
      unit: 'ms',
      against: `${PASSAGES} passages in SQLite, by meaning alone`,
    },
    {
      name: 'query.wholeMs',
      value: wholeMs,
      unit: 'ms',
      against: `${PASSAGES} passages in SQLite, by words and meaning`,
    },
    { name: 'query.indexedPerSecond', value: perSecond, unit: '/s', against: 'passages with vectors into SQLite' },
  ]
}
