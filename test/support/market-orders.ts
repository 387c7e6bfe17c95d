import type { Book } from '../../src/domains/market/book.ts'
import type { Order, SlotTariff, Step } from '../../src/domains/market/order.ts'

export const SLOT = { startMs: 1_800_000_000_000, durationMs: 900_000 }

/** An order of a peer; what is left out is nothing. */
export function order(peer: string, more: Partial<Order> = {}): Order {
  return { slot: SLOT, peer, zone: 'z', seq: 1, buy: [], sell: [], utility: 'U', ...more }
}

export const buyer = (peer: string, ...buy: readonly Step[]): Order => order(peer, { buy })
export const seller = (peer: string, ...sell: readonly Step[]): Order => order(peer, { sell })

export function tariff(more: Partial<SlotTariff> = {}): SlotTariff {
  return {
    slot: SLOT,
    utility: 'U',
    seq: 1,
    feedInMicro: 80_000,
    retailMicro: 250_000,
    gridFeeMicro: 0,
    shareMicro: 0,
    ...more,
  }
}

export function book(orders: readonly Order[], tariffs: readonly SlotTariff[] = [tariff()]): Book {
  return { slot: SLOT, utility: 'U', orders, tariffs }
}
