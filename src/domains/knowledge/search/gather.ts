import { bm25 } from '../../../text/bm25.ts'
import { type Extremes, mergeExtremes, rank, type Scored } from './ranking.ts'
import { type Statistics, sectionWeights } from './statistics.ts'

/** What one collection or peer found: the counts, not its own scores, so that nobody's arithmetic need be trusted. */
export interface Find {
  readonly counts: readonly number[]
  readonly length: number
  readonly closeness: number | undefined
  readonly text: string
}

export interface Part<T extends Find> {
  readonly finds: readonly T[]
  readonly extremes: Extremes | undefined
}

/**
 * Ranks what several found as if one had held everything. The same text found twice is kept once, where it was found
 * first among equals.
 * @param statistics with which all of them searched
 */
export function gather<T extends Find>(parts: readonly Part<T>[], statistics: Statistics): Scored<T>[] {
  const weights = sectionWeights(statistics)
  const evidence = parts
    .flatMap(({ finds }) => finds)
    .map(find => ({ find, closeness: find.closeness, bm25: bm25(weights, find) }))
  const seen = new Set<string>()
  return rank(evidence, mergeExtremes(parts.map(({ extremes }) => extremes))).flatMap(({ item: { find }, score }) => {
    const text = find.text.replace(/\s+/gu, ' ').trim()
    if (seen.has(text)) return []
    seen.add(text)
    return [{ item: find, score }]
  })
}
