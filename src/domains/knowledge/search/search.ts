import { bm25 } from '../../../text/bm25.ts'
import { indexTerms } from '../../../text/index-terms.ts'
import { largest } from './largest.ts'
import { contenders, type Evidence, type Extremes } from './ranking.ts'
import { type Statistics, sectionWeights } from './statistics.ts'
import { createGuess, dotPacked, NOBODY, type PackedVector } from './vectors.ts'

/** Where a term occurs: three columns of one table. */
export interface Postings {
  readonly sections: Uint32Array
  readonly counts: Uint8Array
  /** Terms of the section in all. */
  readonly lengths: Uint16Array
}

/**
 * Signatures of passages with numbers that follow each other, as many in every block; a size of 0 stands for a number
 * without a passage.
 */
export interface SignatureBlock {
  readonly firstPassage: number
  readonly bits: Uint8Array
  readonly sizes: Float32Array
}

export interface StoredVector extends PackedVector {
  readonly passage: number
  readonly section: number
}

/** A passage as people see it. */
export interface ShownPassage {
  readonly passage: number
  readonly section: number
  /** The document's path here, for its owner's eyes. */
  readonly path: string
  /** The document's name within what was ingested. */
  readonly name: string
  readonly title: string
  readonly start: number
  readonly end: number
  readonly text: string
}

/** One collection, as search reads it. Nothing is awaited: a reader sees one state. */
export interface Shard {
  readonly collection: string
  /** Of the model that made the vectors; undefined while there are none. */
  readonly fingerprint: string | undefined
  size(): { readonly sections: number; readonly terms: number; readonly passages: number }
  /** In how many sections a term occurs. */
  frequency(term: string): number
  /** Sections in rising order. */
  postings(term: string): Postings
  signatures(): Iterable<SignatureBlock>
  /** Those of them that exist. */
  vectors(passages: readonly number[]): StoredVector[]
  vectorsOf(sections: readonly number[]): StoredVector[]
  /** Those that belong to whole documents: one that is being read or removed is not shown. */
  show(passages: readonly number[]): ShownPassage[]
}

export interface Question {
  /** Each once. */
  readonly terms: readonly string[]
  /** Of length 1. */
  readonly vector: Float32Array | undefined
  readonly fingerprint: string | undefined
}

export interface Hit extends Evidence {
  readonly section: number
  readonly passage: number
  /** How often each term of the question occurs in the section. */
  readonly counts: readonly number[]
  readonly length: number
}

export interface Found {
  readonly hits: readonly Hit[]
  /** Of the closeness over all passages of the shard; undefined when it has no vectors of the question's model. */
  readonly extremes: Extremes | undefined
}

/** Sections looked at for their words, passages for their meaning, and passages for the least closeness. */
const [WORDS_KEPT, MEANING_KEPT, FAR_KEPT] = [128, 384, 16]
/** So many are compared one by one: guessing first would not be faster. */
const SMALL = 1_024

export function statisticsOf(shard: Shard, terms: readonly string[]): Statistics {
  const { sections, terms: length } = shard.size()
  return { sections, terms: length, frequencies: terms.map(term => shard.frequency(term)) }
}

/**
 * Everything of a shard that can be among the best `count` once it is ranked with the finds of other shards.
 * @param statistics of all shards that are asked together
 */
export function search(shard: Shard, question: Question, statistics: Statistics, count: number): Found {
  const words = byWords(shard, question.terms, statistics)
  const meaning = byMeaning(shard, question, [...words.best])
  const sections = new Set([...words.best, ...(meaning?.best.keys() ?? [])])
  const hits = [...sections].map((section): Hit => {
    const best = meaning?.best.get(section)
    return { section, passage: best?.passage ?? -1, closeness: best?.closeness, ...words.evidence(section) }
  })
  return {
    hits: contenders(hits, count).map(hit => withPassage(shard, hit, question.terms)),
    extremes: meaning?.extremes,
  }
}

function byWords(shard: Shard, terms: readonly string[], statistics: Statistics) {
  const weights = sectionWeights(statistics)
  const postings = terms.map(term => shard.postings(term))
  // Both ends of each list are its least and greatest section.
  const first = Math.min(...postings.map(({ sections }) => sections[0] ?? Number.POSITIVE_INFINITY))
  const last = Math.max(...postings.map(({ sections }) => sections.at(-1) ?? -1))
  const scores = new Float64Array(Math.max(0, last - first + 1))
  for (const [term, { sections, counts, lengths }] of postings.entries()) {
    const weight = weights[term]
    for (let i = 0; weight !== undefined && i < sections.length; i++) {
      const place = (sections[i] as number) - first
      scores[place] = (scores[place] as number) + weight(counts[i] as number, lengths[i] as number)
    }
  }
  const best = largest(scores, WORDS_KEPT).filter(place => (scores[place] as number) > 0)

  /** Found by halving: sections are numbered in the order they were written. */
  function evidence(section: number): Pick<Hit, 'bm25' | 'counts' | 'length'> {
    const rows = postings.map(({ sections }) => placeOf(sections, section))
    const counts = rows.map((row, term) => (row === -1 ? 0 : (postings[term]?.counts[row] ?? 0)))
    const seen = rows.findIndex(row => row !== -1)
    const length = seen === -1 ? 0 : (postings[seen]?.lengths[rows[seen] ?? -1] ?? 0)
    return { counts, length, bm25: bm25(weights, { counts, length }) }
  }
  return { best: new Set(best.map(place => first + place)), evidence }
}

function placeOf(sorted: Uint32Array, value: number): number {
  let [low, high] = [0, sorted.length - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    const found = sorted[middle] as number
    if (found === value) return middle
    if (found < value) low = middle + 1
    else high = middle - 1
  }
  return -1
}

interface Nearest {
  readonly passage: number
  readonly closeness: number
}

/** @param also sections whose closeness is wanted in any case */
function byMeaning(shard: Shard, { vector, fingerprint }: Question, also: readonly number[]) {
  if (vector === undefined || fingerprint === undefined || fingerprint !== shard.fingerprint) return undefined
  const scanned = candidates(shard, vector)
  if (scanned === undefined) return undefined
  const best = new Map<number, Nearest>()
  const extremes = { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY }
  const look = (stored: readonly StoredVector[], keep: boolean) => {
    for (const one of stored) {
      if (one.values.length !== vector.length) continue
      const closeness = dotPacked(vector, one)
      extremes.min = Math.min(extremes.min, closeness)
      extremes.max = Math.max(extremes.max, closeness)
      if (keep && closeness > (best.get(one.section)?.closeness ?? Number.NEGATIVE_INFINITY))
        best.set(one.section, { passage: one.passage, closeness })
    }
  }
  look(shard.vectors(scanned.near), true)
  look(shard.vectors(scanned.far), false)
  look(shard.vectorsOf(also), true)
  return best.size === 0 ? undefined : { best, extremes }
}

/** The passages that guessing says are nearest, and some that are farthest; undefined: vectors of another length. */
function candidates(shard: Shard, vector: Float32Array): { near: number[]; far: number[] } | undefined {
  const blocks = [...shard.signatures()]
  if (shard.size().passages <= SMALL) return { near: blocks.flatMap(passagesIn), far: [] }
  const guess = createGuess(vector)
  const slots = blocks[0]?.sizes.length ?? 0
  const near = new Float32Array(blocks.length * slots)
  for (const [number, { bits, sizes }] of blocks.entries()) {
    if (bits.length !== sizes.length * guess.width) return undefined
    guess.fill(near.subarray(number * slots, (number + 1) * slots), bits, sizes)
  }
  const far = near.map(value => (value === NOBODY ? NOBODY : -value))
  const passagesAt = (places: readonly number[], of: Float32Array) =>
    places
      .filter(place => of[place] !== NOBODY)
      .map(place => (blocks[Math.floor(place / slots)]?.firstPassage ?? 0) + (place % slots))
  return { near: passagesAt(largest(near, MEANING_KEPT), near), far: passagesAt(largest(far, FAR_KEPT), far) }
}

function passagesIn({ firstPassage, sizes }: SignatureBlock): number[] {
  return Array.from(sizes, (size, slot) => (size === 0 ? [] : [firstPassage + slot])).flat()
}

/** Without vectors the passage to show is the one with most of the question's words. */
function withPassage(shard: Shard, hit: Hit, terms: readonly string[]): Hit {
  if (hit.passage !== -1) return hit
  const wanted = new Set(terms)
  let best = { passage: -1, count: -1 }
  for (const { passage, text } of shard.show(shard.vectorsOf([hit.section]).map(one => one.passage))) {
    const count = new Set(indexTerms(text).filter(term => wanted.has(term))).size
    if (count > best.count) best = { passage, count }
  }
  return { ...hit, passage: best.passage }
}
