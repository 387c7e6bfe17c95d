import { CodedError } from '../../../kernel/errors.ts'
import type { PeerId } from '../../../kernel/ids.ts'
import { indexTerms } from '../../../text/index-terms.ts'
import type { KnowledgeCode } from '../collection.ts'
import { type Encode, encodeQuestion } from '../encode.ts'
import { MAX_TERMS, MAX_WANTED } from '../messages.ts'
import { gather, type Part } from '../search/gather.ts'
import type { Scored } from '../search/ranking.ts'
import type { Question } from '../search/search.ts'
import type { createShards } from '../search/shards.ts'
import { mergeStatistics, type Statistics } from '../search/statistics.ts'
import type { Answered, AskRequest, Passage } from './answered.ts'
import { createHonesty } from './honesty.ts'
import { createRemote, type RemoteDeps } from './remote.ts'

export interface AskDeps extends RemoteDeps {
  readonly shards: ReturnType<typeof createShards>
  readonly encode: Encode
  /** Connected peers that advertise that they share, in the order in which they are to be asked. */
  readonly sharers: () => readonly PeerId[]
}

/** Asked at a time: beyond that a question costs a network more than its answer is worth. */
export const MAX_PEERS = 32
/** A few pages; what is longer is a document. */
const MAX_QUESTION = 4_000

/**
 * Answers from one's own collections and those of peers: statistics of everybody first, then everybody searches with
 * the same ones, then all finds are ranked as if one had held everything. Nothing of it is kept.
 */
export function createAsk(deps: AskDeps) {
  const { shards, encode } = deps
  const remote = createRemote(deps)
  const mine = () => true

  async function understood(text: string, signal: AbortSignal): Promise<Question> {
    const asked = text.slice(0, MAX_QUESTION).toWellFormed()
    const terms = [...new Set(indexTerms(asked))].slice(0, MAX_TERMS)
    const question = { terms, ...(/\S/u.test(asked) ? await encodeQuestion(encode, asked, signal) : NO_MEANING) }
    if (terms.length > 0 || question.vector !== undefined) return question
    throw new CodedError<KnowledgeCode>('KNOWLEDGE_EMPTY_QUESTION', 'the question has no word to look for', {
      hint: 'ask in a few words, like: wattmesh ask "warranty of the heat pump"',
    })
  }

  function own(question: Question, statistics: Statistics, { top, collection }: AskRequest): Part<Passage> {
    const { finds, extremes } = shards.search(question, mine, { statistics, wanted: top, only: collection })
    return { extremes, finds: finds.map(({ shown, ...find }) => ({ ...shown, ...find, peer: undefined })) }
  }

  return async (request: AskRequest, signal: AbortSignal): Promise<Answered> => {
    const asked = { ...request, top: Math.min(request.top, MAX_WANTED) }
    const question = await understood(request.question, signal)
    const sharers = request.local === true ? [] : deps.sharers()
    const conversation = remote.open({ peers: sharers.slice(0, MAX_PEERS), question, request: asked, signal })
    const held = shards.statistics(question.terms, mine, request.collection)
    const others = await conversation.statistics(held.sections)
    const statistics = mergeStatistics([held, ...others], question.terms.length)
    let parts = [own(question, statistics, asked), ...(await conversation.search(statistics))]
    const first = () => gather(parts, statistics).slice(0, asked.top)
    const liarIn = createHonesty(encode, question, signal)
    let best = first()
    const checked = () => [...best.map(({ item }) => item), ...nearest(parts)]
    for (let liar = await liarIn(checked()); liar !== undefined; liar = await liarIn(checked())) {
      conversation.leaveOut(liar, 'claims to be closer to the question than its passage can be')
      parts = parts.filter(({ finds }) => finds[0]?.peer !== liar)
      best = first()
    }
    return {
      passages: best.map(flat),
      peers: conversation.reports(),
      notAsked: Math.max(0, sharers.length - MAX_PEERS),
    }
  }
}

const NO_MEANING = { vector: undefined, fingerprint: undefined }

/** What all closeness is measured by, shown or not. */
function nearest(parts: readonly Part<Passage>[]): Passage[] {
  const finds = parts.flatMap(part => part.finds).filter(({ closeness }) => closeness !== undefined)
  return finds.toSorted((a, b) => (b.closeness ?? 0) - (a.closeness ?? 0)).slice(0, 1)
}

function flat({ item, score }: Scored<Passage>): Passage & { score: number } {
  return { ...item, score }
}
