import type { z } from 'zod'
import type { Row } from '../../daemon/domain.ts'
import type { PeerId } from '../../kernel/ids.ts'
import { type JsonObject, type Outcome, refused } from '../../kernel/outcome.ts'
import { createRateLimit } from '../../kernel/rate.ts'
import { type KnowledgeCode, type KnowledgeFact, mayRead } from './collection.ts'
import {
  QUERY,
  type Query,
  querySchema,
  SHARES,
  type SharedFind,
  type SharedFound,
  STATISTICS,
  type StatisticsAsked,
  statisticsAskedSchema,
} from './messages.ts'
import type { Question } from './search/search.ts'
import type { createShards, LocalFind, ShardStore } from './search/shards.ts'
import { vectorFromText } from './search/vectors.ts'

export interface AnsweringDeps {
  readonly store: Pick<ShardStore, 'accessLists'>
  readonly shards: ReturnType<typeof createShards>
  readonly now: () => number
}

export interface Answering {
  readonly messages: ReadonlyMap<string, Row<KnowledgeFact>>
  /** What to advertise: whether there is anything that somebody else may read, not what or who. */
  kinds(): readonly string[]
}

/** Searching a hundred thousand passages takes about 20 ms: nobody who goes on asking gets more of us than a tenth. */
const [MAX_ASKED, ASKED_WITHIN_MS] = [40, 10_000]
const MAX_ASKERS = 1_024

/** Answers peers about the collections they may read. Another's question leaves no trace here but in counters. */
export function createAnswering({ store, shards, now }: AnsweringDeps): Answering {
  const questions = createRateLimit<PeerId>({
    burst: MAX_ASKED,
    perSecond: (MAX_ASKED * 1000) / ASKED_WITHIN_MS,
    maxKeys: MAX_ASKERS,
    now,
  })

  function answered(peer: PeerId, details: () => object): Outcome<KnowledgeFact> {
    if (!questions.take(peer)) {
      const code: KnowledgeCode = 'KNOWLEDGE_BUSY'
      return refused(code, `more than ${MAX_ASKED} questions in ${ASKED_WITHIN_MS / 1000} s; ask again later`)
    }
    return { facts: [], messages: [], answer: { status: 'ACK', details: details() as JsonObject } }
  }

  function statistics(peer: PeerId, { terms, collection }: StatisticsAsked): Outcome<KnowledgeFact> {
    return answered(peer, () => shards.statistics(terms, access => mayRead(access, peer), collection))
  }

  function query(peer: PeerId, asked: Query): Outcome<KnowledgeFact> {
    const { terms, collection: only, statistics, meaning, wanted } = asked
    const question: Question = {
      terms,
      fingerprint: meaning?.fingerprint,
      vector: meaning === undefined ? undefined : vectorFromText(meaning.vector),
    }
    return answered(peer, (): SharedFound => {
      const { finds, extremes } = shards.search(question, access => mayRead(access, peer), { only, statistics, wanted })
      return { finds: finds.map(shared), ...(extremes === undefined ? {} : { extremes }) }
    })
  }

  return {
    messages: new Map([
      [STATISTICS, direct(statisticsAskedSchema, statistics)],
      [QUERY, direct(querySchema, query)],
    ]),
    kinds: () => (store.accessLists().some(({ access }) => access.to !== 'nobody') ? [SHARES] : []),
  }
}

/** What is not kept is in no journal: neither what was asked nor what was answered. */
function direct<T>(
  payload: z.ZodType<T>,
  handle: (peer: PeerId, asked: T) => Outcome<KnowledgeFact>,
): Row<KnowledgeFact> {
  return {
    payload,
    carriers: ['stream'],
    stream: 'knowledge',
    sealed: false,
    kept: false,
    handle: (envelope, said) => handle(envelope.sender_id, said as T),
  }
}

/** Without the path: where a file lies is its owner's business. */
function shared({ collection, shown: { name, title, start }, text, counts, length, closeness }: LocalFind): SharedFind {
  const own = { collection, name: name.slice(0, 4_096).toWellFormed(), title, start, text, counts: [...counts], length }
  return closeness === undefined ? own : { ...own, closeness }
}
