import { isAbsolute, relative } from 'node:path'
import { LRUCache } from 'lru-cache'
import { CodedError } from '../../../kernel/errors.ts'
import { type Commit, outcome } from '../../../kernel/outcome.ts'
import {
  type Access,
  type AccessList,
  type KnowledgeCode,
  type KnowledgeFact,
  type KnownDocument,
  PRIVATE,
} from '../collection.ts'
import type { EncodeDocument } from '../encode.ts'
import type { ReadAnswer, ReadRequest } from '../reading/reader.ts'
import type { Shard } from '../search/search.ts'
import { type EncodedPassage, PASSAGES_A_SECTION, type Section, sectionOf } from '../search/sections.ts'
import { noteEncoded, noteSkipped, type Tally } from './job.ts'
import type { FoundFile, Walked } from './walk.ts'

export interface IntakeDeps {
  readonly store: {
    shard(collection: string): Pick<Shard, 'fingerprint' | 'size'> | undefined
    document(collection: string, path: string): KnownDocument | undefined
    documents(collection: string, path: string, limit: number): KnownDocument[]
    accessLists(): AccessList[]
  }
  readonly commit: Commit<KnowledgeFact>
  /** In a worker thread. */
  readonly read: (request: ReadRequest, signal: AbortSignal) => Promise<ReadAnswer>
  readonly encode: EncodeDocument
  readonly newId: () => string
  readonly now: () => number
  readonly maxFileBytes: number
}

/** Written at a time: about 20 ms of the event loop. */
const SECTIONS_A_COMMIT = 4
/** Documents looked at in one turn of the event loop. */
const PAGE = 500
/** A file changed so shortly before it was read may have changed again within the same tick of the file system. */
const RACY_MS = 2_000

/** Files without words, such as scans, that are not read again while the daemon runs; their reasons take a megabyte. */
const MAX_WORDLESS = 4_096

/** By which a file is known to be as it was. */
type Stamp = Pick<KnownDocument, 'bytes' | 'modifiedMs' | 'readMs'>

interface Wordless {
  readonly code: string
  readonly reason: string
}

interface Unread extends Wordless {
  readonly lasting: boolean
  readonly before: KnownDocument | undefined
  readonly readMs: number
}

type Read = Extract<ReadAnswer, { status: 'read' }>

/** One file of a folder into a collection: nothing when it has not changed, in place of what was read of it before. */
export function createIntake({ store, commit, read, encode, newId, now, maxFileBytes }: IntakeDeps) {
  const keep = (...facts: KnowledgeFact[]) => commit(() => outcome<KnowledgeFact>(facts))

  /** As it is now; of a collection that is gone, nobody's. */
  function accessOf(collection: string): Access {
    return store.accessLists().find(({ name }) => name === collection)?.access ?? PRIVATE
  }

  const wordless = new LRUCache<string, Stamp & Wordless>({ max: MAX_WORDLESS })

  async function take(file: FoundFile, tally: Tally, signal: AbortSignal): Promise<void> {
    const before = store.document(tally.collection, file.path)
    if (before !== undefined && sameStamp(before, file)) {
      tally.unchanged += 1
      return
    }
    const had = wordless.get(file.path)
    if (had !== undefined && sameStamp(had, file)) return await skip(file, tally, { ...had, lasting: true, before })
    const readMs = now()
    const request = { path: file.path, name: file.name, hash: before?.hash, maxBytes: maxFileBytes }
    const answer = await read(request, signal)
    if (answer.status === 'unchanged') await touched(before, file, { tally, readMs })
    else if (answer.status === 'unreadable') await without(file, tally, { ...answer, before, readMs })
    else await index(file, answer, { tally, signal, before, readMs })
  }

  /** The same content: next time its stamp alone will tell. */
  async function touched(
    before: KnownDocument | undefined,
    { modifiedMs }: FoundFile,
    { tally, readMs }: { tally: Tally; readMs: number },
  ): Promise<void> {
    tally.unchanged += 1
    if (before !== undefined) await keep({ kind: 'knowledge.unchanged', document: before.id, modifiedMs, readMs })
  }

  /** Remembers what has no words by its content; what the disk or a thread made of it is tried again. */
  async function without(file: FoundFile, tally: Tally, why: Unread): Promise<void> {
    const { code, reason, readMs } = why
    if (why.lasting && code !== 'READ_FAILED') {
      const modifiedMs = Math.round(file.modifiedMs)
      wordless.set(file.path, { code, reason, bytes: file.bytes, modifiedMs, readMs })
    }
    await skip(file, tally, why)
  }

  async function skip({ path }: FoundFile, tally: Tally, why: Omit<Unread, 'readMs'>): Promise<void> {
    noteSkipped(tally, { path, code: why.code, reason: why.reason })
    if (why.before === undefined || !why.lasting) return
    await keep({ kind: 'knowledge.dropped', document: why.before.id })
    tally.removed += 1
  }

  async function index(
    file: FoundFile,
    { text, title, hash, bytes }: Read,
    how: { tally: Tally; signal: AbortSignal; before: KnownDocument | undefined; readMs: number },
  ): Promise<void> {
    const { path, name, modifiedMs } = file
    const { tally, signal, before, readMs } = how
    const { collection } = tally
    const document = { id: newId(), collection, path, name, title, hash, bytes, modifiedMs, readMs }
    const begun = { any: false }
    const write = async (passages: readonly EncodedPassage[], fingerprint: string): Promise<void> => {
      if (!begun.any) await keep({ kind: 'knowledge.begun', document, fingerprint })
      begun.any = true
      for (const sections of batches(text, passages))
        await keep({ kind: 'knowledge.filled', document: document.id, sections })
      tally.passages += passages.length
    }
    try {
      await encoded({ name, text }, tally, { write, signal })
    } catch (error) {
      if (begun.any) await keep({ kind: 'knowledge.dropped', document: document.id })
      throw error
    }
    if (!begun.any) {
      const reason = `${name} has no words that could be compared`
      return await without(file, tally, { code: 'TEXT_EMPTY', reason, lasting: true, before, readMs })
    }
    await keep({ kind: 'knowledge.whole', document: document.id })
    if (before === undefined) tally.added += 1
    else tally.changed += 1
  }

  /** Hands whole sections on as they come; the last one is as long as it is. */
  async function encoded(
    { name, text }: { name: string; text: string },
    tally: Tally,
    {
      write,
      signal,
    }: { write: (passages: readonly EncodedPassage[], fingerprint: string) => Promise<void>; signal: AbortSignal },
  ): Promise<void> {
    let waiting: EncodedPassage[] = []
    let model = ''
    const access = () => accessOf(tally.collection)
    for await (const { fingerprint, passages, by } of encode({ name, text, access }, signal)) {
      requireModel(tally.collection, fingerprint)
      if (by !== undefined) noteEncoded(tally, by, passages.length)
      model = fingerprint
      waiting.push(...passages)
      const whole = waiting.length - (waiting.length % PASSAGES_A_SECTION)
      if (whole > 0) await write(waiting.slice(0, whole), model)
      waiting = waiting.slice(whole)
    }
    if (waiting.length > 0) await write(waiting, model)
  }

  function requireModel(name: string, fingerprint: string): void {
    const shard = store.shard(name)
    if (shard?.fingerprint === undefined || shard.fingerprint === fingerprint || shard.size().passages === 0) return
    throw new CodedError<KnowledgeCode>('KNOWLEDGE_MODEL_CHANGED', `"${name}" was indexed with another model`, {
      hint: `vectors of two models do not compare: "wattmesh collections remove ${name}", then ingest it again`,
    })
  }

  /** Drops what was read below the roots and is there no longer; what could not be looked at stays. */
  async function prune({ roots, files, passed }: Walked, tally: Tally): Promise<void> {
    const there = new Set(files.map(({ path }) => path))
    const isGone = ({ path }: KnownDocument): boolean =>
      !there.has(path) && roots.some(root => isWithin(path, root)) && passed.every(other => !isWithin(path, other.path))
    let page = store.documents(tally.collection, '', PAGE)
    while (page.length > 0) {
      const gone = page.filter(isGone).map(({ id }): KnowledgeFact => ({ kind: 'knowledge.dropped', document: id }))
      await keep(...gone)
      tally.removed += gone.length
      page = store.documents(tally.collection, page.at(-1)?.path ?? '', PAGE)
    }
  }

  return { take, prune, accessOf }
}

function sameStamp(before: Stamp, { bytes, modifiedMs }: FoundFile): boolean {
  const same = before.bytes === bytes && before.modifiedMs === Math.round(modifiedMs)
  return same && before.readMs - modifiedMs > RACY_MS
}

function* batches(text: string, passages: readonly EncodedPassage[]): Generator<Section[]> {
  let batch: Section[] = []
  for (let start = 0; start < passages.length; start += PASSAGES_A_SECTION) {
    batch.push(sectionOf(text, passages.slice(start, start + PASSAGES_A_SECTION)))
    if (batch.length < SECTIONS_A_COMMIT) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

function isWithin(path: string, root: string): boolean {
  const way = relative(root, path)
  return way === '' || !(way.startsWith('..') || isAbsolute(way))
}
