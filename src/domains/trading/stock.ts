import { isSameSlot, type Slot } from '../../kernel/slot.ts'
import { HOLDING_STATES, type Offer, type Trade } from './trade.ts'
import type { Trader } from './trader.ts'

/** This peer's own offer of a slot, as published last. */
export function ownOffer(trader: Trader, offerId: string, slot: Slot): Offer | undefined {
  return trader.store
    .catalog(trader.self)
    ?.offers.find(offer => offer.offerId === offerId && isSameSlot(offer.slot, slot))
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
export function leftWh(trader: Trader, offer: Offer, except?: Trade): number {
  if (isBackstop(offer.offerId)) return offer.availableWh
  const heldWh = trader.store
    .tradesOfOffer(offer.offerId)
    .filter(
      trade => trade.role === 'seller' && HOLDING_STATES.includes(trade.state) && isSameSlot(trade.slot, offer.slot),
    )
    .filter(trade => trade.transactionId !== except?.transactionId || trade.counterparty !== except.counterparty)
    .reduce((sum, trade) => sum + trade.energyWh, 0)
  return offer.availableWh - heldWh
}
