import type { Market } from './market.ts'
import { type Slot, slotKey } from './slot.ts'
import { HOLDING_STATES, type Offer, type Trade } from './trade.ts'

/** This peer's own offer of a slot, as published last. */
export function ownOffer(market: Market, offerId: string, slot: Slot): Offer | undefined {
  return market.store
    .catalog(market.self)
    ?.offers.find(offer => offer.offerId === offerId && slotKey(offer.slot) === slotKey(slot))
}

const BACKSTOP = 'utility-'

/** The id of what a utility offers of a slot as the backstop of its neighbourhood. */
export function backstopId(slotNumber: number): string {
  return `${BACKSTOP}${slotNumber}`
}

/** Whether an offer of this peer is of the grid, and not out of a stock: what each buyer gets is there for the next too. */
export function isBackstop(offerId: string): boolean {
  return offerId.startsWith(BACKSTOP)
}

/** What is left of an offer for `except` and everybody else: offered less reserved and sold. The backstop is never less. */
export function leftWh(market: Market, offer: Offer, except?: Trade): number {
  if (isBackstop(offer.offerId)) return offer.availableWh
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
