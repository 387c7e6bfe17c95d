import { stemmer } from 'stemmer'
import { z } from 'zod'

/** A term as it is counted, with its place in the text; `form` is how it stands there. */
export interface Term {
  readonly stem: string
  readonly form: string
  readonly start: number
  readonly end: number
}

export type TermCount = readonly [stem: string, count: number]

/** A longer "word" is a line of base64 or a URL's tail: nobody looks for it. */
const maxTermUnits = 64
/** What one chunk's terms may take of a message. */
const maxTerms = 200

/** Scripts that write words without spaces; two neighbouring characters stand for a word there, as in most indexes. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u
const word = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:['’][\p{L}\p{M}]+)*/gu

/**
 * The terms of a text in reading order. A word is folded to NFKC and lower case; an English one is stemmed (Porter 1980),
 * so that `sells` and `selling` are one term. Other scripts stay as they are: the same everywhere, whatever the language.
 */
export function* termsOf(text: string): Generator<Term, void> {
  for (const match of text.matchAll(word)) {
    const [form] = match
    if (unspaced.test(form)) yield* pairs(form, match.index)
    else if (form.length <= maxTermUnits) {
      yield { stem: stemOf(form), form, start: match.index, end: match.index + form.length }
    }
  }
}

function* pairs(form: string, offset: number): Generator<Term, void> {
  const symbols = Array.from(form)
  let start = offset
  for (const [index, symbol] of symbols.entries()) {
    const next = symbols[index + 1]
    if (next !== undefined || symbols.length === 1) {
      const pair = symbol + (next ?? '')
      yield { stem: folded(pair), form: pair, start, end: start + pair.length }
    }
    start += symbol.length
  }
}

export function stemOf(form: string): string {
  return stemmed(folded(form))
}

/** An English word's stem (Porter 1980); of another it is the word itself. @param word in lower case */
export function stemmed(word: string): string {
  return /^[a-z]+$/.test(word) ? stemmer(word) : word
}

/** Lower case as no language in particular: the locale of a machine must not change what it computes. */
export function folded(form: string): string {
  return form
    .normalize('NFKC')
    .toLowerCase()
    .replace(/['’].*$/u, '')
}

export function termCounts(text: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { stem } of termsOf(text)) counts.set(stem, (counts.get(stem) ?? 0) + 1)
  return counts
}

/** By code units, as the order of a list that others compare with theirs; of too many the most frequent. */
export function largestTerms(counts: ReadonlyMap<string, number>): TermCount[] {
  return [...counts]
    .toSorted(([a, countA], [b, countB]) => countB - countA || compare(a, b))
    .slice(0, maxTerms)
    .toSorted(([a], [b]) => compare(a, b))
}

export const termCountsSchema = z
  .array(
    z.tuple([
      z
        .string()
        .min(1)
        .max(8 * maxTermUnits),
      z.int().min(1),
    ]),
  )
  .max(maxTerms)

/** `localeCompare` would depend on the machine. */
export function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
