import type { Terms } from '../contract.ts'
import type { Slot } from '../slot.ts'
import type { Allocation, Quality } from './allocation.ts'
import { deliveryOf, type Role, transfersOf } from './transfers.ts'

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
  readonly flows: readonly Flow[]
}

/** One side of a transfer, as Beckn's RevenueFlow says it; in millionths. */
export interface Flow {
  readonly role: Role
  readonly micro: number
  readonly description: string
}

/** Settles one contract from the allocations of both meters; the rules are those of `transfersOf`. */
export function settle(
  terms: Terms,
  { buyer, seller }: { readonly buyer: Allocation; readonly seller: Allocation },
): Settlement {
  const delivery = deliveryOf(terms, buyer, seller)
  const flows = transfersOf(terms, delivery).flatMap(({ from, to, micro, description }): Flow[] => [
    { role: from, micro: -micro, description },
    { role: to, micro, description },
  ])
  return {
    contractId: terms.contractId,
    slot: terms.slot,
    seller: { energyWh: delivery.deliveredWh, quality: seller.quality },
    buyer: { energyWh: delivery.takenWh, quality: buyer.quality },
    finalWh: delivery.finalWh,
    shortfallWh: delivery.filledWh,
    quality: buyer.quality === 'OK' && seller.quality === 'OK' ? 'OK' : 'ESTIMATED',
    flows,
  }
}

/** What a role receives in all, in millionths; below zero: pays. */
export function receivedMicro(flows: readonly Flow[], role: Role): number {
  return flows.filter(flow => flow.role === role).reduce((sum, flow) => sum + flow.micro, 0)
}
