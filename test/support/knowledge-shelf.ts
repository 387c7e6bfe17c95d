import type { KnowledgeFact } from '../../src/domains/knowledge/collection.ts'
import type { Encode, EncodeDocument } from '../../src/domains/knowledge/encode.ts'
import { PASSAGES_A_SECTION, type Section, sectionOf } from '../../src/domains/knowledge/search/sections.ts'
import { knowledgeStore } from '../../src/domains/knowledge/store.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import type { Commit } from '../../src/kernel/outcome.ts'
import type { Db } from '../../src/storage/kept.ts'
import { openStorage } from '../../src/storage/storage.ts'
import { indexTerms } from '../../src/text/index-terms.ts'

export const FINGERPRINT = 'a'.repeat(64)
const DIMENSIONS = 64

/** A vector that is near another when the texts share words: deterministic, and no model. */
export function wordVector(text: string): Float32Array {
  const vector = new Float32Array(DIMENSIONS)
  for (const term of indexTerms(text)) {
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

/** The store of knowledge, in memory, written as a daemon writes it. */
export function openShelf() {
  const storage = openStorage(':memory:', { clock: systemClock, metrics: createMetrics() })
  let beneath: Db | undefined
  const { read, apply } = storage.open({
    name: 'knowledge',
    store(db) {
      beneath = db
      return knowledgeStore(db)
    },
  })
  const commit: Commit<KnowledgeFact> = decide =>
    storage.write(() => {
      const outcome = decide()
      outcome.facts.forEach(apply)
      return outcome
    })
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
    const isNew = read.collections().every(other => other.name !== collection)
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
      tables.map(table => [
        table,
        Number(beneath?.prepare(`SELECT count(*) AS n FROM knowledge_${table}`).get()?.['n']),
      ]),
    )
  }

  return { store: read, commit, put, rows, close: storage.stop }
}
