import type { MessageId, PeerId, TransactionId } from '../../kernel/ids.ts'
import type { Slot } from '../../kernel/slot.ts'
import type { Allocation, Contract, Receipt, Settlement, Terms } from '../../protocol/contract.ts'
import type { Envelope } from '../../protocol/envelope.ts'

/**
 * How far a trade is, on either side. `selecting`: asked for a quote; `quoted`: quote given, nothing reserved;
 * `reserved`: the seller keeps the energy; `confirming`: the buyer has signed and waits; `active`: both have signed;
 * `settled`: delivered, measured, and both have signed what is owed.
 */
export type TradeState =
  | 'selecting'
  | 'quoted'
  | 'reserved'
  | 'confirming'
  | 'active'
  | 'settled'
  | 'cancelled'
  | 'expired'
  | 'refused'

export const OPEN_STATES: readonly TradeState[] = ['selecting', 'quoted', 'reserved', 'confirming']
/** A contract with both signatures stands behind these. */
export const AGREED_STATES: readonly TradeState[] = ['active', 'settled']

/** A sale holds its energy from the reservation on; a quote holds nothing. */
export const HOLDING_STATES: readonly TradeState[] = ['reserved', 'active', 'settled']

/** The official reasons for which a seller delivers less than it sold. */
export const CURTAILMENT_REASONS = ['GRID_OUTAGE', 'EMERGENCY', 'CONGESTION', 'MAINTENANCE', 'OTHER'] as const
export type CurtailmentReason = (typeof CURTAILMENT_REASONS)[number]

/** A request this side has made: its callback names the id, and the digest of what was asked. */
export interface Asked {
  readonly id: MessageId
  readonly digest: string
}

/** What is asked beside the steps of a trade. `terms`: those of a `cancel`. */
export type Question = 'update' | 'settle' | 'cancel' | 'terms' | 'track' | 'rate' | 'support'

/** Other terms that one side has signed and the other has not. Until then the contract stands as it is. */
export interface Proposal {
  readonly terms: Terms
  readonly by: 'buyer' | 'seller'
  /** The proposer's signature over `signedText(terms)`. */
  readonly signature: string
  /** Why a seller wants it. */
  readonly reason?: CurtailmentReason
}

/** One trade as one side sees it; both sides keep one under the same transaction id. */
export interface Trade {
  readonly transactionId: TransactionId
  readonly role: 'buyer' | 'seller'
  readonly counterparty: PeerId
  readonly offerId: string
  readonly slot: Slot
  readonly energyWh: number
  readonly priceMicro: number
  readonly gridFeeMicro: number
  /** What the utility takes of each kWh; left out where it takes nothing. */
  readonly utilityShareMicro?: number
  readonly state: TradeState
  /** Wall-clock time after which a step that did not come ends the trade. */
  readonly deadlineMs: number
  readonly startedMs: number
  /** The step whose callback moves the trade on (buyer). */
  readonly awaiting?: Asked
  /** What else was asked (buyer), until it is answered; asked again, the later one counts. */
  readonly asking?: Partial<Record<Question, Asked>>
  /** What came of a question that was not granted, in words; forgotten when it is asked again. The trade stands. */
  readonly refusals?: Partial<Record<Question, string>>
  /** The buyer's need this trade serves. */
  readonly needId?: string
  readonly terms?: Terms
  readonly contract?: Contract
  /** The buyer's signature in its confirm (seller). */
  readonly confirmedWith?: string
  readonly proposal?: Proposal
  /** Why the contract in force is about less than was sold first. */
  readonly curtailment?: CurtailmentReason
  /** What the meters said, as far as it is known here. */
  readonly allocations?: { readonly buyer?: Allocation; readonly seller?: Allocation }
  /** The slot is over and the trade is not settled: how often it was tried, when it is next, what is missing. */
  readonly settling?: { readonly attempts: number; readonly nextMs: number; readonly reason: string }
  readonly settlement?: Settlement
  readonly receipt?: Receipt
  /** What a cancellation would cost, and until when in market time it is possible. */
  readonly cancelTerms?: { readonly feeMicro: number; readonly untilMs: number }
  readonly progress?: Progress
  /** Given by the buyer, kept by both. */
  readonly rating?: Rating
  readonly support?: SupportContact
  /** Why it ended as it did, in words. */
  readonly reason?: string
}

/** Where a delivery stands. */
export interface Progress {
  readonly phase: 'before' | 'running' | 'delivered' | 'settled'
  /** What the seller's meter vouches for, once it has spoken. */
  readonly meteredWh?: number
  /** Wall-clock time of the answer. */
  readonly atMs: number
}

/** One to five stars and, if they like, a few words. */
export interface Rating {
  readonly stars: number
  readonly words?: string
}

/** Whom to turn to about a trade. */
export interface SupportContact {
  readonly name: string
  readonly peer: PeerId
}

/** Something a peer wants to buy; bought from as many sellers as it takes, the cheapest first. */
export interface Need {
  readonly id: string
  readonly slot: Slot
  readonly energyWh: number
  /** Of that, what agreed contracts cover. */
  readonly boughtWh: number
  /** Landed, a kWh. */
  readonly maxPriceMicro: number
  /** `part`: some of it was bought, and nobody sells the rest at that price. */
  readonly state: 'searching' | 'trading' | 'bought' | 'part' | 'failed'
  /** Sellers that answered the search. */
  readonly answered: readonly PeerId[]
  /** When the search closes and the cheapest is chosen. */
  readonly searchUntilMs: number
  /** When it was searched for last; left out: when it was created. */
  readonly searchedMs?: number
  /** The offers found, cheapest first, as ranked when the search closed; those before `tried` were tried. */
  readonly ranked: readonly RankedOffer[]
  readonly tried: number
  /** The trade that serves it now, or served it last; the others name this need. */
  readonly transactionId?: TransactionId
  readonly createdMs: number
  /** Why it was wanted, and then why it ended as it did. */
  readonly reason: string
  /** What was decided on the way and why, the oldest first; bounded. */
  readonly steps: readonly { readonly atMs: number; readonly text: string }[]
}

export interface RankedOffer {
  readonly seller: PeerId
  readonly role: Catalog['role']
  readonly offerId: string
  readonly landedMicro: number
  readonly priceMicro: number
  readonly gridFeeMicro: number
  readonly utilityShareMicro?: number
  readonly availableWh: number
}

export type TradingFact =
  | { readonly kind: 'trading.catalog'; readonly catalog: Catalog }
  | {
      readonly kind: 'trading.catalog.signed'
      readonly seller: PeerId
      readonly version: number
      readonly envelope: Envelope
    }
  | { readonly kind: 'trading.trade'; readonly trade: Trade }
  | { readonly kind: 'trading.need'; readonly need: Need }
  /** Without a row: its time is over, nobody finds it any more. */
  | { readonly kind: 'trading.catalog.over'; readonly seller: PeerId }
  /** Without a row: a cancellation came before the trade it ends, so the select that it overtook begins nothing. */
  | { readonly kind: 'trading.overtaken'; readonly transactionId: TransactionId; readonly buyer: PeerId }
  /** Without a row: what a neighbour was asked for; undefined: it has answered, or will not. */
  | { readonly kind: 'trading.pull'; readonly peer: PeerId; readonly pull: Pull | undefined }
  /** Without a row: when a neighbour was asked for what was missed; undefined: it counts as not asked. */
  | { readonly kind: 'trading.pulled'; readonly peer: PeerId; readonly atMs: number | undefined }

/** A page of catalogs that a neighbour was asked for. */
export interface Pull {
  readonly request: MessageId
  readonly pagesLeft: number
  readonly after: string
}

/** A seller's own signed announcement of the catalog kept last. */
export interface SignedCatalog {
  readonly version: number
  readonly envelope: Envelope
}

/** One offer of one seller for one slot. */
export interface Offer {
  readonly offerId: string
  readonly slot: Slot
  readonly priceMicro: number
  readonly availableWh: number
}

/** What a utility takes and gives, in millionths a kWh. */
export interface Tariff {
  readonly retailMicro: number
  readonly feedInMicro: number
  /** Between zones. */
  readonly gridFeeMicro: number
  /** Of what neighbours sell each other; left out: nothing. */
  readonly utilityShareMicro?: number
}

/** The latest catalog of a seller; a newer version replaces it whole. Without offers it withdraws the ones before. */
export interface Catalog {
  readonly seller: PeerId
  readonly version: number
  readonly role: 'household' | 'utility'
  readonly sourceType: 'SOLAR' | 'BATTERY' | 'GRID' | 'HYBRID' | 'RENEWABLE'
  readonly currency: string
  readonly validUntilMs: number
  readonly offers: readonly Offer[]
  readonly tariff?: Tariff
  /** When this peer published it last (its own catalog only). */
  readonly announcedMs?: number
}
