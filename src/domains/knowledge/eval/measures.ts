const DEPTH = 10

export interface Measures {
  readonly ndcg10: number
  readonly recall10: number
}

/**
 * Normalised discounted cumulative gain and recall of the first ten, as trec_eval has them: the gain is the grade, the
 * discount log2(rank + 1).
 * @param ranking document ids, best first @param relevant grades above 0, at least one
 */
export function measure(ranking: readonly string[], relevant: ReadonlyMap<string, number>): Measures {
  const gains = ranking.slice(0, DEPTH).map(id => relevant.get(id) ?? 0)
  const ideal = [...relevant.values()].sort((a, b) => b - a).slice(0, DEPTH)
  return {
    ndcg10: discounted(gains) / discounted(ideal),
    recall10: gains.filter(gain => gain > 0).length / relevant.size,
  }
}

export function average(all: readonly Measures[]): Measures {
  const mean = (of: (one: Measures) => number) => all.reduce((sum, one) => sum + of(one), 0) / all.length
  return { ndcg10: mean(one => one.ndcg10), recall10: mean(one => one.recall10) }
}

function discounted(gains: readonly number[]): number {
  return gains.reduce((sum, gain, index) => sum + gain / Math.log2(index + 2), 0)
}
