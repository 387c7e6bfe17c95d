import { indexTerms, leastUnits } from '../../../text/index-terms.ts'
import { MAX_TEXT, type SharedFind } from '../messages.ts'
import type { Extremes } from '../search/ranking.ts'
import { MAX_LENGTH, PASSAGES_A_SECTION } from '../search/sections.ts'
import type { Statistics } from '../search/statistics.ts'

/** What one peer's statistics weigh at most beside our own, in sections: a library beside a shelf is no lie. */
const [TIMES_OWN, SECTIONS_IN_ANY_CASE] = [10, 100_000]
/** Those of all peers that are asked together must fit into a message. */
const MAX_TERMS_SAID = 1e10
/** In UTF-16 code units: each passage, and what parts it from the next. */
const MAX_SECTION_TEXT = PASSAGES_A_SECTION * (MAX_TEXT + 1)
/** Of a million directions at random the one farthest from a question is five standard deviations off. */
const FAR_DEVIATIONS = 5

/** What is wrong with a peer's statistics, for people; undefined when they can be true. */
export function wrongStatistics({ sections, terms, frequencies }: Statistics): string | undefined {
  if (terms > sections * MAX_LENGTH) return `claims ${terms} words in ${sections} sections`
  const most = Math.max(0, ...frequencies)
  return most > sections ? `claims a word in ${most} of ${sections} sections` : undefined
}

/**
 * Statistics as they count here. Nobody can check them, so one peer's have a bounded part in everybody's ranking: larger
 * ones count as a sample, in which each word is as frequent as it was.
 */
export function shareOf(said: Statistics, questionTerms: number, ownSections: number): Statistics {
  const most = TIMES_OWN * ownSections + SECTIONS_IN_ANY_CASE
  const part = Math.min(1, most / said.sections, MAX_TERMS_SAID / Math.max(1, said.terms))
  const sections = Math.max(1, Math.floor(said.sections * part))
  return {
    sections,
    // A section of stop words alone has no term.
    terms: Math.max(sections, Math.round(said.terms * part)),
    frequencies: Array.from({ length: questionTerms }, (_, term) =>
      Math.min(sections, Math.round((said.frequencies[term] ?? 0) * part)),
    ),
  }
}

/**
 * What is wrong with a find, for people; undefined when it can be true. The words of a passage are words of its section,
 * no section has more than its length, nor more than its passages have room for.
 */
export function wrongFind({ counts, length, text }: SharedFind, terms: readonly string[]): string | undefined {
  const claimed = counts.reduce((sum, count) => sum + count, 0)
  if (claimed > length) return `counts ${claimed} words in a section of ${length}`
  const room = terms.reduce((sum, term, index) => sum + (counts[index] ?? 0) * leastUnits(term), 0)
  if (room > MAX_SECTION_TEXT) return `counts more words than ${PASSAGES_A_SECTION} passages have room for`
  const words = indexTerms(text)
  const missing = terms.find((term, index) => words.includes(term) && (counts[index] ?? 0) === 0)
  return missing === undefined ? undefined : `does not count "${missing}", which is in the passage`
}

/**
 * What was sent lies within what was scanned, whatever was said of it; and nothing lies farther from a question than
 * chance puts it, lest one who says so press everybody's closeness together.
 * @param values of the closeness of what was sent
 * @param dimensions of the question's vector
 */
export function extremesOf(
  values: readonly number[],
  said: Extremes | undefined,
  dimensions: number,
): Extremes | undefined {
  if (said === undefined || values.length === 0) return undefined
  const max = Math.max(...values)
  const farthest = -FAR_DEVIATIONS / Math.sqrt(dimensions)
  return { min: Math.min(max, Math.max(farthest, Math.min(said.min, ...values))), max }
}
