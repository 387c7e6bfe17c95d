import type { Market } from './market.ts'
import { type Slot, slotKey } from './slot.ts'
import { HOLDING_STATES, type Offer, type Trade } from './trade.ts'

/** This peer's own offer of a slot, as published last. */
export function ownOffer(market: Market, offerId: string, slot: Slot): Offer | undefined {
  return market.store
    .catalog(market.self)
    ?.offers.find(offer => offer.offerId === offerId && slotKey(offer.slot) === slotKey(slot))
}

/**
 * What is left of an offer for `except` and everybody else: offered less reserved and sold. A utility is the backstop:
 * what it offers each buyer is there for the next one too.
 */
export function leftWh(market: Market, offer: Offer, except?: Trade): number {
  if (market.store.catalog(market.self)?.role === 'utility') return offer.availableWh
  const heldWh = market.store
    .tradesOfOffer(offer.offerId)
    .filter(
      trade =>
        trade.role === 'seller' && HOLDING_STATES.includes(trade.state) && slotKey(trade.slot) === slotKey(offer.slot),
    )
    .filter(trade => trade.transactionId !== except?.transactionId || trade.counterparty !== except.counterparty)
    .reduce((sum, trade) => sum + trade.energyWh, 0)
  return offer.availableWh - heldWh
}
