import type { Db } from '../../../storage/kept.ts'
import type { Shard, ShownPassage, StoredVector } from '../search/search.ts'
import type { PostingRows } from './postings.ts'
import type { SignatureRows } from './signatures.ts'

/** Opens collections for search; every reading is of the database as it is then. */
export function createShards(db: Db, postings: PostingRows, signatures: SignatureRows) {
  const collection = db.prepare(
    'SELECT id, fingerprint, sections, terms, passages FROM knowledge_collections WHERE name = ?',
  )
  const vector = db.prepare('SELECT passage, section, scale, vector FROM knowledge_vectors WHERE passage = ?')
  const vectorsOf = db.prepare(
    'SELECT passage, section, scale, vector FROM knowledge_vectors WHERE section = ? ORDER BY passage',
  )
  const shown = db.prepare(
    `SELECT p.id AS passage, p.section, d.path, d.name, d.title, p.start, p.end, p.text
     FROM knowledge_passages p JOIN knowledge_sections s ON s.id = p.section JOIN knowledge_documents d ON d.seq = s.document
     WHERE p.id = ? AND d.state = 'whole'`,
  )

  /** undefined: no such collection. */
  return (name: string): Shard | undefined => {
    const row = collection.get(name)
    if (row === undefined) return undefined
    const id = Number(row['id'])
    return {
      collection: name,
      fingerprint: typeof row['fingerprint'] === 'string' ? row['fingerprint'] : undefined,
      size: () => ({
        sections: Number(row['sections']),
        terms: Number(row['terms']),
        passages: Number(row['passages']),
      }),
      frequency: term => postings.frequency(id, term),
      postings: term => postings.of(id, term),
      signatures: () => signatures.of(id),
      vectors: passages => passages.flatMap(passage => vector.all(passage).map(asVector)),
      vectorsOf: sections => sections.flatMap(section => vectorsOf.all(section).map(asVector)),
      show: passages => passages.flatMap(passage => shown.all(passage).map(asShown)),
    }
  }
}

function asVector(row: Record<string, unknown>): StoredVector {
  const bytes = row['vector'] as Uint8Array
  return {
    passage: Number(row['passage']),
    section: Number(row['section']),
    scale: Number(row['scale']),
    values: new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  }
}

function asShown(row: Record<string, unknown>): ShownPassage {
  return {
    passage: Number(row['passage']),
    section: Number(row['section']),
    path: String(row['path']),
    name: String(row['name']),
    title: String(row['title']),
    start: Number(row['start']),
    end: Number(row['end']),
    text: String(row['text']),
  }
}
