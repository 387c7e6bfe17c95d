import type { Draft } from '../../kernel/outcome.ts'
import { contractMessage } from '../beckn/contract-body.ts'
import type { Terms } from '../contract.ts'
import { flowDraft, type Incoming, type Market, requestId } from '../market.ts'
import type { Trade } from '../trade.ts'

/** What either side says of a trade that is not agreed yet. */
export function draftBody(market: Market, trade: Trade) {
  const { offerId, slot, energyWh, priceMicro, gridFeeMicro } = trade
  const [buyer, seller] = trade.role === 'buyer' ? [market.self, trade.counterparty] : [trade.counterparty, market.self]
  return {
    buyer,
    seller,
    offerId,
    slot,
    energyWh,
    priceMicro,
    gridFeeMicro,
    currency: market.currency,
    status: 'DRAFT',
  } as const
}

/** Buyer: asks for a fresh quote, and says what the grid takes on the way: its seller cannot know. */
export function selectDraft(market: Market, trade: Trade): Draft {
  const quoted = trade.gridFeeMicro > 0
  return flowDraft(market, trade, 'select', { message: contractMessage({ ...draftBody(market, trade), quoted }) })
}

/** Buyer: asks the seller to keep the energy and name the terms. Echoes what was available. */
export function initDraft(market: Market, trade: Trade, availableWh: number | undefined): Draft {
  const available = availableWh === undefined ? {} : { availableWh }
  return flowDraft(market, trade, 'init', { message: contractMessage({ ...draftBody(market, trade), ...available }) })
}

/** Buyer: its signature over the terms of on_init. */
export function confirmDraft(market: Market, trade: Trade & { terms: Terms }, signature: string): Draft {
  const message = contractMessage({ ...trade.terms, status: 'DRAFT', quoted: true, signatures: { buyer: signature } })
  return flowDraft(market, trade, 'confirm', { message })
}

/** Buyer: asks how the trade stands. */
export function statusDraft(market: Market, trade: Trade): Draft {
  const body = {
    ...draftBody(market, trade),
    ...(trade.terms === undefined ? {} : { contractId: trade.terms.contractId }),
  }
  const status = trade.state === 'active' ? 'ACTIVE' : 'DRAFT'
  return flowDraft(market, trade, 'status', { message: contractMessage({ ...body, status }) })
}

/** The agreed contract with both signatures, as on_confirm and on_status carry it. */
export function agreedDraft(
  market: Market,
  trade: Trade,
  action: 'on_confirm' | 'on_status',
  body: Incoming['body'],
): Draft {
  const { contract } = trade
  const agreed = contract === undefined ? {} : { signatures: contract.signatures }
  const terms = trade.terms ?? contract?.terms
  if (terms === undefined) throw new TypeError(`trade ${trade.transactionId} has no terms`)
  const status = trade.state === 'active' ? 'ACTIVE' : trade.state === 'reserved' ? 'DRAFT' : 'CANCELLED'
  const message = contractMessage({ ...terms, status, quoted: true, ...agreed })
  return flowDraft(market, trade, action, { message, inReplyTo: requestId(body) })
}
