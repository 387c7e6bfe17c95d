import { createBreakTest, graphemeEnds, maxGraphemeUnits } from './graphemes.ts'
import { paragraphEnds } from './paragraphs.ts'
import { createRuler, type Ruler, type TokenCounter } from './ruler.ts'
import { sentenceEnds } from './sentences.ts'

/** A stretch of a text, in UTF-16 code units, end excluded. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface Chunk extends Span {
  readonly tokens: number
}

/** A stretch that is not cut further. `last`: a paragraph ends with it. */
interface Piece extends Chunk {
  readonly last: boolean
}

/** The longest entry of a vocabulary; a run of unknown letters is one token, and would otherwise make an endless chunk. */
const maxUnitsPerToken = 16

/** How a sentence with too many tokens is taken apart: by lines, then by clauses, then by words. */
const finer = [/\n/gu, /[,;:，；：、)\]]\s+|[，；：、]/gu, /\s+/gu]

/**
 * Cuts a text into chunks of at most `maxTokens` tokens: whole sentences as long as they fit, and a new chunk at a
 * paragraph's end when the chunk is half full. The chunks follow each other without a gap: joined, they are the text.
 * Neither a surrogate pair nor a character of up to 64 code units is cut; a single character may have more tokens.
 */
export function chunkText(text: string, counter: TokenCounter, maxTokens: number): Chunk[] {
  const maxUnits = maxTokens * maxUnitsPerToken
  const ruler = createRuler(text, counter, Math.max(maxUnits, maxGraphemeUnits))
  const measure = { ruler, maxTokens, maxUnits }
  const pieces: Piece[] = []
  let start = 0
  for (const end of paragraphEnds(text)) {
    for (const piece of piecesOf(text.slice(start, end), start, measure)) pieces.push(piece)
    start = end
  }
  return pack(pieces, measure)
}

interface Measure {
  /** Of the whole text. */
  readonly ruler: Ruler
  readonly maxTokens: number
  readonly maxUnits: number
}

/** @param offset where the paragraph begins in the text */
function piecesOf(paragraph: string, offset: number, { ruler, maxTokens, maxUnits }: Measure): Piece[] {
  const isBreak = createBreakTest(paragraph)
  const pieces: Piece[] = []

  const tokensOf = (start: number, end: number): number => ruler(offset + start, offset + end)

  function fits(start: number, end: number): boolean {
    return end - start <= maxUnits && tokensOf(start, end) <= maxTokens
  }

  function add(start: number, end: number): void {
    const last = end === paragraph.length
    pieces.push({ start: offset + start, end: offset + end, tokens: tokensOf(start, end), last })
  }

  /** @param level how fine to cut when the stretch does not fit: an index of `finer`, beyond it by characters */
  function cut(start: number, end: number, level: number): void {
    if (fits(start, end)) {
      add(start, end)
      return
    }
    const pattern = finer[level]
    if (pattern === undefined) {
      cutCharacters(start, end)
      return
    }
    let from = start
    for (const match of paragraph.slice(start, end).matchAll(pattern)) {
      const to = start + match.index + match[0].length
      if (to >= end || !isBreak(to)) continue
      cut(from, to, level + 1)
      from = to
    }
    cut(from, end, level + 1)
  }

  function cutCharacters(start: number, end: number): void {
    let from = start
    for (const to of characterCuts(paragraph, { start, end }, fits)) {
      add(from, to)
      from = to
    }
  }

  let start = 0
  for (const end of sentenceEnds(paragraph)) {
    cut(start, end, 0)
    start = end
  }
  return pieces
}

/** Where to cut a stretch by characters: as many at a time as fit, found by halving; at least one. */
function* characterCuts(
  paragraph: string,
  { start, end }: Span,
  fits: (start: number, end: number) => boolean,
): Generator<number, void> {
  const ends = graphemeEnds(paragraph.slice(start, end)).map(at => start + at)
  let from = start
  for (let first = 0; first < ends.length; ) {
    let low = first
    let high = ends.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (fits(from, ends[middle] ?? end)) low = middle
      else high = middle - 1
    }
    const to = ends[low] ?? end
    yield to
    from = to
    first = low + 1
  }
}

function pack(pieces: readonly Piece[], measure: Measure): Chunk[] {
  const chunks: Chunk[] = []
  for (let first = 0; first < pieces.length; ) {
    let last = lastThatFits(pieces, first, measure)
    const start = pieces[first]?.start ?? 0
    for (;;) {
      const { end, tokens: alone } = pieces[last] ?? { end: start, tokens: 0 }
      // The sum is exact only where white space parts the pieces: the tokens across another seam may be more.
      const tokens = last === first ? alone : measure.ruler(start, end)
      if (last === first || tokens <= measure.maxTokens) {
        chunks.push({ start, end, tokens })
        break
      }
      last -= 1
    }
    first = last + 1
  }
  return chunks
}

function lastThatFits(pieces: readonly Piece[], first: number, { maxTokens, maxUnits }: Measure): number {
  const start = pieces[first]?.start ?? 0
  let tokens = 0
  let last = first
  for (let index = first; index < pieces.length; index++) {
    const piece = pieces[index]
    if (piece === undefined) break
    tokens += piece.tokens
    if (index > first && (tokens > maxTokens || piece.end - start > maxUnits)) break
    last = index
    if (piece.last && tokens >= maxTokens / 2) break
  }
  return last
}
