import type { PeerId } from '../../../kernel/ids.ts'
import { encodeVector } from '../../../text/vectors.ts'
import {
  askDraft,
  foundSchema,
  QUERY,
  type Query,
  type SharedFound,
  STATISTICS,
  statisticsSchema,
} from '../messages.ts'
import type { Part } from '../search/gather.ts'
import type { Question } from '../search/search.ts'
import type { Statistics } from '../search/statistics.ts'
import type { AskRequest, Passage, PeerReport } from './answered.ts'
import { extremesOf, shareOf, wrongFind, wrongStatistics } from './claims.ts'
import { type AskPeerDeps, createPeerAnswer, type Failure, failureOf, refuse } from './peer-answer.ts'

export interface RemoteDeps extends AskPeerDeps {
  readonly newId: () => string
}

/** What is asked, and of whom. */
export interface PeerQuestion {
  readonly peers: readonly PeerId[]
  readonly question: Question
  readonly request: AskRequest
  readonly signal: AbortSignal
}

interface Conversation extends PeerQuestion, Pick<RemoteDeps, 'clock'> {
  readonly answerOf: ReturnType<typeof createPeerAnswer>
  readonly askId: string
  readonly beganMs: number
  readonly reports: Map<PeerId, PeerReport>
  /** Those that have anything to be searched. */
  readonly holding: Set<PeerId>
}

/**
 * The part of an ask that other peers have in it. Whoever is late, or says what cannot be true, is left out. What could
 * be true and cannot be checked (how many sections there are, how often a word occurs in them) has a bounded effect.
 */
export function createRemote(deps: RemoteDeps) {
  const { clock, newId } = deps
  const answerOf = createPeerAnswer(deps)

  return {
    open(asked: PeerQuestion) {
      const conversation: Conversation = {
        ...asked,
        clock,
        answerOf,
        askId: newId(),
        beganMs: clock.now(),
        reports: new Map(),
        holding: new Set(),
      }
      return {
        /** Of those that hold anything, each as it counts beside `ownSections`. */
        statistics: (ownSections: number): Promise<Statistics[]> => askStatistics(conversation, ownSections),
        search: (statistics: Statistics): Promise<Part<Passage>[]> => askToSearch(conversation, statistics),
        /** What that peer sent is not shown after all. */
        leaveOut: (peer: PeerId, reason: string): void => report(conversation, peer, { state: 'unusable', reason }),
        reports: (): PeerReport[] => asked.peers.flatMap(peer => conversation.reports.get(peer) ?? []),
      }
    },
  }
}

async function askStatistics(conversation: Conversation, ownSections: number): Promise<Statistics[]> {
  const { peers, question, request, askId, answerOf, signal, holding } = conversation
  const { terms } = question
  const shares = await each(conversation, peers, async peer => {
    const draft = askDraft(STATISTICS, peer, { terms, ...only(request) }, askId)
    const said = await answerOf(draft, statisticsSchema, signal)
    refuse(wrongStatistics(said))
    if (said.sections > 0) {
      holding.add(peer)
      return [shareOf(said, terms.length, ownSections)]
    }
    report(conversation, peer, { state: 'nothing' })
    return []
  })
  return shares.flat()
}

async function askToSearch(conversation: Conversation, statistics: Statistics): Promise<Part<Passage>[]> {
  const { question, request, askId, answerOf, signal, holding } = conversation
  const query: Query = { ...queryOf(question, statistics, request.top), ...only(request) }
  return await each(conversation, [...holding], async peer => {
    const found = await answerOf(askDraft(QUERY, peer, query, askId), foundSchema, signal)
    const { finds } = found
    refuse(finds.map(find => wrongFind(find, question.terms)).find(reason => reason !== undefined))
    report(conversation, peer, { state: finds.length === 0 ? 'nothing' : 'answered', passages: finds.length })
    return partOf(found, peer, question)
  })
}

/** Asks all at once; what goes wrong with one is reported and costs the others nothing. */
async function each<T>(
  conversation: Conversation,
  whom: readonly PeerId[],
  ask: (peer: PeerId) => Promise<T>,
): Promise<T[]> {
  const answers = await Promise.all(
    whom.map(async peer => {
      try {
        return [await ask(peer)]
      } catch (error) {
        conversation.signal.throwIfAborted()
        report(conversation, peer, failureOf(error))
        return []
      }
    }),
  )
  return answers.flat()
}

function report(
  { reports, clock, beganMs }: Conversation,
  peer: PeerId,
  came: Failure & { readonly passages?: number },
): void {
  reports.set(peer, { passages: 0, ...came, peer, tookMs: clock.now() - beganMs })
}

function partOf({ finds, extremes }: SharedFound, peer: PeerId, { vector }: Question): Part<Passage> {
  const passages = finds.map(({ closeness, ...find }): Passage => ({ ...find, closeness, peer, path: undefined }))
  const values = passages.flatMap(({ closeness }) => closeness ?? [])
  return { extremes: extremesOf(values, extremes, vector?.length ?? 1), finds: passages }
}

function only({ collection }: AskRequest): Pick<Query, 'collection'> {
  return collection === undefined ? {} : { collection }
}

function queryOf(question: Question, statistics: Statistics, wanted: number): Query {
  const { terms, vector, fingerprint } = question
  const asked: Query = { terms: [...terms], wanted, statistics: plain(statistics) }
  if (vector === undefined || fingerprint === undefined) return asked
  return { ...asked, meaning: { fingerprint, vector: encodeVector(vector) } }
}

function plain({ sections, terms, frequencies }: Statistics): Query['statistics'] {
  return { sections, terms, frequencies: [...frequencies] }
}
