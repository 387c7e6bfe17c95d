import type { Draft } from '../../../kernel/outcome.ts'
import type { Terms } from '../../../protocol/contract.ts'
import type { BecknMessage } from '../beckn/context.ts'
import { type ContractBody, contractMessage } from '../beckn/contract-body.ts'
import type { Trade, TradeState } from '../trade.ts'
import { flowDraft, type Trader } from '../trader.ts'

/** What either side says of a trade that is not agreed yet. */
export function draftBody(trader: Trader, trade: Trade) {
  const { offerId, slot, energyWh, priceMicro, gridFeeMicro, utilityShareMicro } = trade
  const [buyer, seller] = trade.role === 'buyer' ? [trader.self, trade.counterparty] : [trade.counterparty, trader.self]
  return {
    buyer,
    seller,
    offerId,
    slot,
    energyWh,
    priceMicro,
    gridFeeMicro,
    ...(utilityShareMicro === undefined ? {} : { utilityShareMicro }),
    currency: trader.currency,
    status: 'DRAFT',
  } as const
}

const STATUS: Readonly<Record<TradeState, ContractBody['status']>> = {
  selecting: 'DRAFT',
  quoted: 'DRAFT',
  reserved: 'DRAFT',
  confirming: 'DRAFT',
  active: 'ACTIVE',
  settled: 'COMPLETE',
  cancelled: 'CANCELLED',
  expired: 'CANCELLED',
  refused: 'CANCELLED',
}

/** A trade as it stands: the contract with its signatures once it binds, what was measured, what was settled. */
export function standing(trader: Trader, trade: Trade): ContractBody {
  const { contract, allocations, settlement, receipt, curtailment } = trade
  const terms = contract?.terms ?? trade.terms
  const status = STATUS[trade.state]
  if (terms === undefined) return { ...draftBody(trader, trade), status }
  return {
    ...terms,
    status,
    quoted: true,
    ...(contract === undefined ? {} : { signatures: contract.signatures }),
    ...(curtailment === undefined ? {} : { curtailment }),
    ...(allocations === undefined ? {} : { allocations }),
    ...(settlement === undefined ? {} : { finalWh: settlement.finalWh, flows: settlement.flows }),
    ...(receipt === undefined ? {} : { receipt: receipt.signatures }),
  }
}

/** Buyer: asks for a fresh quote, and says what the grid and the utility take on the way: its seller cannot know. */
export function selectDraft(trader: Trader, trade: Trade): Draft {
  const quoted = trade.gridFeeMicro > 0 || trade.utilityShareMicro !== undefined
  return flowDraft(trader, trade, 'select', { message: contractMessage({ ...draftBody(trader, trade), quoted }) })
}

/** Buyer: asks the seller to keep the energy and name the terms. Echoes what was available. */
export function initDraft(trader: Trader, trade: Trade, availableWh: number | undefined): Draft {
  const available = availableWh === undefined ? {} : { availableWh }
  return flowDraft(trader, trade, 'init', { message: contractMessage({ ...draftBody(trader, trade), ...available }) })
}

/** Buyer: its signature over the terms of on_init. */
export function confirmDraft(trader: Trader, trade: Trade & { terms: Terms }, signature: string): Draft {
  const message = contractMessage({ ...trade.terms, status: 'DRAFT', quoted: true, signatures: { buyer: signature } })
  return flowDraft(trader, trade, 'confirm', { message })
}

/** Who asks about a contract or cancels it names its id; before there is one, the transaction's stands for it. */
export function contractIdOf({ terms, transactionId }: Trade): string {
  return terms?.contractId ?? transactionId
}

/** Buyer: asks how the trade stands. */
export function statusDraft(trader: Trader, trade: Trade): Draft {
  const named = { contractId: contractIdOf(trade), status: STATUS[trade.state] }
  const message = contractMessage({ ...draftBody(trader, trade), ...named })
  return flowDraft(trader, trade, 'status', { message })
}

/** Seller: how the trade stands, as the answer to a request or unasked. */
export function standingDraft(
  trader: Trader,
  trade: Trade,
  action: 'on_confirm' | 'on_status' | 'on_update' | 'on_cancel',
  inReplyTo?: BecknMessage,
): Draft {
  const message = contractMessage(standing(trader, trade))
  return flowDraft(trader, trade, action, { message, ...(inReplyTo === undefined ? {} : { inReplyTo }) })
}
