import type { z } from 'zod'
import type { Carrier, JsonObject, Outcome, Refusal } from '../kernel/outcome.ts'
import type { Envelope } from './envelope.ts'
import type { ProtocolCode } from './verdict.ts'

/** One of our own messages that its recipient refused, or that nobody acknowledged in time. */
export interface Undelivered {
  readonly envelope: Omit<Envelope, 'signature'>
  readonly refusal: Refusal
}

/**
 * A row of the router: what a type of message must look like, how it may travel, and the domain function it goes to.
 * `handle` is called inside the transaction that keeps its outcome: it reads, decides and returns, and waits for nothing.
 */
export interface MessageType<Fact> {
  readonly payload: z.ZodType
  /** How it may arrive: by which topics, or on a stream. */
  readonly carriers: readonly Carrier[]
  /** Which stream it takes when it goes straight to a peer; each domain's are apart, so that none waits for another's. */
  readonly stream: string
  /** Addressed to one peer it goes straight where there is a connection, and only otherwise by its topic. */
  readonly straightFirst?: boolean
  /** Whether the payload must be encrypted to its recipient. */
  readonly sealed: boolean
  /** Kept in the journal, answered once. What is not kept (adverts) is only guarded against replay while it is valid. */
  readonly kept: boolean
  /** Its payload is large and kept by its domain: the journal remembers the frame and the digest. */
  readonly bulky?: boolean
  /** The domain's own words for what is refused before it sees the message. */
  readonly codes?: Readonly<Partial<Record<ProtocolCode, string>>>
  handle(envelope: Envelope, payload: JsonObject): Outcome<Fact>
  /** What follows when one of ours of this type was refused or expired. */
  undelivered?(message: Undelivered): Outcome<Fact>
}

export type MessageTypes<Fact> = ReadonlyMap<string, MessageType<Fact>>
