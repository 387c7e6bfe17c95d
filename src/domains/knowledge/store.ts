import { applyBy, type Db, type Kept } from '../../storage/kept.ts'
import type { Access, AccessList, Collection, KnowledgeFact, KnownDocument } from './collection.ts'
import type { Shard } from './search/search.ts'
import { createPostings } from './store/postings.ts'
import { createSections } from './store/sections.ts'
import { createShards } from './store/shard.ts'
import { createSignatures } from './store/signatures.ts'
import { createKnowledgeWriters } from './store/writer.ts'

export interface KnowledgeRead {
  collections(): Collection[]
  /** What they are called and who may read them, without counting what is in them. */
  accessLists(): AccessList[]
  document(collection: string, path: string): KnownDocument | undefined
  /** In order of their paths, those after `path`. */
  documents(collection: string, path: string, limit: number): KnownDocument[]
  /** Documents replaced or removed, and not yet swept. */
  dropped(limit: number): string[]
  /** Those, and what an earlier life began and did not end: right only while nothing is being read. */
  debris(): string[]
  shard(collection: string): Shard | undefined
}

/** Collections of documents: where facts about them are written, and how they are read back and searched. */
export function knowledgeStore(db: Db): Kept<KnowledgeFact, KnowledgeRead> {
  const postings = createPostings(db)
  const signatures = createSignatures(db)
  const sections = createSections(db, postings, signatures)
  const collections = db.prepare(
    `SELECT c.name, c.access, c.fingerprint, c.passages, count(d.id) AS documents, coalesce(sum(d.bytes), 0) AS bytes
     FROM knowledge_collections c LEFT JOIN knowledge_documents d ON d.collection = c.id AND d.state = 'whole'
     GROUP BY c.id ORDER BY c.name`,
  )
  const accessLists = db.prepare('SELECT name, access FROM knowledge_collections ORDER BY name')
  const document = db.prepare(
    `SELECT d.*, c.name AS owner FROM knowledge_documents d JOIN knowledge_collections c ON c.id = d.collection
     WHERE c.name = ? AND d.path = ? AND d.state = 'whole'`,
  )
  const documents = db.prepare(
    `SELECT d.*, c.name AS owner FROM knowledge_documents d JOIN knowledge_collections c ON c.id = d.collection
     WHERE c.name = ? AND d.path > ? AND d.state = 'whole' ORDER BY d.path LIMIT ?`,
  )
  const debris = db.prepare(`SELECT id FROM knowledge_documents WHERE state <> 'whole' ORDER BY seq`)
  const dropped = db.prepare(`SELECT id FROM knowledge_documents WHERE state = 'dropped' ORDER BY seq LIMIT ?`)
  const ids = (rows: Record<string, unknown>[]): string[] => rows.map(row => String(row['id']))

  return {
    apply: applyBy<KnowledgeFact>(createKnowledgeWriters(db, sections)),
    read: {
      collections: () => collections.all().map(asCollection),
      accessLists: () => accessLists.all().map(asAccessList),
      document: (collection, path) => document.all(collection, path).map(asDocument)[0],
      documents: (collection, path, limit) => documents.all(collection, path, limit).map(asDocument),
      dropped: limit => ids(dropped.all(limit)),
      debris: () => ids(debris.all()),
      shard: createShards(db, postings, signatures),
    },
  }
}

function asCollection(row: Record<string, unknown>): Collection {
  return {
    name: String(row['name']),
    access: accessOf(row),
    fingerprint: typeof row['fingerprint'] === 'string' ? row['fingerprint'] : undefined,
    documents: Number(row['documents']),
    passages: Number(row['passages']),
    bytes: Number(row['bytes']),
  }
}

function asAccessList(row: Record<string, unknown>): AccessList {
  return { name: String(row['name']), access: accessOf(row) }
}

/** Only our own writer writes it. */
function accessOf(row: Record<string, unknown>): Access {
  return JSON.parse(String(row['access'])) as Access
}

function asDocument(row: Record<string, unknown>): KnownDocument {
  return {
    id: String(row['id']),
    collection: String(row['owner']),
    path: String(row['path']),
    name: String(row['name']),
    title: String(row['title']),
    hash: String(row['hash']),
    bytes: Number(row['bytes']),
    modifiedMs: Number(row['modified']),
    readMs: Number(row['read']),
  }
}
