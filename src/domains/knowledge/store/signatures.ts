import { LRUCache } from 'lru-cache'
import type { Db } from '../../../storage/kept.ts'
import type { SignatureBlock } from '../search/search.ts'
import type { IndexedPassage } from '../search/sections.ts'
import { BLOCK, bytesOf, placeOf } from './blocks.ts'

export type SignatureRows = ReturnType<typeof createSignatures>

const SIZE_BYTES = 4

/** Blocks in memory, of the collections asked last: those of a million passages are 68 MB. */
const MAX_CACHED = 4_096

/** The signatures of passages: packed rows, instead of one for every passage. */
export function createSignatures(db: Db) {
  const one = db.prepare('SELECT bits, sizes FROM knowledge_signatures WHERE collection = ? AND block = ?')
  const set = db.prepare(
    `INSERT INTO knowledge_signatures (collection, block, bits, sizes) VALUES (?, ?, ?, ?)
     ON CONFLICT (collection, block) DO UPDATE SET bits = excluded.bits, sizes = excluded.sizes`,
  )
  const drop = db.prepare('DELETE FROM knowledge_signatures WHERE collection = ? AND block = ?')
  const all = db.prepare('SELECT block, bits, sizes FROM knowledge_signatures WHERE collection = ? ORDER BY block')

  /**
   * Read whole for every question, and all of it is needed. Dropped at each change; should that be undone, what was read
   * in between names passages that are not there, which nobody finds.
   */
  const cache = new LRUCache<number, readonly SignatureBlock[]>({
    maxSize: MAX_CACHED,
    sizeCalculation: blocks => Math.max(1, blocks.length),
  })

  return {
    /** @param passages with the numbers from `first` on */
    add(collection: number, first: number, passages: readonly IndexedPassage[]): void {
      cache.delete(collection)
      for (const [index, { signature }] of passages.entries()) {
        const { block, slot } = placeOf(first + index)
        const { bits, sizes } = columnsOf(one.get(collection, block)) ?? emptyColumns(signature.bits.length)
        bits.set(signature.bits, slot * signature.bits.length)
        view(sizes).setFloat32(slot * SIZE_BYTES, signature.size, true)
        set.run(collection, block, bits, sizes)
      }
    },
    remove(collection: number, passage: number): void {
      cache.delete(collection)
      const { block, slot } = placeOf(passage)
      const columns = columnsOf(one.get(collection, block))
      if (columns === undefined) return
      const { bits, sizes } = columns
      view(sizes).setFloat32(slot * SIZE_BYTES, 0, true)
      if (sizes.every(byte => byte === 0)) drop.run(collection, block)
      else set.run(collection, block, bits, sizes)
    },
    of(collection: number): readonly SignatureBlock[] {
      const known = cache.get(collection)
      if (known !== undefined) return known
      const read = all.all(collection).map(asSignatures)
      cache.set(collection, read)
      return read
    },
  }
}

interface Columns {
  readonly bits: Uint8Array
  readonly sizes: Uint8Array
}

function columnsOf(row: Record<string, unknown> | undefined): Columns | undefined {
  return row === undefined ? undefined : { bits: bytesOf(row['bits']), sizes: bytesOf(row['sizes']) }
}

/** @param width bytes of bits a signature has */
function emptyColumns(width: number): Columns {
  return { bits: new Uint8Array(BLOCK * width), sizes: new Uint8Array(BLOCK * SIZE_BYTES) }
}

function asSignatures(row: Record<string, unknown>): SignatureBlock {
  return {
    firstPassage: Number(row['block']) * BLOCK,
    bits: bytesOf(row['bits']),
    sizes: floats(view(bytesOf(row['sizes']))),
  }
}

function floats(bytes: DataView): Float32Array {
  const values = new Float32Array(BLOCK)
  for (let slot = 0; slot < BLOCK; slot++) values[slot] = bytes.getFloat32(slot * SIZE_BYTES, true)
  return values
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
