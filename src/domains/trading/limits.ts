import type { PeerId } from '../../kernel/ids.ts'
import { costMicro } from '../../kernel/money.ts'
import { isSameSlot, type Slot } from '../../kernel/slot.ts'
import type { BecknRefusal } from './beckn/error.ts'
import { AGREED_STATES, type Trade } from './trade.ts'
import type { Trader } from './trader.ts'

/** Whether this peer trades with that one at all, in either role. */
export function strangerRefusal({ limits }: Trader, peer: PeerId): BecknRefusal | undefined {
  const known = limits.neighbours.length === 0 || limits.neighbours.includes(peer)
  if (known && !limits.avoidPeers.includes(peer)) return undefined
  return { code: 'POL_COUNTERPARTY', message: 'this peer does not trade with you' }
}

/** Seller: whether the buyer's credit covers one more trade. */
export function creditRefusal(
  trader: Trader,
  { counterparty, energyWh, priceMicro }: Pick<Trade, 'counterparty' | 'energyWh' | 'priceMicro'>,
): BecknRefusal | undefined {
  const reserved = trader.store
    .tradesInState('reserved')
    .filter(trade => trade.role === 'seller' && trade.counterparty === counterparty)
  const leftMicro = trader.books.creditLeftMicro(counterparty, reserved)
  if (costMicro(energyWh, priceMicro) <= leftMicro) return undefined
  return { code: 'POL_CREDIT_LIMIT', message: 'your credit here does not cover this trade; settle what is open first' }
}

/** Buyer: whether this much more may be bought in a slot. */
export function quantityRefusal(trader: Trader, slot: Slot, energyWh: number): BecknRefusal | undefined {
  const { store, limits } = trader
  const sum = (wh: readonly number[]): number => wh.reduce((all, one) => all + one, 0)
  const agreedWh = AGREED_STATES.flatMap(state => store.tradesOfSlot(state, slot.startMs))
    .filter(trade => trade.role === 'buyer' && trade.slot.durationMs === slot.durationMs)
    .map(trade => trade.energyWh)
  const openWh = (['searching', 'trading'] as const)
    .flatMap(state => store.needsInState(state))
    .filter(need => isSameSlot(need.slot, slot))
    .map(need => need.energyWh - need.boughtWh)
  const boughtWh = sum(agreedWh) + sum(openWh)
  if (boughtWh + energyWh <= limits.maxBuyWh) return undefined
  const message = `${boughtWh} Wh are bought or wanted for that slot, ${energyWh} Wh more pass the limit of ${limits.maxBuyWh} Wh`
  return { code: 'POL_QUANTITY_LIMIT', message }
}
