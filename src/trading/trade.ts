import type { MessageId, PeerId, TaskId } from '../kernel/ids.ts'
import type { Contract, Terms } from './contract.ts'
import type { Slot } from './slot.ts'

/**
 * How far a trade is, on either side. `selecting`: asked for a quote; `quoted`: quote given, nothing reserved;
 * `reserved`: the seller keeps the energy; `confirming`: the buyer has signed and waits; `active`: both have signed.
 */
export type TradeState =
  | 'selecting'
  | 'quoted'
  | 'reserved'
  | 'confirming'
  | 'active'
  | 'cancelled'
  | 'expired'
  | 'refused'

export const OPEN_STATES: readonly TradeState[] = ['selecting', 'quoted', 'reserved', 'confirming']

/** One trade as one side sees it; both sides keep one under the same transaction id. */
export interface Trade {
  readonly transactionId: TaskId
  readonly role: 'buyer' | 'seller'
  readonly counterparty: PeerId
  readonly offerId: string
  readonly slot: Slot
  readonly energyWh: number
  readonly priceMicro: number
  readonly gridFeeMicro: number
  readonly state: TradeState
  /** Wall-clock time after which a step that did not come ends the trade. */
  readonly deadlineMs: number
  readonly startedMs: number
  /** The request whose callback is awaited (buyer). */
  readonly awaiting?: MessageId
  /** The cancellation asked for (buyer); only its answer ends the trade. */
  readonly cancelling?: MessageId
  /** The buyer's need this trade serves. */
  readonly needId?: string
  readonly terms?: Terms
  readonly contract?: Contract
  /** Why it ended as it did, in words. */
  readonly reason?: string
}

/** Something a peer wants to buy; tried seller by seller until it has it. */
export interface Need {
  readonly id: string
  readonly slot: Slot
  readonly energyWh: number
  /** Landed, a kWh. */
  readonly maxPriceMicro: number
  readonly state: 'searching' | 'trading' | 'bought' | 'failed'
  /** Sellers that answered the search. */
  readonly answered: readonly PeerId[]
  /** When the search closes and the cheapest is chosen. */
  readonly searchUntilMs: number
  /** The offers found, cheapest first, as ranked when the search closed; those before `tried` were tried. */
  readonly ranked: readonly RankedOffer[]
  readonly tried: number
  /** The trade that serves it now, or served it. */
  readonly transactionId?: TaskId
  readonly createdMs: number
  /** Why it was wanted, and then why it ended as it did. */
  readonly reason: string
}

export interface RankedOffer {
  readonly seller: PeerId
  readonly offerId: string
  readonly landedMicro: number
  readonly priceMicro: number
  readonly gridFeeMicro: number
  readonly availableWh: number
}

export type TradingFact =
  | { readonly kind: 'catalog'; readonly catalog: Catalog }
  | { readonly kind: 'trade'; readonly trade: Trade }
  | { readonly kind: 'need'; readonly need: Need }

/** One offer of one seller for one slot. */
export interface Offer {
  readonly offerId: string
  readonly slot: Slot
  readonly priceMicro: number
  readonly availableWh: number
}

/** The latest catalog of a seller; a newer version replaces it whole. */
export interface Catalog {
  readonly seller: PeerId
  readonly version: number
  readonly role: 'household' | 'utility'
  readonly sourceType: 'SOLAR' | 'BATTERY' | 'GRID' | 'HYBRID' | 'RENEWABLE'
  readonly currency: string
  readonly validUntilMs: number
  readonly offers: readonly Offer[]
}
