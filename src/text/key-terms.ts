import { stopWords } from './stop-words.ts'
import { compare, folded, type Term } from './terms.ts'

export interface KeyTerm {
  /** The stems of its words, which tell it from others. */
  readonly term: string
  /** As it first stands in the text. */
  readonly form: string
  readonly count: number
  readonly score: number
}

/** A sentence's terms in order. */
export interface Sentence {
  readonly start: number
  readonly end: number
  readonly terms: readonly Term[]
}

const maxWords = 3
/** Candidates kept while counting: a text of 48 KiB has some thousands. */
const maxCandidates = 20_000

export function isContent({ stem, form }: Term): boolean {
  return Array.from(stem).length > 1 && !stopWords.has(folded(form)) && !/^\p{N}+$/u.test(stem)
}

/**
 * The terms a text is about. Candidates as in RAKE (Rose et al. 2010): runs of content words, unbroken by stop words or
 * punctuation, up to three words and all their parts. The score of a candidate of n words:
 *
 *     count × (1 + ln n) × mean over its words of ln(1 + S / s_w)
 *
 * with S sentences, s_w of them with the word: tf·idf with sentences as the documents. A candidate that stands nowhere
 * without a longer one around it is left out for that one. Rounded to six places; equal ones by code units.
 */
export function keyTerms(text: string, sentences: readonly Sentence[], limit: number): KeyTerm[] {
  const candidates = countCandidates(text, sentences)
  return withoutInner(candidates)
    .map(([term, { form, count, weight }]) => ({ term, form, count, score: rounded(count * weight) }))
    .toSorted((a, b) => b.score - a.score || compare(a.term, b.term))
    .slice(0, limit)
}

interface Candidate {
  readonly form: string
  readonly weight: number
  count: number
}

function countCandidates(text: string, sentences: readonly Sentence[]): Map<string, Candidate> {
  const rarity = rarityIn(sentences)
  const candidates = new Map<string, Candidate>()
  for (const words of sentences.flatMap(({ terms }) => [...runs(text, terms)].flatMap(run => [...partsOf(run)]))) {
    const key = words.map(({ stem }) => stem).join(' ')
    const known = candidates.get(key)
    if (known !== undefined) known.count += 1
    else if (candidates.size < maxCandidates) {
      const mean = words.reduce((sum, { stem }) => sum + rarity(stem), 0) / words.length
      const form = text.slice(words[0]?.start, words.at(-1)?.end).replace(/\s+/gu, ' ')
      candidates.set(key, { form, count: 1, weight: (1 + Math.log(words.length)) * mean })
    }
  }
  return candidates
}

function rarityIn(sentences: readonly Sentence[]): (stem: string) => number {
  const counts = new Map<string, number>()
  for (const { terms } of sentences) {
    for (const stem of new Set(terms.map(term => term.stem))) counts.set(stem, (counts.get(stem) ?? 0) + 1)
  }
  return stem => Math.log(1 + sentences.length / (counts.get(stem) ?? 1))
}

function withoutInner(candidates: ReadonlyMap<string, Candidate>): [string, Candidate][] {
  const inner = new Set<string>()
  for (const [key, { count }] of candidates) {
    for (const part of innerParts(key)) if ((candidates.get(part)?.count ?? 0) <= count) inner.add(part)
  }
  return [...candidates].filter(([key]) => !inner.has(key))
}

/** Neighbouring content words with nothing but white space or a hyphen between them. */
function* runs(text: string, terms: readonly Term[]): Generator<Term[], void> {
  let run: Term[] = []
  for (const term of terms) {
    const last = run.at(-1)
    const joined = last === undefined || /^[\s-]*$/u.test(text.slice(last.end, Math.max(last.end, term.start)))
    if ((!joined || !isContent(term)) && run.length > 0) {
      yield run
      run = []
    }
    if (isContent(term)) run.push(term)
  }
  if (run.length > 0) yield run
}

function* partsOf(run: readonly Term[]): Generator<readonly Term[], void> {
  for (let start = 0; start < run.length; start++) {
    for (let length = 1; length <= maxWords && start + length <= run.length; length++) {
      const part = run.slice(start, start + length)
      // Pairs of characters overlap: side by side they would say the same again.
      if (part.every((term, index) => index === 0 || term.start >= (part[index - 1]?.end ?? 0))) yield part
    }
  }
}

function innerParts(key: string): string[] {
  const words = key.split(' ')
  if (words.length === 1) return []
  return words.length === 2 ? words : [...words, words.slice(0, 2).join(' '), words.slice(1).join(' ')]
}

export function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6
}
