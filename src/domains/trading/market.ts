import type { MessageId, NewId, PeerId, TaskId } from '../../kernel/ids.ts'
import { type Answer, acknowledged, type Draft, type JsonObject, type Outcome, refused } from '../../kernel/outcome.ts'
import type { Random } from '../../kernel/random.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import { type Action, type BecknMessage, becknContext, digestOf, typeOf } from './beckn/context.ts'
import type { BecknRefusal } from './beckn/error.ts'
import type { CatalogIndex } from './catalog-index.ts'
import type { MarketMemory } from './memory/market-memory.ts'
import type { Metered } from './settlement/allocation.ts'
import type { LedgerBatch } from './settlement/ledger.ts'
import type { Statement, StatementProposal } from './settlement/signed-statement.ts'
import type { Slot } from './slot.ts'
import type { Asked, Catalog, Need, Question, Trade, TradingFact } from './trade.ts'

/** What trading reads; storage satisfies it. */
export interface TradingStore {
  catalog(seller: PeerId): Catalog | undefined
  catalogs(): Catalog[]
  /** The seller's own signed announcement of the catalog kept last. */
  signedCatalog(seller: PeerId): { readonly version: number; readonly envelope: Envelope } | undefined
  purchase(transactionId: TaskId): Trade | undefined
  /** A sale belongs to its buyer: nobody occupies a transaction id he has overheard. */
  sale(transactionId: TaskId, buyer: PeerId): Trade | undefined
  /** Either, for a person who knows the id; a purchase first. */
  trade(transactionId: TaskId): Trade | undefined
  tradesInState(state: Trade['state']): Trade[]
  tradesOfSlot(state: Trade['state'], startMs: number): Trade[]
  /** This peer's sales from that offer that hold its energy: reserved, agreed or settled. */
  tradesOfOffer(offerId: string): Trade[]
  /** This peer's purchases for that need. */
  tradesOfNeed(needId: string): Trade[]
  /** Agreed trades that nobody has begun to settle, those whose slot begins first, first. */
  unsettled(limit: number): Trade[]
  /** Agreed trades being settled, those due first, first. */
  settling(limit: number): Trade[]
  need(id: string): Need | undefined
  needsInState(state: Need['state']): Need[]
  batchesWith(peer: PeerId): LedgerBatch[]
  statementsWith(peer: PeerId): Statement[]
  /** What this peer has proposed to that one last. */
  proposedStatement(peer: PeerId): StatementProposal | undefined
}

/** Whom this peer trades with, and how much it buys. */
export interface TradeLimits {
  /** In one slot. */
  readonly maxBuyWh: number
  /** Nobody else; empty: everybody. */
  readonly neighbours: readonly PeerId[]
  readonly avoidPeers: readonly PeerId[]
}

/** What the shell gives to trading. */
export interface TradingDeps {
  readonly self: PeerId
  readonly name: string
  readonly networkId: string
  readonly currency: string
  readonly reservationMs: number
  readonly stepTimeoutMs: number
  /** How long a search collects answers before the cheapest is chosen. */
  readonly searchMs: number
  readonly limits: TradeLimits
  /**
   * What a side pays the other for energy it did not deliver or did not take, beyond the tolerance: millionths a kWh,
   * percent. The law of the network: a seller names it, and a buyer signs nothing else.
   */
  readonly shortfall: { readonly penaltyMicro: number; readonly tolerancePercent: number }
  readonly store: TradingStore
  readonly newId: NewId
  readonly random: Random
  /** Wall-clock time: time-outs, TTLs. */
  now(): number
  /** Market time: delivery slots. */
  marketNow(): number
  sign(text: string): string
  verify(peer: PeerId, text: string, signature: string): boolean
  /** Whether a peer that says it is a utility is believed: only then its tariff, its share and its price count as one's. */
  isBelieved(peer: PeerId): boolean
  /** The fee a kWh from that seller to here, in millionths. */
  gridFeeMicro(seller: PeerId): number
  /** Connected peers of other zones: our topics do not reach them. */
  beyondZone(): readonly PeerId[]
  isConnected(peer: PeerId): boolean
  /** What that peer may still buy here on credit, in millionths, sales not settled yet counted. */
  creditLeftMicro(buyer: PeerId): number
  /** What this peer's meter says of a slot; undefined: not yet. */
  metered(slot: Slot): Metered | undefined
}

/** Everything the flows know about the world. */
export interface Market extends TradingDeps, MarketMemory {
  /** The catalogs of the zone in memory; what the store keeps, found faster. */
  readonly index: CatalogIndex
}

export type TradingOutcome = Outcome<TradingFact>

/** What a flow is handed: a checked message, and the trade it belongs to. */
export interface Incoming {
  readonly envelope: Envelope
  readonly body: BecknMessage
  readonly trade: Trade | undefined
}

const DAY_MS = 24 * 60 * 60_000
/** How long a step means anything; what both sides must come to know is kept up for a day. */
const TTL_MS: Partial<Record<Action, number>> = {
  on_cancel: DAY_MS,
  on_confirm: DAY_MS,
  on_update: DAY_MS,
  confirm: 10 * 60_000,
  cancel: 10 * 60_000,
  update: 10 * 60_000,
  status: 60_000,
  on_status: 60_000,
}

interface Said {
  readonly message: JsonObject
  /** The request this is the answer to. */
  readonly inReplyTo?: BecknMessage
  readonly preview?: boolean
}

/** A flow's message to the other side of a trade: sealed, on the order topic, straight if that is silent. */
export function flowDraft(
  market: Market,
  trade: Pick<Trade, 'transactionId' | 'role' | 'counterparty'>,
  action: Action,
  { message, inReplyTo, preview }: Said,
): Draft {
  const id = market.newId() as MessageId
  const { self, networkId } = market
  const ttlMs = TTL_MS[action] ?? market.stepTimeoutMs
  const asked = inReplyTo === undefined ? undefined : requestId(inReplyTo)
  const context = becknContext({
    action,
    networkId,
    buyer: trade.role === 'buyer' ? self : trade.counterparty,
    seller: trade.role === 'seller' ? self : trade.counterparty,
    sender: self,
    receiver: trade.counterparty,
    transactionId: trade.transactionId,
    messageId: asked ?? id,
    nowMs: market.now(),
    ttlMs,
    preview,
    requestDigest: inReplyTo === undefined ? undefined : digestOf(inReplyTo),
  })
  return {
    id,
    type: typeOf(action),
    taskId: trade.transactionId,
    to: trade.counterparty,
    payload: { context, message },
    carrier: 'orders',
    sealed: true,
    ttlMs,
    ...(asked === undefined ? {} : { replyTo: asked }),
  }
}

/** The request's own id: what its callback must name. */
export function requestId(body: BecknMessage): MessageId {
  return body.context.messageId as MessageId
}

/** What was asked with a draft of `flowDraft`, to know its callback by. */
export function asked(draft: Draft): Asked {
  return { id: draft.id as MessageId, digest: digestOf(draft.payload) }
}

/** The trade with that question open; what came of it before is forgotten. */
export function asks(trade: Trade, question: Question, draft: Draft): Trade {
  return { ...answered(trade, question), asking: { ...trade.asking, [question]: asked(draft) } }
}

/** The trade with that question neither open nor refused. */
export function answered(trade: Trade, question: Question): Trade {
  const { [question]: _, ...asking } = trade.asking ?? {}
  const { [question]: __, ...refusals } = trade.refusals ?? {}
  return {
    ...trade,
    ...(trade.asking === undefined ? {} : { asking }),
    ...(trade.refusals === undefined ? {} : { refusals }),
  }
}

/** Whether a callback answers that request, and the request as it was made. */
export function answers({ context }: BecknMessage, request: Asked | undefined): boolean {
  if (request === undefined || context.messageId !== request.id) return false
  return context.requestDigest === undefined || context.requestDigest.digest === request.digest
}

/** A callback nobody asked for, or not like this. */
export const unasked: BecknRefusal = {
  code: 'BIZ_INVALID_STATE_TRANSITION',
  message: 'this answers nothing that was asked here',
}

export function refuse(refusal: BecknRefusal): TradingOutcome {
  const { code, message, path } = refusal
  return refused(code, message, path === undefined ? undefined : { path })
}

export function tradeFact(trade: Trade): TradingFact {
  return { kind: 'trade', trade }
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

/** Gate closure: from its first moment on nobody buys, confirms, changes or cancels anything of a slot. */
export function hasBegun(market: Pick<Market, 'marketNow'>, slot: Slot): boolean {
  return slot.startMs <= market.marketNow()
}

export const slotHasBegun: BecknRefusal = { code: 'BIZ_QUOTE_EXPIRED_OR_CHANGED', message: 'the slot has begun' }
