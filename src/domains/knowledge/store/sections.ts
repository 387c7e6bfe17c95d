import type { Db } from '../../../storage/kept.ts'
import type { Section } from '../search/sections.ts'
import type { PostingRows } from './postings.ts'
import type { SignatureRows } from './signatures.ts'

export type SectionRows = ReturnType<typeof createSections>

/** The rows of a document and of its collection. */
export interface Owner {
  readonly seq: number
  readonly collection: number
}

/** The sections of documents, with their passages and all by which these are found. */
export function createSections(db: Db, postings: PostingRows, signatures: SignatureRows) {
  const addSection = db.prepare('INSERT INTO knowledge_sections (document, length, terms) VALUES (?, ?, ?)')
  const addPassage = db.prepare('INSERT INTO knowledge_passages (section, start, end, text) VALUES (?, ?, ?, ?)')
  const addVector = db.prepare('INSERT INTO knowledge_vectors (passage, section, scale, vector) VALUES (?, ?, ?, ?)')
  const sectionsOf = db.prepare('SELECT id, length, terms FROM knowledge_sections WHERE document = ? LIMIT ?')
  const passagesOf = db.prepare('SELECT id FROM knowledge_passages WHERE section = ?')
  const dropVectors = db.prepare('DELETE FROM knowledge_vectors WHERE section = ?')
  const dropPassages = db.prepare('DELETE FROM knowledge_passages WHERE section = ?')
  const dropSection = db.prepare('DELETE FROM knowledge_sections WHERE id = ?')
  const grow = db.prepare(
    'UPDATE knowledge_collections SET sections = sections + ?, passages = passages + ?, terms = terms + ? WHERE id = ?',
  )

  function remove(collection: number, row: Record<string, unknown>): void {
    const id = Number(row['id'])
    const passages = passagesOf.all(id).map(passage => Number(passage['id']))
    postings.remove(collection, id, String(row['terms']).split(' ').filter(Boolean))
    for (const passage of passages) signatures.remove(collection, passage)
    dropVectors.run(id)
    dropPassages.run(id)
    dropSection.run(id)
    grow.run(-1, -passages.length, -Number(row['length']), collection)
  }

  return {
    add({ seq, collection }: Owner, section: Section): void {
      const { passages, counts, length } = section
      const id = Number(addSection.run(seq, length, [...counts.keys()].join(' ')).lastInsertRowid)
      const numbers = passages.map(({ start, end, text, vector }) => {
        const passage = Number(addPassage.run(id, start, end, text).lastInsertRowid)
        addVector.run(passage, id, vector.scale, Uint8Array.from(vector.values))
        return passage
      })
      postings.add(collection, id, section)
      signatures.add(collection, numbers[0] ?? 0, passages)
      grow.run(1, passages.length, length, collection)
    },
    removeSome({ seq, collection }: Owner, most: number): void {
      for (const row of sectionsOf.all(seq, most)) remove(collection, row)
    },
  }
}
