/** Piece and log probability; the piece's id is its place in the list. */
export type Vocabulary = readonly (readonly [piece: string, score?: number | null])[]

/**
 * The pieces of a vocabulary as a table to walk: a row a node, a column a symbol that occurs in some piece. Column 0 is
 * of every other symbol, and empty. Numbers instead of an object a node, because a text takes several steps a letter.
 */
export interface Trie {
  /** The column of a code point; beyond its end, 0. */
  readonly columns: Uint16Array
  readonly width: number
  /** At `node * width + column` the next node, 0 for none: nothing leads back to the root. */
  readonly next: Uint16Array | Uint32Array
  /** Of each node the piece that ends there, or `unknown`. */
  readonly ids: Uint32Array
  readonly scores: Float64Array
}

export const root = 0
export const unknown = 0
/** Ids of the unknown piece, the two sentence marks and three unused ones: no text is cut into them. */
const reserved = 6

export function createTrie(vocabulary: Vocabulary): Trie {
  const pieces = piecesOf(vocabulary)
  const { columns, width } = columnsOf(pieces)
  const edges = new Map<number, number>()
  const ends = pieces.map(({ symbols }) => {
    let node = root
    for (const symbol of symbols) {
      const edge = node * width + (columns[symbol] ?? 0)
      node = edges.get(edge) ?? edges.size + 1
      edges.set(edge, node)
    }
    return node
  })
  const nodes = edges.size + 1
  const next = new (nodes > 0xffff ? Uint32Array : Uint16Array)(nodes * width)
  for (const [edge, node] of edges) next[edge] = node
  const ids = new Uint32Array(nodes).fill(unknown)
  const scores = new Float64Array(nodes)
  for (const [index, { id, score }] of pieces.entries()) {
    const end = ends[index] ?? root
    ids[end] = id
    scores[end] = score
  }
  return { columns, width, next, ids, scores }
}

interface Piece {
  /** Code points. */
  readonly symbols: readonly number[]
  readonly id: number
  readonly score: number
}

/**
 * The list is sorted by falling score, but some scores of the published file are lost: pieces such as `:` and `:30` went
 * through a format that took them for a key or a time. Such a piece gets the score of the piece before it.
 */
function piecesOf(vocabulary: Vocabulary): Piece[] {
  let score = 0
  return vocabulary.slice(reserved).map(([piece, given], index) => {
    if (typeof given === 'number' && given < 0) score = given
    return { symbols: Array.from(piece, symbol => symbol.codePointAt(0) ?? 0), id: reserved + index, score }
  })
}

function columnsOf(pieces: readonly Piece[]): Pick<Trie, 'columns' | 'width'> {
  const symbols = new Set(pieces.flatMap(piece => piece.symbols))
  const columns = new Uint16Array(Math.max(0, ...symbols) + 1)
  let width = 1
  for (const symbol of symbols) columns[symbol] = width++
  return { columns, width }
}
