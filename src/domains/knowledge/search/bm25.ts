/** Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009): usual values. */
const K1 = 1.5
const B = 0.75

/** What BM25 must know of a whole collection; of several, what `mergeStatistics` gives. */
export interface Statistics {
  /** How many sections there are. */
  readonly sections: number
  /** How many terms they have together, repeated ones counted. */
  readonly terms: number
  /** In how many sections each term of the question occurs, in the question's order. */
  readonly frequencies: readonly number[]
}

/** Scores compare across collections, and across peers, only when all were made with the same statistics. */
export function mergeStatistics(parts: readonly Statistics[], questionTerms: number): Statistics {
  const sum = (of: (part: Statistics) => number) => parts.reduce((total, part) => total + of(part), 0)
  return {
    sections: sum(part => part.sections),
    terms: sum(part => part.terms),
    frequencies: Array.from({ length: questionTerms }, (_, term) => sum(part => part.frequencies[term] ?? 0)),
  }
}

/**
 * What a section that has a term `count` times and `length` terms in all gains by it. Never negative: the inverse
 * document frequency is Lucene's, ln(1 + (N − n + ½) / (n + ½)).
 */
export type TermWeight = (count: number, length: number) => number

/** One weight for each term of the question. */
export function termWeights({ sections, terms, frequencies }: Statistics): TermWeight[] {
  const averageLength = sections === 0 ? 1 : Math.max(1, terms / sections)
  return frequencies.map(frequency => {
    const seen = Math.min(frequency, sections)
    const idf = Math.log(1 + (sections - seen + 0.5) / (seen + 0.5))
    return (count, length) => (idf * count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / averageLength))
  })
}

/** @param counts how often each term of the question occurs in the section */
export function bm25(weights: readonly TermWeight[], counts: readonly number[], length: number): number {
  return weights.reduce((sum, weight, term) => {
    const count = counts[term] ?? 0
    return count === 0 ? sum : sum + weight(count, length)
  }, 0)
}
