import { commonWords } from './stop-words.ts'
import { stemmed } from './terms.ts'

const WORD = /[\p{L}\p{M}\p{N}]+/gu
/** Scripts without spaces between words: overlapping pairs of characters stand for words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u
/** Base64, hashes and the like: nobody asks for them by their middle. */
const MAX_UNITS = 48

/**
 * The terms of a text in order, repeated as often as they occur: compatibility form, lower case, without stop words,
 * English words by Porter's stem. Peers exchange frequencies of terms, so every peer must cut alike: a change here is a
 * new version of the messages.
 */
export function indexTerms(text: string): string[] {
  const terms: string[] = []
  for (const [word] of text.normalize('NFKC').toLowerCase().matchAll(WORD)) {
    if (commonWords.has(word)) continue
    if (UNSPACED.test(word)) terms.push(...pairs(word))
    else terms.push(word.length <= MAX_UNITS ? stemmed(word) : word.slice(0, MAX_UNITS))
  }
  return terms
}

/** The fewest UTF-16 code units that a term takes in a text: with the space after it, or one when it shares its characters. */
export function leastUnits(term: string): number {
  return UNSPACED.test(term) ? 1 : term.length + 1
}

function pairs(word: string): string[] {
  const characters = Array.from(word)
  if (characters.length < 2) return characters
  return characters.slice(1).map((character, index) => `${characters[index]}${character}`)
}
