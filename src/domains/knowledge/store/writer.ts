import type { Db, Writers } from '../../../storage/kept.ts'
import type { Access, KnowledgeFact, KnownDocument } from '../collection.ts'
import type { Section } from '../search/sections.ts'
import type { createBlocks } from './blocks.ts'

interface Owner {
  readonly seq: number
  readonly collection: number
}

/** Where facts about knowledge are written. A document that is gone meanwhile is not filled: its facts say nothing. */
export function createKnowledgeWriters(db: Db, blocks: ReturnType<typeof createBlocks>): Writers<KnowledgeFact> {
  const setAccess = db.prepare(
    `INSERT INTO knowledge_collections (name, access) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET access = excluded.access`,
  )
  const setFingerprint = db.prepare('UPDATE knowledge_collections SET fingerprint = ? WHERE name = ?')
  const forget = db.prepare(
    `DELETE FROM knowledge_collections WHERE name = ? AND id NOT IN (SELECT collection FROM knowledge_documents)`,
  )
  const grow = db.prepare(
    'UPDATE knowledge_collections SET sections = sections + ?, passages = passages + ?, terms = terms + ? WHERE id = ?',
  )
  const begin = db.prepare(
    `INSERT INTO knowledge_documents (id, collection, path, name, title, hash, bytes, modified, read, state)
     SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, 'partial' FROM knowledge_collections WHERE name = ?`,
  )
  const ownerOf = db.prepare('SELECT seq, collection FROM knowledge_documents WHERE id = ?')
  const replace = db.prepare(
    `UPDATE knowledge_documents SET state = 'dropped' WHERE state = 'whole' AND (collection, path) =
     (SELECT collection, path FROM knowledge_documents WHERE id = ?)`,
  )
  const setState = db.prepare('UPDATE knowledge_documents SET state = ? WHERE id = ?')
  const setStamp = db.prepare('UPDATE knowledge_documents SET modified = ?, read = ? WHERE id = ?')
  const addSection = db.prepare('INSERT INTO knowledge_sections (document, length, terms) VALUES (?, ?, ?)')
  const addPassage = db.prepare('INSERT INTO knowledge_passages (section, start, end, text) VALUES (?, ?, ?, ?)')
  const addVector = db.prepare('INSERT INTO knowledge_vectors (passage, section, scale, vector) VALUES (?, ?, ?, ?)')
  const sectionsOf = db.prepare('SELECT id, length, terms FROM knowledge_sections WHERE document = ? LIMIT ?')
  const passagesOf = db.prepare('SELECT id FROM knowledge_passages WHERE section = ?')
  const dropVectors = db.prepare('DELETE FROM knowledge_vectors WHERE section = ?')
  const dropPassages = db.prepare('DELETE FROM knowledge_passages WHERE section = ?')
  const dropSection = db.prepare('DELETE FROM knowledge_sections WHERE id = ?')
  const dropDocument = db.prepare(
    'DELETE FROM knowledge_documents WHERE seq = ? AND seq NOT IN (SELECT document FROM knowledge_sections)',
  )

  function owner(document: string): Owner | undefined {
    const row = ownerOf.get(document)
    return row === undefined ? undefined : { seq: Number(row['seq']), collection: Number(row['collection']) }
  }

  function write({ seq, collection }: Owner, section: Section): void {
    const { passages, counts, length } = section
    const id = Number(addSection.run(seq, length, [...counts.keys()].join(' ')).lastInsertRowid)
    const numbers = passages.map(({ start, end, text, vector }) => {
      const passage = Number(addPassage.run(id, start, end, text).lastInsertRowid)
      addVector.run(passage, id, vector.scale, Uint8Array.from(vector.values))
      return passage
    })
    blocks.addSection(collection, id, section)
    blocks.addSignatures(collection, numbers[0] ?? 0, passages)
    grow.run(1, passages.length, length, collection)
  }

  function remove({ collection }: Owner, row: Record<string, unknown>): void {
    const id = Number(row['id'])
    const passages = passagesOf.all(id).map(passage => Number(passage['id']))
    blocks.removeSection(collection, id, String(row['terms']).split(' ').filter(Boolean))
    for (const passage of passages) blocks.removeSignature(collection, passage)
    dropVectors.run(id)
    dropPassages.run(id)
    dropSection.run(id)
    grow.run(-1, -passages.length, -Number(row['length']), collection)
  }

  return {
    'knowledge.access': ({ collection, access }) => void setAccess.run(collection, accessText(access)),
    'knowledge.begun': ({ document, fingerprint }) => {
      begin.run(...columnsOf(document), document.collection)
      setFingerprint.run(fingerprint, document.collection)
    },
    'knowledge.filled': ({ document, sections }) => {
      const of = owner(document)
      if (of !== undefined) for (const section of sections) write(of, section)
    },
    'knowledge.whole': ({ document }) => {
      replace.run(document)
      setState.run('whole', document)
    },
    'knowledge.unchanged': ({ document, modifiedMs, readMs }) =>
      void setStamp.run(Math.round(modifiedMs), Math.round(readMs), document),
    'knowledge.dropped': ({ document }) => void setState.run('dropped', document),
    'knowledge.swept': ({ document, sections }) => {
      const of = owner(document)
      if (of === undefined) return
      for (const row of sectionsOf.all(of.seq, sections)) remove(of, row)
      dropDocument.run(of.seq)
    },
    'knowledge.forgotten': ({ collection }) => void forget.run(collection),
  }
}

function columnsOf({ id, path, name, title, hash, bytes, modifiedMs, readMs }: KnownDocument) {
  return [id, path, name, title, hash, bytes, Math.round(modifiedMs), Math.round(readMs)] as const
}

function accessText(access: Access): string {
  return JSON.stringify(access)
}
