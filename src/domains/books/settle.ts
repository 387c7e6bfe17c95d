import {
  type Allocation,
  type Contract,
  type ReceiptBody,
  type RevenueFlow,
  type Role,
  receiptText,
  type Settlement,
  type Terms,
} from '../../protocol/contract.ts'
import { receiptBody } from './receipt.ts'
import { deliveryOf, transfersOf } from './transfers.ts'

/** What both meters vouch for. */
export interface Allocations {
  readonly buyer: Allocation
  readonly seller: Allocation
}

/** What follows from a contract and both meters, and the text by which both sign it. */
export interface Reckoned {
  readonly settlement: Settlement
  readonly receipt: ReceiptBody
  readonly text: string
}

export function reckon(contract: Contract, allocations: Allocations): Reckoned {
  const settlement = settle(contract.terms, allocations)
  const receipt = receiptBody(contract, settlement)
  return { settlement, receipt, text: receiptText(receipt) }
}

/** Settles one contract from the allocations of both meters; the rules are those of `transfersOf`. */
export function settle(terms: Terms, { buyer, seller }: Allocations): Settlement {
  const delivery = deliveryOf(terms, buyer, seller)
  const flows = transfersOf(terms, delivery).flatMap(({ from, to, micro, description }): RevenueFlow[] => [
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
export function receivedMicro(flows: readonly RevenueFlow[], role: Role): number {
  return flows.filter(flow => flow.role === role).reduce((sum, flow) => sum + flow.micro, 0)
}
