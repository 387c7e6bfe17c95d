import type { PeerId, TaskId } from '../../kernel/ids.ts'
import { canonical } from '../../protocol/canonical.ts'
import type { Slot } from './slot.ts'

/** What two peers agree on: exactly these fields, in canonical form, are what both sign. */
export interface Terms {
  /** UUID, made by the seller. */
  readonly contractId: string
  readonly transactionId: TaskId
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
