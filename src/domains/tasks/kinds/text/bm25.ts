import { termsOf } from './terms.ts'

/** A passage as BM25 sees it. */
export interface Counted {
  /** All its terms. */
  readonly length: number
  /** Of each term of the query. */
  readonly counts: readonly number[]
}

/** What the weight of a term depends on; sums of shards' are those of the whole. */
export interface Statistics {
  readonly passages: number
  /** Of all passages together. */
  readonly terms: number
  /** Passages with each term of the query. */
  readonly frequencies: readonly number[]
}

/** Saturation of repeated terms, and how much length counts: the usual values. */
const [k1, b] = [1.2, 0.75]

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

export function statisticsOf(passages: readonly Counted[]): Statistics {
  const frequencies = passages[0]?.counts.map(
    (_, term) => passages.filter(({ counts }) => (counts[term] ?? 0) > 0).length,
  )
  return {
    passages: passages.length,
    terms: passages.reduce((sum, { length }) => sum + length, 0),
    frequencies: frequencies ?? [],
  }
}

/** Okapi BM25 (Robertson and Zaragoza 2009) with the idf that is never negative: ln(1 + (N − n + ½) / (n + ½)). */
export function rankByWords({ length, counts }: Counted, { passages, terms, frequencies }: Statistics): number {
  const average = passages === 0 ? 1 : Math.max(1, terms / passages)
  const damped = k1 * (1 - b + (b * length) / average)
  return counts.reduce((score, count, term) => {
    const having = frequencies[term] ?? 0
    const rarity = Math.log(1 + (passages - having + 0.5) / (having + 0.5))
    return score + (rarity * count * (k1 + 1)) / (count + damped)
  }, 0)
}
