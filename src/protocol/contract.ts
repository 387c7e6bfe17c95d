import type { PeerId, TransactionId } from '../kernel/ids.ts'
import type { Slot } from '../kernel/slot.ts'
import { canonical } from './canonical.ts'

/** What two peers agree on: exactly these fields, in canonical form, are what both sign. */
export interface Terms {
  /** UUID, made by the seller. */
  readonly contractId: string
  readonly transactionId: TransactionId
  readonly buyer: PeerId
  readonly seller: PeerId
  readonly offerId: string
  readonly slot: Slot
  readonly energyWh: number
  readonly priceMicro: number
  readonly gridFeeMicro: number
  /** What the utility takes of each kWh; left out where it takes nothing, so that nothing is signed in one way only. */
  readonly utilityShareMicro?: number
  readonly currency: string
  /** Which wording of the contract this is: 1 when it is made, one more with each change both have signed. */
  readonly revision: number
  readonly shortfall: Shortfall
}

/** What energy that was sold and did not come costs its seller: the buyer had to take it from the utility. */
export interface Shortfall {
  /** What a kWh of the utility costs, in millionths. */
  readonly utilityPriceMicro: number
  /** On top of that, a kWh beyond the tolerance, in millionths. */
  readonly penaltyMicro: number
  /** How much of the energy may be missing before the penalty counts: whole percent. */
  readonly tolerancePercent: number
}

/** A contract binds only when both have signed its terms; each side keeps both signatures. */
export interface Contract {
  readonly terms: Terms
  /** Ed25519 over `signedText(terms)`, base64url. */
  readonly signatures: { readonly buyer: string; readonly seller: string }
}

/** The domain prefix keeps this signature from meaning anything else. */
export function signedText(terms: Terms): string {
  return `wattmesh/contract/1\n${canonical(terms)}`
}

/** Whether a number was measured, or put in the place of one that never came. */
export type Quality = 'OK' | 'ESTIMATED'

/** What a household's meter says of one slot, net: at most one of the two is above zero. */
export interface Metered {
  readonly importWh: number
  readonly exportWh: number
  readonly quality: Quality
}

/** How much of a contract's energy the meter vouches for, on one side of it. */
export interface Allocation {
  readonly energyWh: number
  readonly quality: Quality
}

export type Role = 'buyer' | 'seller' | 'utility'

/** One side of a transfer, as Beckn's RevenueFlow says it; in millionths. */
export interface RevenueFlow {
  readonly role: Role
  readonly micro: number
  readonly description: string
}

/** How a contract ended: what each meter vouched for, what is settled, and who owes whom. Both sides get the same. */
export interface Settlement {
  readonly contractId: string
  readonly slot: Slot
  readonly seller: Allocation
  readonly buyer: Allocation
  readonly finalWh: number
  /** What the buyer took beyond what the seller delivered; the utility filled it in. */
  readonly shortfallWh: number
  /** ESTIMATED as soon as either side's allocation is. */
  readonly quality: Quality
  /** What each role receives (above zero) or pays (below), line by line; all of them sum to zero. */
  readonly flows: readonly RevenueFlow[]
}

/** What everybody may know of a settled contract: that it took place, and how much energy it was. No price, no meter. */
export interface ReceiptBody {
  /** SHA-256 of the contract's signed text, hex: who has the contract can show that this receipt is of it. */
  readonly contractHash: string
  readonly slot: Slot
  readonly buyer: PeerId
  readonly seller: PeerId
  readonly settledWh: number
  readonly quality: Quality
}

export interface Receipt {
  readonly body: ReceiptBody
  /** Ed25519 over `receiptText(body)`, base64url. */
  readonly signatures: { readonly buyer: string; readonly seller: string }
}

/** What both sign. The domain prefix keeps this signature from meaning anything else. */
export function receiptText(body: ReceiptBody): string {
  return `wattmesh/receipt/1\n${canonical(body)}`
}

/** Whether this peer has signed this text. */
export type Verify = (peer: PeerId, text: string, signature: string) => boolean
