import { DatabaseSync } from 'node:sqlite'
import type { KnowledgeFact } from '../../src/domains/knowledge/collection.ts'
import type { Encode, EncodeDocument } from '../../src/domains/knowledge/encode.ts'
import { PASSAGES_A_SECTION, type Section, sectionOf } from '../../src/domains/knowledge/search/sections.ts'
import { termsOf } from '../../src/domains/knowledge/search/words.ts'
import type { Commit } from '../../src/kernel/outcome.ts'
import { knowledgeFacts } from '../../src/storage/knowledge.ts'
import { migrate } from '../../src/storage/schema.ts'

export const FINGERPRINT = 'a'.repeat(64)
const DIMENSIONS = 64

/** A vector that is near another when the texts share words: deterministic, and no model. */
export function wordVector(text: string): Float32Array {
  const vector = new Float32Array(DIMENSIONS)
  for (const term of termsOf(text)) {
    let hash = 2166136261
    for (const character of term) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619)
    const place = (hash >>> 0) % DIMENSIONS
    vector[place] = (vector[place] ?? 0) + 1
  }
  const length = Math.hypot(...vector)
  return length === 0 ? vector : vector.map(value => value / length)
}

/** A passage a paragraph; those without words are left out. */
export function fakeEncode(fingerprint = FINGERPRINT): Encode {
  return async function* (text, signal) {
    let start = 0
    for (const paragraph of text.split(/(?<=\n\n)/u)) {
      signal.throwIfAborted()
      const end = start + paragraph.length
      const vector = wordVector(paragraph)
      if (vector.some(value => value !== 0)) yield { fingerprint, passages: [{ start, end, vector }] }
      start = end
    }
  }
}

/** Documents that never leave. */
export function here(encode: Encode): EncodeDocument {
  return ({ text }, signal) => encode(text, signal)
}

/** The sections of a text whose paragraphs are its passages. */
export async function sectionsOf(text: string): Promise<Section[]> {
  const passages = []
  for await (const encoded of fakeEncode()(text, new AbortController().signal)) passages.push(...encoded.passages)
  const sections: Section[] = []
  for (let at = 0; at < passages.length; at += PASSAGES_A_SECTION)
    sections.push(sectionOf(text, passages.slice(at, at + PASSAGES_A_SECTION)))
  return sections
}

/** The knowledge tables alone, in memory, written as a daemon writes them: a transaction a commit. */
export function openShelf() {
  const db = new DatabaseSync(':memory:')
  db.exec('PRAGMA foreign_keys = ON')
  migrate(db)
  const { writers, readers } = knowledgeFacts(db)
  const commit: Commit<KnowledgeFact> = async decide => {
    const outcome = decide()
    db.exec('BEGIN')
    for (const fact of outcome.facts) (writers[fact.kind] as (fact: KnowledgeFact) => void)(fact)
    db.exec('COMMIT')
    return outcome
  }
  let numbers = 0

  /** Puts a document on the shelf without a file. */
  async function put(collection: string, name: string, text: string): Promise<void> {
    const document = {
      id: `doc-${++numbers}`,
      collection,
      path: `/${name}`,
      name,
      title: '',
      hash: '',
      bytes: text.length,
      modifiedMs: 0,
      readMs: 0,
    }
    const isNew = readers.collections().every(other => other.name !== collection)
    const sections = await sectionsOf(text)
    await commit(() => ({
      facts: [
        ...(isNew ? [{ kind: 'knowledge.access', collection, access: { to: 'nobody' } } as const] : []),
        { kind: 'knowledge.begun', document, fingerprint: FINGERPRINT },
        { kind: 'knowledge.filled', document: document.id, sections },
        { kind: 'knowledge.whole', document: document.id },
      ],
      messages: [],
      answer: { status: 'ACK' },
    }))
  }

  /** Rows of every table of knowledge. */
  function rows(): Record<string, number> {
    const tables = ['collections', 'documents', 'sections', 'passages', 'vectors', 'signatures', 'postings']
    return Object.fromEntries(
      tables.map(table => [table, Number(db.prepare(`SELECT count(*) AS n FROM knowledge_${table}`).get()?.['n'])]),
    )
  }

  return { store: readers, commit, put, rows, close: () => db.close() }
}
