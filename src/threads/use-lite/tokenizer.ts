import type { TokenCounter } from '../../text/ruler.ts'
import { createTrie, root, type Trie, unknown, type Vocabulary } from './trie.ts'

export interface Tokenizer extends TokenCounter {
  /** Tokens of one word, which holds no white space; a text's are those of its words together. */
  countWord(word: string): number
  /** Ids in reading order; empty for a text of white space alone. */
  encode(text: string): number[]
}

const wordStart = '\u2581'
/** Words come back often; the cache is emptied at this many, which bounds it to about 10 MB. */
const maxCachedWords = 50_000
/** A longer "word" (a line of base64, a Chinese paragraph) will not come back. */
const maxCachedLength = 32

/**
 * SentencePiece's unigram segmentation (Kudo 2018, arXiv 1804.10959): of all ways to cut a text into pieces, the one of
 * the highest probability, found by Viterbi's algorithm. The text is normalised as the model's training did: NFKC, runs
 * of white space to one space, none at the ends. No piece has `▁` after its first character, so words are independent
 * and each is cut once. NFKC joins nothing to white space, so words are normalised one by one, too.
 */
export function createTokenizer(vocabulary: Vocabulary): Tokenizer {
  const cut = createCut(createTrie(vocabulary))
  const cache = new Map<string, readonly number[]>()

  function pieces(word: string): readonly number[] {
    const known = cache.get(word)
    if (known !== undefined) return known
    const ids = words(word.normalize('NFKC')).flatMap(part => cut(wordStart + part))
    if (word.length > maxCachedLength) return ids
    if (cache.size >= maxCachedWords) cache.clear()
    // A copy: a slice as a key would hold the whole text it is from.
    cache.set(word.split('').join(''), ids)
    return ids
  }

  return {
    count(text) {
      let sum = 0
      for (const word of words(text)) sum += pieces(word).length
      return sum
    },
    countWord: word => pieces(word).length,
    encode(text) {
      return words(text).flatMap(pieces)
    },
  }
}

function words(text: string): string[] {
  return text.match(/\S+/gu) ?? []
}

/** What Viterbi's algorithm knows of each place between the symbols of a word: the best way there. */
interface Lattice {
  /** The symbols' columns in the trie. */
  readonly columns: Uint16Array
  readonly best: Float64Array
  readonly from: Uint32Array
  readonly piece: Uint32Array
}

/** Nearly all words are shorter; they share one lattice, which takes longer to make than to use. */
const usualUnits = 256

/** Cuts a word, marked and in NFKC, at best. Of equal cuts it takes the one whose last piece is shortest. */
function createCut({ columns, width, next, ids, scores }: Trie): (word: string) => number[] {
  const usual = createLattice(usualUnits)
  let lattice = usual

  /** @returns how many symbols (code points) the word has */
  function load(word: string): number {
    lattice = word.length <= usualUnits ? usual : createLattice(word.length)
    let size = 0
    for (let at = 0; at < word.length; size++) {
      const symbol = word.codePointAt(at) ?? 0
      lattice.columns[size] = columns[symbol] ?? 0
      at += symbol > 0xffff ? 2 : 1
    }
    lattice.best.fill(Number.NEGATIVE_INFINITY, 1, size + 1)
    lattice.from.fill(0, 0, size + 1)
    lattice.piece.fill(unknown, 0, size + 1)
    return size
  }

  function step(node: number, column: number | undefined): number {
    return next[node * width + (column ?? 0)] ?? root
  }

  function offer(start: number, end: number, id: number, score: number): void {
    const total = (lattice.best[start] ?? 0) + score
    if (total < (lattice.best[end] ?? 0)) return
    lattice.best[end] = total
    lattice.from[end] = start
    lattice.piece[end] = id
  }

  /** Offers every piece that begins at `start`. */
  function extend(start: number, size: number): void {
    let node = step(root, lattice.columns[start])
    // A symbol that begins no piece costs nothing: there is no way round it.
    if (node === root) offer(start, start + 1, unknown, 0)
    for (let end = start + 1; node !== root; end++) {
      const id = ids[node] ?? unknown
      if (id !== unknown) offer(start, end, id, scores[node] ?? 0)
      node = end < size ? step(node, lattice.columns[end]) : root
    }
  }

  return word => {
    const size = load(word)
    for (let start = 0; start < size; start++) extend(start, size)
    return backtrack(lattice, size)
  }
}

function createLattice(units: number): Lattice {
  return {
    columns: new Uint16Array(units),
    best: new Float64Array(units + 1),
    from: new Uint32Array(units + 1),
    piece: new Uint32Array(units + 1),
  }
}

/** Neighbouring unknown symbols count as one token, as in the model's training. */
function backtrack({ from, piece }: Lattice, size: number): number[] {
  const ids: number[] = []
  for (let end = size; end > 0; end = from[end] ?? 0) {
    const id = piece[end] ?? unknown
    if (id !== unknown || ids.at(-1) !== unknown) ids.push(id)
  }
  return ids.reverse()
}
