import type { z } from 'zod'
import type { Clock } from '../../../kernel/clock.ts'
import { messageOf } from '../../../kernel/errors.ts'
import type { Answer, Draft } from '../../../kernel/outcome.ts'
import type { PeerReport } from './answered.ts'

export interface AskPeerDeps {
  /** Sends straight to a peer and resolves with its answer; neither is kept. Rejects when there is none. */
  readonly askPeer: (draft: Draft, signal: AbortSignal) => Promise<Answer>
  readonly clock: Clock
}

/** Why a peer is left out of an answer. */
export type Failure = Pick<PeerReport, 'state' | 'reason'>

/** Of each question to a peer: whoever is slower is left out of this answer. */
const PATIENCE_MS = 3_000

/** The road sends again when a connection breaks; a peer that had answered by then confirms, and answers no second time. */
const LOST: Failure = {
  state: 'unreachable',
  reason: 'it has the question, but sent no answer with it: that was lost if the connection broke; ask again',
}

/** What a peer answers, should it come in time and be what was asked for. */
export function createPeerAnswer({ askPeer, clock }: AskPeerDeps) {
  /** @throws the signal's reason, or what `failureOf` reads */
  return async <T>(draft: Draft, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> => {
    const patience = new AbortController()
    const given = AbortSignal.any([signal, patience.signal])
    const late = clock.sleep(PATIENCE_MS, given).then((): never => {
      signal.throwIfAborted()
      throw failed({ state: 'late', reason: `no answer within ${PATIENCE_MS / 1000} s` })
    })
    try {
      return detailsOf(await Promise.race([askPeer(draft, given), late]), schema)
    } finally {
      patience.abort()
      late.catch(() => undefined)
    }
  }
}

function detailsOf<T>(answer: Answer, schema: z.ZodType<T>): T {
  if (answer.status === 'NACK') throw failed({ state: 'refused', reason: answer.error.message })
  if (answer.details === undefined) throw failed(LOST)
  const parsed = schema.safeParse(answer.details)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw failed({ state: 'unusable', reason: `${issue?.path.join('.') ?? 'answer'}: ${issue?.message ?? 'wrong'}` })
}

/** @throws what `failureOf` reads, when there is a reason */
export function refuse(reason: string | undefined): void {
  if (reason !== undefined) throw failed({ state: 'unusable', reason })
}

type Failed = Error & { readonly failure: Failure }

function failed(failure: Failure): Failed {
  return Object.assign(new Error(failure.reason), { failure })
}

export function failureOf(error: unknown): Failure {
  if (error instanceof Error && 'failure' in error) return (error as Failed).failure
  return { state: 'unreachable', reason: messageOf(error) }
}
