import { createBreakTest, graphemeEnds } from './graphemes.ts'

/**
 * The longest paragraph, in UTF-16 code units. Longer ones are cut, so that every later step works on a bounded text:
 * segmentation is superlinear in some runtimes, and one character can become 18 in compatibility form.
 */
export const maxParagraphUnits = 2048

/** A code point: the one after the cut, which may join the one before it. */
const lookahead = 2

/** Where an overlong paragraph is best cut, best first: after a line, a sentence, a word. */
const cuts = [/\n/gu, /[.!?…]["'”’»)\]]*\s+|[。！？｡]/gu, /\s+/gu]

/**
 * The end offsets of the paragraphs, rising; the last is the text's length. A paragraph ends with its blank lines, or at
 * `maxParagraphUnits`. Each end depends only on the text since the end before it, so cutting the text at one of them and
 * starting again gives the same ends.
 */
export function* paragraphEnds(text: string): Generator<number, void> {
  // Ends on a line feed, where no character joins the next; a space could carry a combining mark.
  const blank = /\n(?:[^\S\n]*\n)+|\u2029/gu
  let start = 0
  while (start < text.length) {
    const natural = blank.exec(text) === null ? text.length : blank.lastIndex
    while (natural - start > maxParagraphUnits) {
      start += cutOf(text.slice(start, start + maxParagraphUnits + lookahead))
      yield start
    }
    if (start < natural) yield natural
    start = natural
  }
}

/** @param text a little longer than a paragraph may be, so that a character across the limit is seen */
function cutOf(text: string): number {
  const isBreak = createBreakTest(text)
  for (const cut of cuts) {
    const end = lastEnd(text, cut, isBreak)
    if (end !== undefined) return end
  }
  return graphemeEnds(text).findLast(end => end <= maxParagraphUnits) ?? maxParagraphUnits
}

/** The last match in the second half: a cut near the start would leave crumbs. */
function lastEnd(text: string, cut: RegExp, isBreak: (offset: number) => boolean): number | undefined {
  let last: number | undefined
  for (const match of text.slice(0, maxParagraphUnits).matchAll(cut)) {
    const end = match.index + match[0].length
    if (end > maxParagraphUnits / 2 && isBreak(end)) last = end
  }
  return last
}
