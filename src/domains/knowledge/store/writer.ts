import type { Db, Writers } from '../../../storage/kept.ts'
import type { KnowledgeFact, KnownDocument } from '../collection.ts'
import type { Owner, SectionRows } from './sections.ts'

type CollectionWriters = Pick<Writers<KnowledgeFact>, 'knowledge.access' | 'knowledge.forgotten'>
type DocumentWriters = Omit<Writers<KnowledgeFact>, keyof CollectionWriters>

/** Where facts about knowledge are written. A document that is gone meanwhile is not filled: its facts say nothing. */
export function createKnowledgeWriters(db: Db, sections: SectionRows): Writers<KnowledgeFact> {
  return { ...collectionWriters(db), ...documentWriters(db, sections) }
}

function collectionWriters(db: Db): CollectionWriters {
  const setAccess = db.prepare(
    `INSERT INTO knowledge_collections (name, access) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET access = excluded.access`,
  )
  const forget = db.prepare(
    `DELETE FROM knowledge_collections WHERE name = ? AND id NOT IN (SELECT collection FROM knowledge_documents)`,
  )

  return {
    'knowledge.access': ({ collection, access }) => void setAccess.run(collection, JSON.stringify(access)),
    'knowledge.forgotten': ({ collection }) => void forget.run(collection),
  }
}

function documentWriters(db: Db, sections: SectionRows): DocumentWriters {
  const begin = db.prepare(
    `INSERT INTO knowledge_documents (id, collection, path, name, title, hash, bytes, modified, read, state)
     SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, 'partial' FROM knowledge_collections WHERE name = ?`,
  )
  const setFingerprint = db.prepare('UPDATE knowledge_collections SET fingerprint = ? WHERE name = ?')
  const owner = db.prepare('SELECT seq, collection FROM knowledge_documents WHERE id = ?')
  const replace = db.prepare(
    `UPDATE knowledge_documents SET state = 'dropped' WHERE state = 'whole' AND (collection, path) =
     (SELECT collection, path FROM knowledge_documents WHERE id = ?)`,
  )
  const setState = db.prepare('UPDATE knowledge_documents SET state = ? WHERE id = ?')
  const setStamp = db.prepare('UPDATE knowledge_documents SET modified = ?, read = ? WHERE id = ?')
  const dropEmpty = db.prepare(
    'DELETE FROM knowledge_documents WHERE seq = ? AND seq NOT IN (SELECT document FROM knowledge_sections)',
  )

  return {
    'knowledge.begun': ({ document, fingerprint }) => {
      begin.run(...columnsOf(document), document.collection)
      setFingerprint.run(fingerprint, document.collection)
    },
    'knowledge.filled': ({ document, sections: added }) => {
      const of = asOwner(owner.get(document))
      if (of !== undefined) for (const section of added) sections.add(of, section)
    },
    'knowledge.whole': ({ document }) => {
      replace.run(document)
      setState.run('whole', document)
    },
    'knowledge.unchanged': ({ document, modifiedMs, readMs }) =>
      void setStamp.run(Math.round(modifiedMs), Math.round(readMs), document),
    'knowledge.dropped': ({ document }) => void setState.run('dropped', document),
    'knowledge.swept': ({ document, sections: most }) => {
      const of = asOwner(owner.get(document))
      if (of === undefined) return
      sections.removeSome(of, most)
      dropEmpty.run(of.seq)
    },
  }
}

function asOwner(row: Record<string, unknown> | undefined): Owner | undefined {
  return row === undefined ? undefined : { seq: Number(row['seq']), collection: Number(row['collection']) }
}

function columnsOf({ id, path, name, title, hash, bytes, modifiedMs, readMs }: KnownDocument) {
  return [id, path, name, title, hash, bytes, Math.round(modifiedMs), Math.round(readMs)] as const
}
