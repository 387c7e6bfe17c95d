import type { MessageId, NewId, PeerId, TransactionId } from '../../kernel/ids.ts'
import {
  type Answer,
  acknowledged,
  type Decided,
  type Draft,
  type JsonObject,
  type Outcome,
  refused,
  type Sealed,
} from '../../kernel/outcome.ts'
import type { Random } from '../../kernel/random.ts'
import type { Slot } from '../../kernel/slot.ts'
import type { Allocation, Contract, Metered, Receipt, ReceiptBody, Settlement } from '../../protocol/contract.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import { type Action, type BecknMessage, becknContext, digestOf, typeOf } from './beckn/context.ts'
import type { BecknRefusal } from './beckn/error.ts'
import type { Rates } from './rates.ts'
import type { TradingStore } from './store.ts'
import type { Asked, Question, Trade, TradingFact } from './trade.ts'

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
  /** Connected peers of our zone that say they trade. */
  nearby(): readonly PeerId[]
  isConnected(peer: PeerId): boolean
  /** Whether a topic of our zone reaches that peer. */
  inZone(peer: PeerId): boolean
  /** What this peer's meter says of a slot, net; undefined: not yet. */
  metered(slot: Slot): Metered | undefined
  readonly books: TradingBooks
}

/** What trading asks of the books, and what it lets them know. */
export interface TradingBooks {
  /** A contract binds, or is about other energy than before. */
  agreed(contract: AgreedContract): Sealed
  /** Both have taken a contract back. */
  released(counterparty: PeerId, contractId: string): Sealed
  /** The share of a slot's reading that belongs to one of its contracts. */
  allocated(contract: ContractOfSlot, metered: Metered): Allocation | undefined
  /** What follows from a contract and both meters, and the text by which both sign it. */
  reckon(contract: Contract, allocations: { readonly buyer: Allocation; readonly seller: Allocation }): Reckoned
  settled(
    contract: Contract,
    settlement: Settlement,
    receipt: Receipt,
  ): { readonly facts: readonly Sealed[]; readonly messages: readonly Draft[] }
  /** What that peer may still buy here on credit, in millionths, sales not settled yet counted. */
  creditLeftMicro(
    buyer: PeerId,
    reserved: readonly { readonly energyWh: number; readonly priceMicro: number }[],
  ): number
}

interface ContractOfSlot {
  readonly contractId: string
  readonly role: Trade['role']
  readonly slot: Slot
}

interface AgreedContract extends ContractOfSlot {
  readonly counterparty: PeerId
  readonly energyWh: number
  readonly priceMicro: number
}

export interface Reckoned {
  readonly settlement: Settlement
  readonly receipt: ReceiptBody
  readonly text: string
}

/** Everything the flows know about the world. */
export interface Trader extends TradingDeps {
  readonly rates: Rates
}

/** With facts of the books, sealed, that become true together with those of trades. */
export type TradingOutcome = Decided<TradingFact>
/** Where nothing of the books follows. */
export type OwnOutcome = Outcome<TradingFact>

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
  trader: Trader,
  trade: Pick<Trade, 'transactionId' | 'role' | 'counterparty'>,
  action: Action,
  { message, inReplyTo, preview }: Said,
): Draft {
  const id = trader.newId() as MessageId
  const { self, networkId } = trader
  const ttlMs = TTL_MS[action] ?? trader.stepTimeoutMs
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
    nowMs: trader.now(),
    ttlMs,
    preview,
    requestDigest: inReplyTo === undefined ? undefined : digestOf(inReplyTo),
  })
  return {
    id,
    type: typeOf(action),
    subjectId: trade.transactionId,
    to: trade.counterparty,
    payload: { context, message },
    carrier: trader.inZone(trade.counterparty) ? 'orders' : 'stream',
    sealed: true,
    ttlMs,
    ...(asked === undefined ? {} : { replyTo: asked }),
  }
}

/** The trade an envelope is about, in Beckn's word. */
export function transactionOf({ task_id }: Pick<Envelope, 'task_id'>): TransactionId {
  return task_id as TransactionId
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

export function refuse(refusal: BecknRefusal): OwnOutcome {
  const { code, message, path } = refusal
  return refused(code, message, path === undefined ? undefined : { path })
}

export function tradeFact(trade: Trade): TradingFact {
  return { kind: 'trading.trade', trade }
}

export function answerWith(
  trades: readonly Trade[],
  messages: readonly Draft[],
  answer: Answer = acknowledged,
): OwnOutcome {
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
export function hasBegun(trader: Pick<Trader, 'marketNow'>, slot: Slot): boolean {
  return slot.startMs <= trader.marketNow()
}

export const slotHasBegun: BecknRefusal = { code: 'BIZ_QUOTE_EXPIRED_OR_CHANGED', message: 'the slot has begun' }
