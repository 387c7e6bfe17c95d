/** Of words and meaning. Measured on labelled collections: sums of normalised scores win, sums of ranks lose to BM25 alone. */
const WORDS_SHARE = 0.6

/** What is known of a section when all are ranked together. */
export interface Evidence {
  readonly bm25: number
  /** See `closenessOf`; undefined where the vectors are of another model than the question's. */
  readonly closeness: number | undefined
}

/** Over everything that was searched, not only over what is ranked. */
export interface Extremes {
  readonly min: number
  readonly max: number
}

/** undefined when nobody had vectors to compare with. */
export function mergeExtremes(parts: readonly (Extremes | undefined)[]): Extremes | undefined {
  const known = parts.filter(part => part !== undefined)
  if (known.length === 0) return undefined
  return { min: Math.min(...known.map(({ min }) => min)), max: Math.max(...known.map(({ max }) => max)) }
}

export interface Scored<T> {
  readonly item: T
  /** 0 to 1. */
  readonly score: number
}

/**
 * `0.6 · bm25 / max + 0.4 · (closeness − min) / (max − min)`, best first. Equal scores keep the order they came in.
 * @param extremes of the closeness over the full scan of all collections
 */
export function rank<T extends Evidence>(items: readonly T[], extremes: Extremes | undefined): Scored<T>[] {
  const bestWords = items.reduce((best, { bm25 }) => Math.max(best, bm25), 0)
  const score = ({ bm25, closeness }: T): number => {
    const words = bestWords === 0 ? 0 : bm25 / bestWords
    return WORDS_SHARE * words + (1 - WORDS_SHARE) * between(closeness, extremes)
  }
  return items.map(item => ({ item, score: score(item) })).sort((a, b) => b.score - a.score)
}

function between(closeness: number | undefined, extremes: Extremes | undefined): number {
  if (closeness === undefined || extremes === undefined) return 0
  const { min, max } = extremes
  if (max === min) return 1
  return Math.min(1, Math.max(0, (closeness - min) / (max - min)))
}

/**
 * The items of which fewer than `count` others are at least as good in both respects. Whatever the best values turn out
 * to be elsewhere, the first `count` of the ranking are among them: so parts of a collection can be searched apart.
 */
export function contenders<T extends Evidence>(items: readonly T[], count: number): T[] {
  const byWords = items.toSorted((a, b) => b.bm25 - a.bm25 || (b.closeness ?? 0) - (a.closeness ?? 0))
  /** The best values of closeness so far, best first, no more than `count`. */
  const best: number[] = []
  return byWords.filter(({ closeness = 0 }) => {
    if (best.length === count && closeness <= (best[count - 1] ?? 0)) return false
    const place = best.findIndex(value => closeness > value)
    best.splice(place === -1 ? best.length : place, 0, closeness)
    if (best.length > count) best.pop()
    return true
  })
}
