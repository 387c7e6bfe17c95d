import type { PeerId, TaskId } from '../kernel/ids.ts'
import { canonical } from '../protocol/canonical.ts'
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
  readonly currency: string
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
