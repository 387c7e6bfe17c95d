import { CodedError } from '../../../kernel/errors.ts'
import type { Commit } from '../../../kernel/outcome.ts'
import { type AccessList, accessOf, type KnowledgeCode, type KnowledgeFact, type KnownDocument } from '../collection.ts'
import type { EncodeDocument, Encoded } from '../encode.ts'
import { keep } from '../keep.ts'
import type { Shard } from '../search/search.ts'
import { type EncodedPassage, PASSAGES_A_SECTION, type Section, sectionOf } from '../search/sections.ts'
import { noteEncoded, type Tally } from './job.ts'

export interface FillDeps {
  readonly store: {
    shard(collection: string): Pick<Shard, 'fingerprint' | 'size'> | undefined
    accessLists(): AccessList[]
  }
  readonly commit: Commit<KnowledgeFact>
  readonly encode: EncodeDocument
}

/** A document on its way into its collection. */
export interface Filling {
  readonly document: KnownDocument
  readonly text: string
  readonly tally: Tally
  readonly signal: AbortSignal
}

/** Written at a time: about 20 ms of the event loop. */
const SECTIONS_A_COMMIT = 4

/** Encodes and writes a document, a few sections at a time. @returns false when it has no words that could be compared */
export async function fill(deps: FillDeps, filling: Filling): Promise<boolean> {
  const { commit } = deps
  const { document, text, tally } = filling
  let begun = false
  try {
    for await (const { fingerprint, passages } of inSections(deps, filling)) {
      if (!begun) await keep(commit, { kind: 'knowledge.begun', document, fingerprint })
      begun = true
      for (const sections of batches(text, passages))
        await keep(commit, { kind: 'knowledge.filled', document: document.id, sections })
      tally.passages += passages.length
    }
  } catch (error) {
    if (begun) await keep(commit, { kind: 'knowledge.dropped', document: document.id })
    throw error
  }
  if (begun) await keep(commit, { kind: 'knowledge.whole', document: document.id })
  return begun
}

/** Hands whole sections on as they come; the last one is as long as it is. */
async function* inSections({ store, encode }: FillDeps, filling: Filling): AsyncGenerator<Encoded> {
  const { document, text, tally, signal } = filling
  const { name, collection } = document
  const access = () => accessOf(collection, store.accessLists())
  let waiting: EncodedPassage[] = []
  let model = ''
  for await (const { fingerprint, passages, by } of encode({ name, text, access }, signal)) {
    requireModel(collection, fingerprint, store.shard(collection))
    if (by !== undefined) noteEncoded(tally, by, passages.length)
    model = fingerprint
    waiting.push(...passages)
    const whole = waiting.length - (waiting.length % PASSAGES_A_SECTION)
    if (whole > 0) yield { fingerprint, passages: waiting.slice(0, whole) }
    waiting = waiting.slice(whole)
  }
  if (waiting.length > 0) yield { fingerprint: model, passages: waiting }
}

function requireModel(name: string, fingerprint: string, shard: ReturnType<FillDeps['store']['shard']>): void {
  if (shard?.fingerprint === undefined || shard.fingerprint === fingerprint || shard.size().passages === 0) return
  throw new CodedError<KnowledgeCode>('KNOWLEDGE_MODEL_CHANGED', `"${name}" was indexed with another model`, {
    hint: `vectors of two models do not compare: "wattmesh collections remove ${name}", then ingest it again`,
  })
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
