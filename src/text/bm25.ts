import { termsOf } from './terms.ts'

/** A passage as BM25 sees it. */
export interface Counted {
  /** All its terms. */
  readonly length: number
  /** Of each term of the query. */
  readonly counts: readonly number[]
}

/** What the weight of a term depends on: of all passages together, whatever a passage is. Sums of parts are those of the whole. */
export interface Corpus {
  readonly passages: number
  /** Repeated ones counted. */
  readonly terms: number
  /** Passages with each term of the query, in the query's order. */
  readonly frequencies: readonly number[]
}

/**
 * How soon a repeated term gains nothing more (k1 of the formula), where collections are ranked and where the kind
 * `search` ranks a shard. Both are released: ranks are measured with the one, and peers compare answers made with the
 * other. So each stays as it is until its version is raised.
 */
export const saturation = { collections: 1.5, shards: 1.2 } as const
/** How much a passage's length counts. */
const b = 0.75

/** What a passage that has a term `count` times and `length` terms in all gains by it. Never negative. */
export type TermWeight = (count: number, length: number) => number

/**
 * Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009), a weight for each
 * term of the query, with Lucene's inverse document frequency: ln(1 + (N − n + ½) / (n + ½)).
 * @param k1 of `saturation`
 */
export function termWeights({ passages, terms, frequencies }: Corpus, k1: number): TermWeight[] {
  const averageLength = passages === 0 ? 1 : Math.max(1, terms / passages)
  return frequencies.map(frequency => {
    const having = Math.min(frequency, passages)
    const rarity = Math.log(1 + (passages - having + 0.5) / (having + 0.5))
    return (count, length) => (rarity * count * (k1 + 1)) / (count + k1 * (1 - b + (b * length) / averageLength))
  })
}

export function bm25(weights: readonly TermWeight[], { counts, length }: Counted): number {
  return weights.reduce((sum, weight, term) => {
    const count = counts[term] ?? 0
    return count === 0 ? sum : sum + weight(count, length)
  }, 0)
}

export function countedIn(text: string, queryTerms: readonly string[]): Counted {
  const places = new Map(queryTerms.map((stem, place) => [stem, place]))
  const counts = queryTerms.map(() => 0)
  let length = 0
  for (const { stem } of termsOf(text)) {
    length += 1
    const place = places.get(stem)
    if (place !== undefined) counts[place] = (counts[place] ?? 0) + 1
  }
  return { length, counts }
}

export function corpusOf(passages: readonly Counted[]): Corpus {
  const frequencies = passages[0]?.counts.map(
    (_, term) => passages.filter(({ counts }) => (counts[term] ?? 0) > 0).length,
  )
  return {
    passages: passages.length,
    terms: passages.reduce((sum, { length }) => sum + length, 0),
    frequencies: frequencies ?? [],
  }
}
