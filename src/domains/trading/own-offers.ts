import { CodedError } from '../../kernel/errors.ts'
import type { PeerId } from '../../kernel/ids.ts'
import type { MarketClock } from '../../kernel/market-clock.ts'
import { isSameSlot, type Slot, slotNumberOf, timestamp } from '../../kernel/slot.ts'
import { isBackstop } from './stock.ts'
import type { TradingStore } from './store.ts'
import { HOLDING_STATES, type Offer } from './trade.ts'

/** What the house can deliver. */
export interface Deliverable {
  /** What battery and sun lack for these promises, by slot number, in Wh: only the slots that lack something. */
  readonly lackingWh: (promised: ReadonlyMap<number, number>) => ReadonlyMap<number, number>
  /** The most of `wantedWh` that can be sold of a slot beside these promises. */
  readonly roomWh: (promised: ReadonlyMap<number, number>, slotNumber: number, wantedWh: number) => number
  /** What the household spares of the slot it decided about last. */
  readonly spared: () => { readonly slotNumber: number; readonly energyWh: number }
}

export interface OwnOffersDeps {
  readonly self: PeerId
  readonly market: MarketClock
  readonly sellPriceMicro: number
  readonly store: Pick<TradingStore, 'catalog' | 'tradesInState' | 'tradesOfSlot'>
  readonly house: Deliverable
}

export interface OwnOffers {
  /** Whether this household's own offer of that slot is out, and the slot has not begun. */
  isOffered(slotNumber: number): boolean
  /** What is left of what the household spares of a slot, beside all that is promised; what is sold of it stays sold. */
  spare(slotNumber: number): Offer
  /**
   * What is published when a person offers these by hand, one a slot: they come first, and what this household offers by
   * itself gives way, for all slots are out of the same battery. @throws TRADE_NOT_DELIVERABLE
   */
  besides(byHand: readonly Offer[]): Offer[]
}

/** What a household offers of its battery and sun, by itself and by hand, so that no watt-hour is promised twice. */
export function createOwnOffers({ self, market, sellPriceMicro, store, house }: OwnOffersDeps): OwnOffers {
  const ownId = (slotNumber: number): string => `household-${slotNumber}`

  function isOffered(slotNumber: number): boolean {
    return slotNumber > market.slotNumber() && onOffer().some(({ offerId }) => offerId === ownId(slotNumber))
  }

  function spareOffer(slotNumber: number, promised: ReadonlyMap<number, number>): Offer {
    const wantedWh = house.spared().energyWh - (promised.get(slotNumber) ?? 0)
    const availableWh = promisedOf(slotNumber).ownSoldWh + house.roomWh(promised, slotNumber, wantedWh)
    return { offerId: ownId(slotNumber), slot: market.slot(slotNumber), priceMicro: sellPriceMicro, availableWh }
  }

  /**
   * What this household has promised of a slot: sold by itself, and, by hand, offered or sold, whichever is more: what
   * was withdrawn after it was sold is sold all the same. What nobody bought until its slot began is no promise.
   */
  function promisedOf(slotNumber: number): { ownSoldWh: number; byHandWh: number } {
    const slot = market.slot(slotNumber)
    const sales = HOLDING_STATES.flatMap(state => store.tradesOfSlot(state, slot.startMs)).filter(
      ({ role, offerId }) => role === 'seller' && !isBackstop(offerId),
    )
    const soldWh = (id: string): number => sumWh(sales.filter(({ offerId }) => offerId === id))
    const offers = slotNumber > market.slotNumber() ? onOffer().filter(offer => isSameSlot(offer.slot, slot)) : []
    const ids = new Set([...sales, ...offers].map(({ offerId }) => offerId))
    ids.delete(ownId(slotNumber))
    const byHand = [...ids].map(id => {
      const offeredWh = offers.find(({ offerId }) => offerId === id)?.availableWh ?? 0
      return { energyWh: Math.max(offeredWh, soldWh(id)) }
    })
    return { ownSoldWh: soldWh(ownId(slotNumber)), byHandWh: sumWh(byHand) }
  }

  /** What is on offer here, the grid's apart. */
  function onOffer(): readonly Offer[] {
    return (store.catalog(self)?.offers ?? []).filter(({ offerId }) => !isBackstop(offerId))
  }

  /** What is promised of every slot from the running one on, with these offers by hand in place of what was by hand there. */
  function promisedAhead(byHand: readonly Offer[] = []): ReadonlyMap<number, number> {
    const numberOf = ({ slot }: { readonly slot: Slot }): number => slotNumberOf(slot, market.slotMs)
    const sold = (['reserved', 'active'] as const).flatMap(state => store.tradesInState(state))
    const slots = [...sold.filter(({ role }) => role === 'seller'), ...onOffer(), ...byHand]
      .map(numberOf)
      .filter(slot => Number.isInteger(slot) && slot >= market.slotNumber())
    const wanted = new Map(byHand.map(offer => [numberOf(offer), offer.availableWh]))
    return new Map(
      slots.map(slot => {
        const { ownSoldWh, byHandWh } = promisedOf(slot)
        return [slot, ownSoldWh + (wanted.get(slot) ?? byHandWh)]
      }),
    )
  }

  return {
    isOffered,
    spare: slotNumber => spareOffer(slotNumber, promisedAhead()),
    besides(byHand) {
      const promised = promisedAhead(byHand)
      const before = house.lackingWh(promisedAhead())
      for (const [slotNumber, lackWh] of house.lackingWh(promised)) {
        const moreWh = lackWh - (before.get(slotNumber) ?? 0)
        if (moreWh > 0) throw notDeliverable(market.slot(slotNumber), moreWh)
      }
      const { slotNumber } = house.spared()
      return isOffered(slotNumber) ? [...byHand, spareOffer(slotNumber, promised)] : [...byHand]
    },
  }
}

function sumWh(all: readonly { readonly energyWh: number }[]): number {
  return all.reduce((sum, { energyWh }) => sum + energyWh, 0)
}

function notDeliverable({ startMs }: Slot, lackWh: number): CodedError {
  return new CodedError(
    'TRADE_NOT_DELIVERABLE',
    `battery and sun cannot deliver all that would be promised of the slot from ${timestamp(startMs)}: ${lackWh} Wh too much`,
    { hint: 'offer less; what your household has sold, and what you offer of other slots, is out of the same battery' },
  )
}
