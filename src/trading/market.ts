import type { MessageId, NewId, PeerId, TaskId } from '../kernel/ids.ts'
import { type Answer, acknowledged, type Draft, type JsonObject, type Outcome, refused } from '../kernel/outcome.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { type Action, type BecknMessage, becknContext, typeOf } from './beckn/context.ts'
import type { BecknRefusal } from './beckn/error.ts'
import type { Catalog, Need, Trade, TradingFact } from './trade.ts'

/** What trading reads; storage satisfies it. */
export interface TradingStore {
  catalog(seller: PeerId): Catalog | undefined
  catalogs(): Catalog[]
  catalogCount(): number
  trade(transactionId: TaskId): Trade | undefined
  tradesInState(state: Trade['state']): Trade[]
  /** This peer's sales from that offer that still hold energy. */
  tradesOfOffer(offerId: string): Trade[]
  need(id: string): Need | undefined
  needsInState(state: Need['state']): Need[]
}

/** Everything the flows know about the world. */
export interface Market {
  readonly self: PeerId
  readonly name: string
  readonly networkId: string
  readonly currency: string
  readonly reservationMs: number
  readonly stepTimeoutMs: number
  readonly store: TradingStore
  readonly newId: NewId
  /** Wall-clock time: time-outs, TTLs. */
  now(): number
  /** Market time: delivery slots. */
  marketNow(): number
  sign(text: string): string
  verify(peer: PeerId, text: string, signature: string): boolean
  /** The fee a kWh from that seller to here, in millionths. */
  gridFeeMicro(seller: PeerId): number
}

export type TradingOutcome = Outcome<TradingFact>

/** What a flow is handed: a checked message, and the trade it belongs to. */
export interface Incoming {
  readonly envelope: Envelope
  readonly body: BecknMessage
  readonly trade: Trade | undefined
}

/** How long a step means anything; what both sides must come to know is kept up for a day. */
function ttlOf(action: Action, stepTimeoutMs: number): number {
  if (action === 'on_cancel' || action === 'on_confirm') return 24 * 60 * 60_000
  if (action === 'status' || action === 'on_status') return 60_000
  return action === 'confirm' || action === 'cancel' ? 10 * 60_000 : stepTimeoutMs
}

/** A flow's message to the other side of a trade: sealed, on the order topic, straight if that is silent. */
export function flowDraft(
  market: Market,
  trade: Pick<Trade, 'transactionId' | 'role' | 'counterparty'>,
  action: Action,
  more: { message: JsonObject; inReplyTo?: MessageId },
): Draft {
  const id = market.newId() as MessageId
  const { self, networkId } = market
  const ttlMs = ttlOf(action, market.stepTimeoutMs)
  const context = becknContext({
    action,
    networkId,
    buyer: trade.role === 'buyer' ? self : trade.counterparty,
    seller: trade.role === 'seller' ? self : trade.counterparty,
    sender: self,
    receiver: trade.counterparty,
    transactionId: trade.transactionId,
    messageId: more.inReplyTo ?? id,
    nowMs: market.now(),
    ttlMs,
  })
  return {
    id,
    type: typeOf(action),
    taskId: trade.transactionId,
    to: trade.counterparty,
    payload: { context, message: more.message },
    carrier: 'orders',
    sealed: true,
    ttlMs,
    ...(more.inReplyTo === undefined ? {} : { replyTo: more.inReplyTo }),
  }
}

/** The request's own id: what its callback must name. */
export function requestId(body: BecknMessage): MessageId {
  return body.context.messageId as MessageId
}

export function refuse(refusal: BecknRefusal): TradingOutcome {
  return refused(refusal.code, refusal.message)
}

export function tradeFact(trade: Trade): TradingFact {
  return { kind: 'trade', trade }
}

/** The request whose callback a trade waits for. */
export function awaiting(draft: Draft): Pick<Trade, 'awaiting'> {
  return draft.id === undefined ? {} : { awaiting: draft.id }
}

export function answerWith(
  trades: readonly Trade[],
  messages: readonly Draft[],
  answer: Answer = acknowledged,
): TradingOutcome {
  return { facts: trades.map(tradeFact), messages, answer }
}

/** A body that says nothing a flow can use. */
export function unreadable(said: unknown): TradingOutcome {
  return refuse({
    code: 'SCH_INVALID',
    message: typeof said === 'string' ? said : 'the contract does not fit this step',
  })
}
