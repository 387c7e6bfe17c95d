import type { TokenCounter } from './embedder.ts'
import { createBreakTest, graphemeEnds } from './text/graphemes.ts'
import { paragraphEnds } from './text/paragraphs.ts'
import { sentenceEnds } from './text/sentences.ts'

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
  const pieces: Piece[] = []
  let start = 0
  for (const end of paragraphEnds(text)) {
    const cutter = createCutter(text.slice(start, end), start, { counter, maxTokens })
    pieces.push(...cutter.pieces())
    start = end
  }
  return pack(text, pieces, { counter, maxTokens })
}

interface Measure {
  readonly counter: TokenCounter
  readonly maxTokens: number
}

function createCutter(paragraph: string, offset: number, { counter, maxTokens }: Measure) {
  const isBreak = createBreakTest(paragraph)

  function fits(start: number, end: number): boolean {
    return end - start <= maxTokens * maxUnitsPerToken && counter.count(paragraph.slice(start, end)) <= maxTokens
  }

  /** @param level how fine to cut when the stretch does not fit: an index of `finer`, beyond it by characters */
  function* spans(start: number, end: number, level: number): Generator<Span> {
    if (fits(start, end)) return yield { start, end }
    const pattern = finer[level]
    if (pattern === undefined) return yield* characters(start, end)
    let from = start
    for (const match of paragraph.slice(start, end).matchAll(pattern)) {
      const to = start + match.index + match[0].length
      if (to >= end || !isBreak(to)) continue
      yield* spans(from, to, level + 1)
      from = to
    }
    yield* spans(from, end, level + 1)
  }

  /** As many characters at a time as fit, found by halving; at least one. */
  function* characters(start: number, end: number): Generator<Span> {
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
      yield { start: from, end: to }
      from = to
      first = low + 1
    }
  }

  return {
    *pieces(): Generator<Piece> {
      let start = 0
      for (const sentence of sentenceEnds(paragraph)) {
        for (const span of spans(start, sentence, 0)) {
          const tokens = counter.count(paragraph.slice(span.start, span.end))
          yield { start: offset + span.start, end: offset + span.end, tokens, last: span.end === paragraph.length }
        }
        start = sentence
      }
    },
  }
}

function pack(text: string, pieces: readonly Piece[], measure: Measure): Chunk[] {
  const chunks: Chunk[] = []
  for (let first = 0; first < pieces.length; ) {
    let last = lastThatFits(pieces, first, measure.maxTokens)
    const start = pieces[first]?.start ?? 0
    for (;;) {
      const { end, tokens: alone } = pieces[last] ?? { end: start, tokens: 0 }
      // The sum is exact only where white space parts the pieces: the tokens across another seam may be more.
      const tokens = last === first ? alone : measure.counter.count(text.slice(start, end))
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

function lastThatFits(pieces: readonly Piece[], first: number, maxTokens: number): number {
  const start = pieces[first]?.start ?? 0
  let tokens = 0
  let last = first
  for (let index = first; index < pieces.length; index++) {
    const piece = pieces[index]
    if (piece === undefined) break
    tokens += piece.tokens
    if (index > first && (tokens > maxTokens || piece.end - start > maxTokens * maxUnitsPerToken)) break
    last = index
    if (piece.last && tokens >= maxTokens / 2) break
  }
  return last
}
