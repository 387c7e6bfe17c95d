import { CodedError } from '../../../kernel/errors.ts'
import { indexTerms } from '../../../text/index-terms.ts'
import { type Encode, encodeQuestion } from '../encode.ts'
import { inParallel } from '../parallel.ts'
import { gather } from '../search/gather.ts'
import { createMemoryShard, type MemoryShard } from '../search/memory-shard.ts'
import { type Question, search, statisticsOf } from '../search/search.ts'
import { type EncodedPassage, PASSAGES_A_SECTION, type Section, sectionOf } from '../search/sections.ts'
import { mergeStatistics } from '../search/statistics.ts'
import { average, type Measures, measure } from './measures.ts'
import { type EvalCode, type Judgements, type SmartEntry, textOf } from './smart.ts'

export interface Trial {
  readonly documents: readonly SmartEntry[]
  readonly queries: readonly SmartEntry[]
  readonly judgements: Judgements
  /** Whether judgements name queries by their place in the file, from 1, instead of by their `.I` number. */
  readonly positions: boolean
  /** Over how many shards to rank as well. */
  readonly shards: number
}

export interface TrialDeps {
  readonly encode: Encode
  /** Texts at work at a time. */
  readonly width: number
  readonly signal: AbortSignal
  readonly progress: (done: number, total: number) => void
}

export interface Evaluation extends Measures {
  readonly bm25Ndcg10: number
  readonly bm25Recall10: number
  readonly sharded: Measures & { readonly shards: number }
  /** Documents with words, and queries with a relevant document. */
  readonly documents: number
  readonly queries: number
}

/** Distinct documents are wanted, and a document may have several sections. */
const KEPT = 30

/** Measures the ranking of `ask` on a labelled collection, next to BM25 alone, on one index and over several. */
export async function evaluate(trial: Trial, deps: TrialDeps): Promise<Evaluation> {
  const asked = trial.queries.flatMap((query, index) => {
    const relevant = trial.judgements.get(trial.positions ? String(index + 1) : query.id)
    return relevant === undefined || relevant.size === 0 ? [] : [{ text: textOf(query), relevant }]
  })
  if (asked.length === 0) {
    throw new CodedError<EvalCode>('EVAL_NO_QUERIES', 'no query has a relevant document', {
      hint: 'when the judgements count queries by their place in the file, add --positions',
    })
  }
  const { fingerprint, indexed } = await index(trial, deps, asked.length)
  const whole = filled(1, indexed, fingerprint)
  const parts = filled(trial.shards, indexed, fingerprint)
  const measured: Record<'asked' | 'words' | 'sharded', Measures[]> = { asked: [], words: [], sharded: [] }
  for (const [number, { text, relevant }] of asked.entries()) {
    deps.signal.throwIfAborted()
    const question: Question = {
      terms: [...new Set(indexTerms(text))],
      ...(await encodeQuestion(deps.encode, text, deps.signal)),
    }
    measured.asked.push(measure(rankedDocuments(whole, question), relevant))
    measured.words.push(measure(rankedDocuments(whole, { ...question, vector: undefined }), relevant))
    measured.sharded.push(measure(rankedDocuments(parts, question), relevant))
    deps.progress(trial.documents.length + number + 1, trial.documents.length + asked.length)
  }
  const words = average(measured.words)
  return {
    ...average(measured.asked),
    bm25Ndcg10: words.ndcg10,
    bm25Recall10: words.recall10,
    sharded: { shards: trial.shards, ...average(measured.sharded) },
    documents: indexed.filter(({ sections }) => sections.length > 0).length,
    queries: asked.length,
  }
}

interface Indexed {
  readonly id: string
  readonly sections: readonly Section[]
}

async function index({ documents }: Trial, deps: TrialDeps, queries: number) {
  let fingerprint = ''
  let done = 0
  const sections = new Map<number, Section[]>()
  await inParallel(
    documents.entries(),
    () => deps.width,
    async ([number, document]) => {
      deps.signal.throwIfAborted()
      const text = textOf(document)
      const passages: EncodedPassage[] = []
      for await (const encoded of deps.encode(text, deps.signal)) {
        fingerprint = encoded.fingerprint
        passages.push(...encoded.passages)
      }
      sections.set(number, inSections(text, passages))
      done += 1
      deps.progress(done, documents.length + queries)
    },
  )
  const indexed = documents.map(({ id }, number): Indexed => ({ id, sections: sections.get(number) ?? [] }))
  return { fingerprint, indexed }
}

function inSections(text: string, passages: readonly EncodedPassage[]): Section[] {
  const starts = Array.from(
    { length: Math.ceil(passages.length / PASSAGES_A_SECTION) },
    (_, n) => n * PASSAGES_A_SECTION,
  )
  return starts.map(start => sectionOf(text, passages.slice(start, start + PASSAGES_A_SECTION)))
}

function filled(count: number, documents: readonly Indexed[], fingerprint: string): MemoryShard[] {
  const shards = Array.from({ length: count }, (_, number) => createMemoryShard(String(number), fingerprint))
  for (const [number, { id, sections }] of documents.entries())
    shards[number % count]?.add({ name: id, title: '' }, sections)
  return shards
}

/** Exactly what an `ask` does over collections and peers, without the peers. */
function rankedDocuments(shards: readonly MemoryShard[], question: Question): string[] {
  const statistics = mergeStatistics(
    shards.map(shard => statisticsOf(shard, question.terms)),
    question.terms.length,
  )
  const parts = shards.map(shard => {
    const { hits, extremes } = search(shard, question, statistics, KEPT)
    const shown = new Map(shard.show(hits.map(hit => hit.passage)).map(passage => [passage.passage, passage]))
    const finds = hits.flatMap(hit => {
      const passage = shown.get(hit.passage)
      return passage === undefined ? [] : [{ ...hit, text: passage.text, document: passage.name }]
    })
    return { finds, extremes }
  })
  return [...new Set(gather(parts, statistics).map(({ item }) => item.document))]
}
