import { isContent, rounded, type Sentence } from './key-terms.ts'

export interface KeySentence {
  readonly start: number
  readonly end: number
  /** 1 is the mean over all sentences of the part. */
  readonly score: number
}

/** Every pair is compared: more sentences of one part would take too long. */
const maxSentences = 400
const minContentTerms = 2
const damping = 0.85
const rounds = 50
const settled = 1e-7

/**
 * The sentences that most others have something in common with: TextRank (Mihalcea and Tarau 2004), PageRank over
 * sentences, joined by the stems they share over the logarithms of their lengths. By place in the text.
 */
export function keySentences(sentences: readonly Sentence[], limit: number): KeySentence[] {
  const nodes = sentences
    .map(({ start, end, terms }) => ({ start, end, stems: new Set(terms.filter(isContent).map(({ stem }) => stem)) }))
    .filter(({ stems }) => stems.size >= minContentTerms)
    .slice(0, maxSentences)
  const scores = rank(weights(nodes.map(({ stems }) => stems)))
  return nodes
    .map(({ start, end }, index) => ({ start, end, score: rounded(scores[index] ?? 0) }))
    .toSorted((a, b) => b.score - a.score || a.start - b.start)
    .slice(0, limit)
    .toSorted((a, b) => a.start - b.start)
}

/** Symmetric; row by row. */
function weights(sets: readonly ReadonlySet<string>[]): Float64Array[] {
  const rows = sets.map(() => new Float64Array(sets.length))
  for (const [i, a] of sets.entries()) {
    for (let j = 0; j < i; j++) {
      const b = sets[j] as ReadonlySet<string>
      const weight = inCommon(a, b) / (Math.log(a.size + 1) + Math.log(b.size + 1))
      for (const [row, column] of [
        [i, j],
        [j, i],
      ] as const)
        (rows[row] as Float64Array)[column] = weight
    }
  }
  return rows
}

function inCommon(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let count = 0
  for (const stem of a) if (b.has(stem)) count += 1
  return count
}

/** Sums go in one order and are rounded at the end, so every machine gets the same ranks. */
function rank(rows: readonly Float64Array[]): Float64Array {
  const totals = rows.map(row => row.reduce((sum, weight) => sum + weight, 0))
  let scores = new Float64Array(rows.length).fill(1)
  for (let round = 0; round < rounds; round++) {
    const shares = scores.map((score, index) => (totals[index] === 0 ? 0 : score / (totals[index] ?? 1)))
    const next = Float64Array.from(rows, row => {
      let sum = 0
      for (const [index, weight] of row.entries()) sum += weight * (shares[index] ?? 0)
      return 1 - damping + damping * sum
    })
    const moved = next.reduce((most, score, index) => Math.max(most, Math.abs(score - (scores[index] ?? 0))), 0)
    scores = next
    if (moved < settled) break
  }
  return scores
}
