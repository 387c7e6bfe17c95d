import type { Db } from '../../../storage/kept.ts'
import type { Postings } from '../search/search.ts'
import type { Section } from '../search/sections.ts'
import { BLOCK, bytesOf, placeOf } from './blocks.ts'

export type PostingRows = ReturnType<typeof createPostings>

/** Place in the block, count of the term, and two bytes of the section's length. */
const POSTING_BYTES = 4

/** In which sections each term occurs: packed rows, instead of one for every occurrence. */
export function createPostings(db: Db) {
  const add = db.prepare(
    // Joined bytes are text to SQLite until it is told otherwise.
    `INSERT INTO knowledge_postings (collection, term, block, data) VALUES (?, ?, ?, ?)
     ON CONFLICT (collection, term, block) DO UPDATE SET data = CAST(data || excluded.data AS BLOB)`,
  )
  const one = db.prepare('SELECT data FROM knowledge_postings WHERE collection = ? AND term = ? AND block = ?')
  const set = db.prepare('UPDATE knowledge_postings SET data = ? WHERE collection = ? AND term = ? AND block = ?')
  const drop = db.prepare('DELETE FROM knowledge_postings WHERE collection = ? AND term = ? AND block = ?')
  const all = db.prepare('SELECT block, data FROM knowledge_postings WHERE collection = ? AND term = ? ORDER BY block')
  const total = db.prepare(
    'SELECT sum(length(data)) AS bytes FROM knowledge_postings WHERE collection = ? AND term = ?',
  )

  return {
    add(collection: number, section: number, { counts, length }: Pick<Section, 'counts' | 'length'>): void {
      const { block, slot } = placeOf(section)
      for (const [term, count] of counts) {
        add.run(collection, term, block, Uint8Array.of(slot, count, length & 0xff, length >> 8))
      }
    },
    remove(collection: number, section: number, terms: readonly string[]): void {
      const { block, slot } = placeOf(section)
      for (const term of terms) {
        const kept = without(bytesOf(one.get(collection, term, block)?.['data']), slot)
        if (kept.length === 0) drop.run(collection, term, block)
        else set.run(kept, collection, term, block)
      }
    },
    /** In how many sections of the collection the term occurs. */
    frequency: (collection: number, term: string): number =>
      Number(total.get(collection, term)?.['bytes'] ?? 0) / POSTING_BYTES,
    of: (collection: number, term: string): Postings => joined(all.all(collection, term)),
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
