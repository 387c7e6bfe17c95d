import { createBreakTest } from './graphemes.ts'

/**
 * A candidate end: closing punctuation with its quotes and brackets and the white space after it (none is needed in
 * Chinese and Japanese), or a line break before a list item or heading.
 */
const candidates = /[.!?…]+["'”’»)\]]*\s+|[。！？｡]+[」』）”’]*\s*|\n(?=[^\S\n]*(?:[-*•–#>|]|\d{1,3}[.)])\s)/gu

/** A full stop after these, or after a single capital letter (an initial), does not end a sentence. */
const abbreviation =
  /(?:^|[\s("“‘[])(?:\p{Lu}|Mrs?|Ms|Drs?|Prof|St|Sr|Jr|vs|etc|al|cf|ca|approx|No|Nos|Fig|Figs|Eq|Sec|Ch|Vol|pp?|Inc|Ltd|Co|e\.g|i\.e|a\.m|p\.m|U\.S|U\.K)\.$/u
const abbreviationUnits = 12

/**
 * The end offsets of the sentences of one paragraph, rising; the last is the paragraph's length. White space belongs to
 * the sentence before it. Rules of our own, because peers compare results: `Intl.Segmenter`'s sentences change with the
 * version of Unicode, end after "Dr.", and take quadratic time.
 */
export function sentenceEnds(paragraph: string): number[] {
  const isBreak = createBreakTest(paragraph)
  const ends: number[] = []
  for (const match of paragraph.matchAll(candidates)) {
    const end = match.index + match[0].length
    if (end < paragraph.length && isBreak(end) && !continues(paragraph, match.index, end)) ends.push(end)
  }
  if (paragraph.length > 0) ends.push(paragraph.length)
  return ends
}

/** Whether the full stop at `stop` is part of a sentence that goes on at `end`. */
function continues(paragraph: string, stop: number, end: number): boolean {
  if (paragraph[stop] !== '.') return false
  if (/^\p{Ll}/u.test(paragraph.slice(end, end + 2))) return true
  return abbreviation.test(paragraph.slice(Math.max(0, stop - abbreviationUnits), stop + 1))
}
