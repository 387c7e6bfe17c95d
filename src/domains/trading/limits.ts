import type { PeerId } from '../../kernel/ids.ts'
import type { BecknRefusal } from './beckn/error.ts'
import type { Market } from './market.ts'
import { costMicro } from './money.ts'
import type { Slot } from './slot.ts'
import { AGREED_STATES, type Trade } from './trade.ts'

/** Whether this peer trades with that one at all, in either role. */
export function strangerRefusal({ limits }: Market, peer: PeerId): BecknRefusal | undefined {
  const known = limits.neighbours.length === 0 || limits.neighbours.includes(peer)
  if (known && !limits.avoidPeers.includes(peer)) return undefined
  return { code: 'POL_COUNTERPARTY', message: 'this peer does not trade with you' }
}

/** Seller: whether the buyer's credit covers one more trade. */
export function creditRefusal(
  market: Market,
  { counterparty, energyWh, priceMicro }: Pick<Trade, 'counterparty' | 'energyWh' | 'priceMicro'>,
): BecknRefusal | undefined {
  const leftMicro = market.creditLeftMicro(counterparty)
  if (costMicro(energyWh, priceMicro) <= leftMicro) return undefined
  return { code: 'POL_CREDIT_LIMIT', message: 'your credit here does not cover this trade; settle what is open first' }
}

/** Buyer: whether this much more may be bought in a slot. */
export function quantityRefusal(market: Market, slot: Slot, energyWh: number): BecknRefusal | undefined {
  const { store, limits } = market
  const sum = (wh: readonly number[]): number => wh.reduce((all, one) => all + one, 0)
  const agreedWh = AGREED_STATES.flatMap(state => store.tradesOfSlot(state, slot.startMs))
    .filter(trade => trade.role === 'buyer' && trade.slot.durationMs === slot.durationMs)
    .map(trade => trade.energyWh)
  const openWh = (['searching', 'trading'] as const)
    .flatMap(state => store.needsInState(state))
    .filter(need => need.slot.startMs === slot.startMs && need.slot.durationMs === slot.durationMs)
    .map(need => need.energyWh - need.boughtWh)
  const boughtWh = sum(agreedWh) + sum(openWh)
  if (boughtWh + energyWh <= limits.maxBuyWh) return undefined
  const message = `${boughtWh} Wh are bought or wanted for that slot, ${energyWh} Wh more pass the limit of ${limits.maxBuyWh} Wh`
  return { code: 'POL_QUANTITY_LIMIT', message }
}
