import type { TokenCounter } from '../embedder.ts'

/** Piece and log probability; the piece's id is its place in the list. */
export type Vocabulary = readonly (readonly [piece: string, score?: number | null])[]

export interface Tokenizer extends TokenCounter {
  /** Ids in reading order; empty for a text of white space alone. */
  encode(text: string): number[]
}

interface TrieNode {
  readonly next: Map<string, TrieNode>
  id: number
  score: number
}

const unknown = 0
/** Ids of the unknown piece, the two sentence marks and three unused ones: no text is cut into them. */
const reserved = 6
const wordStart = '\u2581'
/** Words come back often; the cache is emptied at this many, which bounds it to about 10 MB. */
const maxCachedWords = 50_000
/** A longer "word" (a line of base64, a Chinese paragraph) will not come back. */
const maxCachedLength = 32

/**
 * SentencePiece's unigram segmentation (Kudo 2018, arXiv 1804.10959): of all ways to cut a text into pieces, the one of
 * the highest probability, found by Viterbi's algorithm. The text is normalised as the model's training did: NFKC, runs
 * of white space to one space, none at the ends. No piece has `▁` after its first character, so words are independent
 * and each is cut once.
 */
export function createTokenizer(vocabulary: Vocabulary): Tokenizer {
  const root = buildTrie(vocabulary)
  const cache = new Map<string, readonly number[]>()

  function pieces(word: string): readonly number[] {
    const known = cache.get(word)
    if (known !== undefined) return known
    const ids = cut(root, Array.from(wordStart + word))
    if (word.length > maxCachedLength) return ids
    if (cache.size >= maxCachedWords) cache.clear()
    cache.set(word, ids)
    return ids
  }

  return {
    count(text) {
      let sum = 0
      for (const word of words(text)) sum += pieces(word).length
      return sum
    },
    encode(text) {
      return words(text).flatMap(pieces)
    },
  }
}

function words(text: string): string[] {
  return text.normalize('NFKC').match(/\S+/gu) ?? []
}

/**
 * The list is sorted by falling score, but some scores of the published file are lost: pieces such as `:` and `:30` went
 * through a format that took them for a key or a time. Such a piece gets the score of the piece before it.
 */
function buildTrie(vocabulary: Vocabulary): TrieNode {
  const root = createNode()
  let score = 0
  for (const [id, [piece, given]] of vocabulary.entries()) {
    if (id < reserved) continue
    if (typeof given === 'number' && given < 0) score = given
    let node = root
    for (const symbol of piece) {
      let child = node.next.get(symbol)
      if (child === undefined) {
        child = createNode()
        node.next.set(symbol, child)
      }
      node = child
    }
    node.id = id
    node.score = score
  }
  return root
}

function createNode(): TrieNode {
  return { next: new Map(), id: unknown, score: 0 }
}

/** The best cut of `symbols` (code points). Of equal cuts, the one whose last piece is shortest. */
function cut(root: TrieNode, symbols: readonly string[]): number[] {
  const best = new Float64Array(symbols.length + 1).fill(Number.NEGATIVE_INFINITY)
  const from = new Int32Array(symbols.length + 1)
  const piece = new Int32Array(symbols.length + 1)
  best[0] = 0

  function offer(start: number, end: number, id: number, score: number): void {
    const total = (best[start] ?? 0) + score
    if (total < (best[end] ?? 0)) return
    best[end] = total
    from[end] = start
    piece[end] = id
  }

  for (let start = 0; start < symbols.length; start++) {
    let node = root.next.get(symbols[start] ?? '')
    // A symbol that begins no piece costs nothing: there is no way round it.
    if (node === undefined) offer(start, start + 1, unknown, 0)
    for (let end = start + 1; node !== undefined; end++) {
      if (node.id !== unknown) offer(start, end, node.id, node.score)
      node = node.next.get(symbols[end] ?? '')
    }
  }
  return backtrack(from, piece)
}

/** Neighbouring unknown symbols count as one token, as in the model's training. */
function backtrack(from: Int32Array, piece: Int32Array): number[] {
  const ids: number[] = []
  for (let end = piece.length - 1; end > 0; end = from[end] ?? 0) {
    const id = piece[end] ?? unknown
    if (id !== unknown || ids.at(-1) !== unknown) ids.push(id)
  }
  return ids.reverse()
}
