import { isInsideWord, isSpace, wordEnd, wordStart } from './words.ts'

/** Counts the tokens a text has for one model, and perhaps those of its words. */
export interface TokenCounter {
  /** Tokens of `text`, unclipped; 0 for white space alone. */
  count(text: string): number
  /**
   * The tokens of one word, which holds no white space. Only a counter has it for which the tokens of any text are those
   * of its words, parted by white space, together.
   */
  countWord?(word: string): number
}

/** The tokens of a stretch of a text: what the counter would say of `text.slice(start, end)`. */
export type Ruler = (start: number, end: number) => number

/**
 * Makes a text ready to be measured often. Chunking asks for the tokens of each sentence, and then of sentences together:
 * where words can be added up, each word is counted once, and a stretch costs one subtraction.
 * @param maxUnits no longer stretch is asked for, so a word that is longer need not be counted
 */
export function createRuler(text: string, counter: TokenCounter, maxUnits: number): Ruler {
  if (counter.countWord === undefined) return (start, end) => counter.count(text.slice(start, end))
  const countWord = counter.countWord.bind(counter)
  const sums = sumsOf(text, countWord, maxUnits)
  const countPart = (start: number, end: number): number => (start === end ? 0 : countWord(text.slice(start, end)))

  return (start, end) => {
    // A word that the stretch has only a part of counts as that part.
    const from = isInsideWord(text, start) ? wordEnd(text, start, end) : start
    const to = isInsideWord(text, end) ? wordStart(text, end, from) : end
    return countPart(start, from) + (sums[to] ?? 0) - (sums[from] ?? 0) + countPart(to, end)
  }
}

/** By offset, the tokens of the words before it; 0 inside words. */
function sumsOf(text: string, countWord: (word: string) => number, maxUnits: number): Uint32Array {
  const sums = new Uint32Array(text.length + 1)
  let sum = 0
  for (let at = 0; at < text.length; ) {
    sums[at] = sum
    if (isSpace(text.charCodeAt(at))) at += 1
    else {
      const end = wordEnd(text, at, text.length)
      if (end - at <= maxUnits) sum += countWord(text.slice(at, end))
      at = end
    }
  }
  sums[text.length] = sum
  return sums
}
