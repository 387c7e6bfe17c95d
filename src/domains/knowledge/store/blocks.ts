import { LRUCache } from 'lru-cache'
import type { Db } from '../../../storage/kept.ts'
import type { Postings, SignatureBlock } from '../search/search.ts'
import type { IndexedPassage, Section } from '../search/sections.ts'

/** Numbers that share a row. A row of postings is at most a kilobyte, so that adding one rewrites little. */
const BLOCK = 256
const POSTING_BYTES = 4
const SIZE_BYTES = 4

/** Blocks of signatures in memory, of the collections asked last: those of a million passages are 68 MB. */
const MAX_CACHED = 4_096

/** Packed rows: what would be a row for every occurrence of a term, and for every signature. */
export function createBlocks(db: Db) {
  const addPosting = db.prepare(
    // Joined bytes are text to SQLite until it is told otherwise.
    `INSERT INTO knowledge_postings (collection, term, block, data) VALUES (?, ?, ?, ?)
     ON CONFLICT (collection, term, block) DO UPDATE SET data = CAST(data || excluded.data AS BLOB)`,
  )
  const posting = db.prepare('SELECT data FROM knowledge_postings WHERE collection = ? AND term = ? AND block = ?')
  const setPosting = db.prepare(
    'UPDATE knowledge_postings SET data = ? WHERE collection = ? AND term = ? AND block = ?',
  )
  const dropPosting = db.prepare('DELETE FROM knowledge_postings WHERE collection = ? AND term = ? AND block = ?')
  const postings = db.prepare(
    'SELECT block, data FROM knowledge_postings WHERE collection = ? AND term = ? ORDER BY block',
  )
  const frequency = db.prepare(
    'SELECT sum(length(data)) AS bytes FROM knowledge_postings WHERE collection = ? AND term = ?',
  )
  const signature = db.prepare('SELECT bits, sizes FROM knowledge_signatures WHERE collection = ? AND block = ?')
  const setSignature = db.prepare(
    `INSERT INTO knowledge_signatures (collection, block, bits, sizes) VALUES (?, ?, ?, ?)
     ON CONFLICT (collection, block) DO UPDATE SET bits = excluded.bits, sizes = excluded.sizes`,
  )
  const dropSignature = db.prepare('DELETE FROM knowledge_signatures WHERE collection = ? AND block = ?')
  const signatures = db.prepare(
    'SELECT block, bits, sizes FROM knowledge_signatures WHERE collection = ? ORDER BY block',
  )

  /**
   * Read whole for every question, and all of it is needed. Dropped at each change; should that be undone, what was read
   * in between names passages that are not there, which nobody finds.
   */
  const cache = new LRUCache<number, readonly SignatureBlock[]>({
    maxSize: MAX_CACHED,
    sizeCalculation: blocks => Math.max(1, blocks.length),
  })

  /** @returns the block of signatures that has `passage`, empty when there is none yet */
  function blockOf(collection: number, passage: number, width: number): { bits: Uint8Array; sizes: Uint8Array } {
    const row = signature.get(collection, Math.floor(passage / BLOCK))
    if (row !== undefined) return { bits: bytesOf(row['bits']), sizes: bytesOf(row['sizes']) }
    return { bits: new Uint8Array(BLOCK * width), sizes: new Uint8Array(BLOCK * SIZE_BYTES) }
  }

  return {
    addSection(collection: number, section: number, { counts, length }: Pick<Section, 'counts' | 'length'>): void {
      const block = Math.floor(section / BLOCK)
      for (const [term, count] of counts) {
        addPosting.run(collection, term, block, Uint8Array.of(section % BLOCK, count, length & 0xff, length >> 8))
      }
    },
    removeSection(collection: number, section: number, terms: readonly string[]): void {
      const block = Math.floor(section / BLOCK)
      for (const term of terms) {
        const data = bytesOf(posting.get(collection, term, block)?.['data'])
        const kept = without(data, section % BLOCK)
        if (kept.length === 0) dropPosting.run(collection, term, block)
        else setPosting.run(kept, collection, term, block)
      }
    },
    frequency: (collection: number, term: string): number =>
      Number(frequency.get(collection, term)?.['bytes'] ?? 0) / POSTING_BYTES,
    postings: (collection: number, term: string): Postings => joined(postings.all(collection, term)),

    /** @param passages with the numbers from `first` on */
    addSignatures(collection: number, first: number, passages: readonly IndexedPassage[]): void {
      cache.delete(collection)
      for (const [index, { signature: made }] of passages.entries()) {
        const passage = first + index
        const { bits, sizes } = blockOf(collection, passage, made.bits.length)
        bits.set(made.bits, (passage % BLOCK) * made.bits.length)
        view(sizes).setFloat32((passage % BLOCK) * SIZE_BYTES, made.size, true)
        setSignature.run(collection, Math.floor(passage / BLOCK), bits, sizes)
      }
    },
    removeSignature(collection: number, passage: number): void {
      cache.delete(collection)
      const { bits, sizes } = blockOf(collection, passage, 0)
      if (bits.length === 0) return
      view(sizes).setFloat32((passage % BLOCK) * SIZE_BYTES, 0, true)
      const block = Math.floor(passage / BLOCK)
      if (sizes.every(byte => byte === 0)) dropSignature.run(collection, block)
      else setSignature.run(collection, block, bits, sizes)
    },
    signatures(collection: number): readonly SignatureBlock[] {
      const known = cache.get(collection)
      if (known !== undefined) return known
      const read = signatures.all(collection).map(asSignatures)
      cache.set(collection, read)
      return read
    },
  }
}

function asSignatures(row: Record<string, unknown>): SignatureBlock {
  return {
    firstPassage: Number(row['block']) * BLOCK,
    bits: bytesOf(row['bits']),
    sizes: floats(view(bytesOf(row['sizes']))),
  }
}

function joined(rows: readonly Record<string, unknown>[]): Postings {
  const blocks = rows.map(row => ({ first: Number(row['block']) * BLOCK, data: bytesOf(row['data']) }))
  const total = blocks.reduce((sum, { data }) => sum + data.length / POSTING_BYTES, 0)
  const [sections, counts, lengths] = [new Uint32Array(total), new Uint8Array(total), new Uint16Array(total)]
  let at = 0
  for (const { first, data } of blocks) {
    for (let byte = 0; byte < data.length; byte += POSTING_BYTES, at++) {
      sections[at] = first + (data[byte] as number)
      counts[at] = data[byte + 1] as number
      lengths[at] = (data[byte + 2] as number) | ((data[byte + 3] as number) << 8)
    }
  }
  return { sections, counts, lengths }
}

function without(data: Uint8Array, slot: number): Uint8Array {
  const kept: number[] = []
  for (let byte = 0; byte < data.length; byte += POSTING_BYTES) {
    if (data[byte] !== slot) kept.push(...data.subarray(byte, byte + POSTING_BYTES))
  }
  return Uint8Array.from(kept)
}

function bytesOf(column: unknown): Uint8Array {
  return column instanceof Uint8Array ? column : new Uint8Array()
}

function floats(bytes: DataView): Float32Array {
  const values = new Float32Array(BLOCK)
  for (let slot = 0; slot < BLOCK; slot++) values[slot] = bytes.getFloat32(slot * SIZE_BYTES, true)
  return values
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
