import { stemmer } from 'stemmer'

/** Words of English that say nothing about what a text is about; left out of the index and of questions. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  `a about above after again all also am an and any are as at be because been before being below between both but by can
  cannot could did do does doing down during each few for from further had has have having he her here hers him his how i
  if in into is it its just may me might more most must my no nor not now of off on once only or other our ours out over
  own same shall she should so some such than that the their them then there these they this those through to too under
  until up upon us very was we were what when where which while who whom why will with would you your yours`.split(
    /\s+/,
  ),
)

const WORD = /[\p{L}\p{M}\p{N}]+/gu
const ENGLISH = /^[a-z]+$/
/** Scripts without spaces between words: overlapping pairs of characters stand for words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u
/** Base64, hashes and the like: nobody asks for them by their middle. */
const MAX_UNITS = 48

/**
 * The terms of a text in order, repeated as often as they occur: compatibility form, lower case, without stop words,
 * English words by Porter's stem. Peers exchange frequencies of terms, so every peer must cut alike: a change here is a
 * new version of the messages.
 */
export function termsOf(text: string): string[] {
  const terms: string[] = []
  for (const [word] of text.normalize('NFKC').toLowerCase().matchAll(WORD)) {
    if (STOP_WORDS.has(word)) continue
    if (UNSPACED.test(word)) terms.push(...pairs(word))
    else terms.push(ENGLISH.test(word) && word.length <= MAX_UNITS ? stemmer(word) : word.slice(0, MAX_UNITS))
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
