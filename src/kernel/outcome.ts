import type { MessageId, PeerId, SubjectId } from './ids.ts'

export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [key: string]: Json }

/**
 * How a message travels. `stream`: straight to the recipient. The name of a topic: published to everybody on it; with a
 * recipient, published first and sent straight when nobody acknowledged it in time.
 */
export type Carrier = 'stream' | (string & {})

/** A message a domain wants sent. The road stamps, seals, signs, keeps and delivers it. */
export interface Draft {
  readonly type: string
  readonly subjectId: SubjectId
  readonly payload: JsonObject
  readonly carrier: Carrier
  /** How long the message means anything, in milliseconds. */
  readonly ttlMs: number
  readonly to?: PeerId
  /** Encrypt the payload to the recipient. */
  readonly sealed?: boolean
  readonly replyTo?: MessageId
  readonly id?: MessageId
}

export interface Refusal {
  readonly code: string
  readonly message: string
  readonly details?: JsonObject
}

/** The answer to a request: taken, or refused with a reason. */
export type Answer =
  | { readonly status: 'ACK'; readonly details?: JsonObject }
  | { readonly status: 'NACK'; readonly error: Refusal }

declare const sealed: unique symbol

/** A fact of another domain: handed on, and read by nobody but the domain that made it. */
export interface Sealed {
  readonly [sealed]: true
}

/** The facts of a domain are called by its name: `trading.trade`. */
export interface FactOf<Name extends string> {
  readonly kind: `${Name}.${string}`
}

/** What a domain returns: facts to keep, messages to send, an answer. It does none of it itself. */
export interface Outcome<Fact> {
  readonly facts: readonly Fact[]
  readonly messages: readonly Draft[]
  readonly answer: Answer
}

/** Facts of one's own, and sealed ones of others, that become true together. */
export type Decided<Fact> = Outcome<Fact | Sealed>

/** A decision, fast and inside the transaction that keeps it. */
export type Turn<Fact> = () => Decided<Fact>

/**
 * The one way anything happens: a message, a command or the passing of time asks a domain what follows; the facts and
 * the messages of its outcome are kept in one transaction. Resolves when that is on the disk.
 */
export type Commit<Fact> = <O extends Outcome<Fact>>(decide: () => O) => Promise<O>

export const acknowledged: Answer = { status: 'ACK' }

export function outcome<Fact>(facts: readonly Fact[] = [], messages: readonly Draft[] = []): Outcome<Fact> {
  return { facts, messages, answer: acknowledged }
}

/** Nothing is kept, nothing is sent, the sender learns why. */
export function refused(code: string, message: string, details?: JsonObject): Outcome<never> {
  const error = details === undefined ? { code, message } : { code, message, details }
  return { facts: [], messages: [], answer: { status: 'NACK', error } }
}
