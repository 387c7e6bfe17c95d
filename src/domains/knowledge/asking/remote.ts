import type { z } from 'zod'
import type { Clock } from '../../../kernel/clock.ts'
import { messageOf } from '../../../kernel/errors.ts'
import type { PeerId } from '../../../kernel/ids.ts'
import type { Answer, Draft } from '../../../kernel/outcome.ts'
import { encodeVector } from '../../../text/vectors.ts'
import { askDraft, foundSchema, QUERY, type Query, STATISTICS, statisticsSchema } from '../messages.ts'
import type { Part } from '../search/gather.ts'
import type { Question } from '../search/search.ts'
import type { Statistics } from '../search/statistics.ts'
import type { AskRequest, Passage, PeerReport } from './answered.ts'
import { extremesOf, shareOf, wrongFind, wrongStatistics } from './claims.ts'

export interface RemoteDeps {
  /** Sends straight to a peer and resolves with its answer; neither is kept. Rejects when there is none. */
  readonly askPeer: (draft: Draft, signal: AbortSignal) => Promise<Answer>
  readonly clock: Clock
  readonly newId: () => string
}

/** Of each of the two questions: whoever is slower is left out of this answer. */
const PATIENCE_MS = 3_000

type Failure = Pick<PeerReport, 'state' | 'reason'>

/** The road sends again when a connection breaks; a peer that had answered by then confirms, and answers no second time. */
const LOST: Failure = {
  state: 'unreachable',
  reason: 'it has the question, but sent no answer with it: that was lost if the connection broke; ask again',
}

/**
 * The part of an ask that other peers have in it. Whoever is late, or says what cannot be true, is left out. What could
 * be true and cannot be checked (how many sections there are, how often a word occurs in them) has a bounded effect.
 */
export function createRemote({ askPeer, clock, newId }: RemoteDeps) {
  /** @throws a `Failure` */
  async function said<T>(draft: Draft, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    const patience = new AbortController()
    const given = AbortSignal.any([signal, patience.signal])
    const late = clock.sleep(PATIENCE_MS, given).then((): Failure => {
      signal.throwIfAborted()
      return { state: 'late', reason: `no answer within ${PATIENCE_MS / 1000} s` }
    })
    try {
      const answer = await Promise.race([askPeer(draft, given), late])
      if ('state' in answer) throw failed(answer)
      if (answer.status === 'NACK') throw failed({ state: 'refused', reason: answer.error.message })
      if (answer.details === undefined) throw failed(LOST)
      const parsed = schema.safeParse(answer.details)
      if (parsed.success) return parsed.data
      const issue = parsed.error.issues[0]
      throw failed({ state: 'unusable', reason: `${issue?.path.join('.') ?? 'answer'}: ${issue?.message ?? 'wrong'}` })
    } finally {
      patience.abort()
      late.catch(() => undefined)
    }
  }

  return {
    open(peers: readonly PeerId[], question: Question, request: AskRequest, signal: AbortSignal) {
      const { terms } = question
      const only = request.collection === undefined ? {} : { collection: request.collection }
      const askId = newId()
      const beganMs = clock.now()
      const reports = new Map<PeerId, PeerReport>()
      const holding = new Set<PeerId>()

      function report(peer: PeerId, outcome: Failure, passages = 0): void {
        reports.set(peer, { ...outcome, peer, passages, tookMs: clock.now() - beganMs })
      }

      /** Asks all at once; what goes wrong with one is reported and costs the others nothing. */
      async function each<T>(whom: readonly PeerId[], ask: (peer: PeerId) => Promise<T>): Promise<T[]> {
        const answers = await Promise.all(
          whom.map(async peer => {
            try {
              return [await ask(peer)]
            } catch (error) {
              signal.throwIfAborted()
              report(peer, failureOf(error))
              return []
            }
          }),
        )
        return answers.flat()
      }

      return {
        /** Of those that hold anything, each as it counts beside `ownSections`. */
        async statistics(ownSections: number): Promise<Statistics[]> {
          const shares = await each(peers, async peer => {
            const answer = await said(askDraft(STATISTICS, peer, { terms, ...only }, askId), statisticsSchema, signal)
            refuse(wrongStatistics(answer))
            if (answer.sections > 0) {
              holding.add(peer)
              return [shareOf(answer, terms.length, ownSections)]
            }
            report(peer, { state: 'nothing' })
            return []
          })
          return shares.flat()
        },

        async search(statistics: Statistics): Promise<Part<Passage>[]> {
          const query: Query = { ...queryOf(question, statistics, request.top), ...only }
          return await each([...holding], async peer => {
            const { finds, extremes } = await said(askDraft(QUERY, peer, query, askId), foundSchema, signal)
            refuse(finds.map(find => wrongFind(find, terms)).find(reason => reason !== undefined))
            report(peer, { state: finds.length === 0 ? 'nothing' : 'answered' }, finds.length)
            const passages = finds.map(
              ({ closeness, ...find }): Passage => ({ ...find, closeness, peer, path: undefined }),
            )
            const values = passages.flatMap(({ closeness }) => closeness ?? [])
            return { extremes: extremesOf(values, extremes, question.vector?.length ?? 1), finds: passages }
          })
        },
        /** What that peer sent is not shown after all. */
        leaveOut: (peer: PeerId, reason: string): void => report(peer, { state: 'unusable', reason }),
        reports: (): PeerReport[] => peers.flatMap(peer => reports.get(peer) ?? []),
      }
    },
  }
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

/** @throws a `Failure` when there is a reason */
function refuse(reason: string | undefined): void {
  if (reason !== undefined) throw failed({ state: 'unusable', reason })
}

function failed(failure: Failure): Failed {
  return Object.assign(new Error(failure.reason), { failure })
}

type Failed = Error & { readonly failure: Failure }

function failureOf(error: unknown): Failure {
  if (error instanceof Error && 'failure' in error) return (error as Failed).failure
  return { state: 'unreachable', reason: messageOf(error) }
}
