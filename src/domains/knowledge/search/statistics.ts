import { saturation, type TermWeight, termWeights } from '../../../text/bm25.ts'

/** What BM25 must know of a whole collection, as it travels; of several, what `mergeStatistics` gives. */
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

/** What a section gains by each term of the question. */
export function sectionWeights({ sections, terms, frequencies }: Statistics): TermWeight[] {
  return termWeights({ passages: sections, terms, frequencies }, saturation.collections)
}
