const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })

/**
 * The longest run of code units that is kept together as one user-perceived character. Unicode's Stream-Safe Text
 * Format (UAX #15) allows 30 combining marks; a "character" beyond this is noise, and a chunk has a bounded length.
 */
export const maxGraphemeUnits = 64

/** Below U+0300 nothing joins what stands before or after it, except CR with LF. */
const firstJoiner = 0x300
const carriageReturn = 0x0d
const lineFeed = 0x0a

/** Tells whether a text may be cut at an offset without cutting a character in two. Cheap for most offsets. */
export function createBreakTest(text: string): (offset: number) => boolean {
  let segments: Intl.Segments | undefined
  return offset => {
    const before = text.charCodeAt(offset - 1)
    const after = text.charCodeAt(offset)
    if (Number.isNaN(before) || Number.isNaN(after) || before === lineFeed) return true
    if (before < firstJoiner && after < firstJoiner) return !(before === carriageReturn && after === lineFeed)
    segments ??= segmenter.segment(text)
    return segments.containing(offset)?.index === offset
  }
}

/** The end offsets of a text's characters, rising; the last is the text's length. */
export function graphemeEnds(text: string): number[] {
  const ends: number[] = []
  for (const { index, segment } of segmenter.segment(text)) {
    if (segment.length > maxGraphemeUnits) ends.push(...partEnds(segment).map(end => index + end))
    ends.push(index + segment.length)
  }
  return ends
}

/** Ends inside an overlong character, between code points. */
function partEnds(segment: string): number[] {
  const ends: number[] = []
  let start = 0
  let offset = 0
  for (const symbol of segment) {
    if (offset + symbol.length - start > maxGraphemeUnits) {
      ends.push(offset)
      start = offset
    }
    offset += symbol.length
  }
  return ends
}
