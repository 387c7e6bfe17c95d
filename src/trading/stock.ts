import type { Market } from './market.ts'
import { type Slot, slotKey } from './slot.ts'
import type { Offer, Trade } from './trade.ts'

/** A sale holds its energy from the reservation on; a quote holds nothing. The store finds only these by their offer. */
const HOLDING: ReadonlySet<Trade['state']> = new Set(['reserved', 'active', 'settled'])

/** This peer's own offer of a slot, as published last. */
export function ownOffer(market: Market, offerId: string, slot: Slot): Offer | undefined {
  return market.store
    .catalog(market.self)
    ?.offers.find(offer => offer.offerId === offerId && slotKey(offer.slot) === slotKey(slot))
}

/** What is left of an offer for `except` and everybody else: offered less reserved and sold. */
export function leftWh(market: Market, offer: Offer, except?: Trade): number {
  const heldWh = market.store
    .tradesOfOffer(offer.offerId)
    .filter(trade => trade.role === 'seller' && HOLDING.has(trade.state) && slotKey(trade.slot) === slotKey(offer.slot))
    .filter(trade => trade.transactionId !== except?.transactionId || trade.counterparty !== except.counterparty)
    .reduce((sum, trade) => sum + trade.energyWh, 0)
  return offer.availableWh - heldWh
}
