import { kwhOf } from '../../kernel/energy.ts'
import { costMicro, unitsOf } from '../../kernel/money.ts'
import type { Allocation, Role, Terms } from '../../protocol/contract.ts'

/** Money from one role to another: what one loses the other has, so any sum of transfers is zero. */
export interface Transfer {
  readonly from: Role
  readonly to: Role
  readonly micro: number
  readonly purpose: 'energy' | 'grid fee' | 'utility share' | 'imbalance' | 'penalty'
  readonly description: string
}

/** The energy of one settled slot, in Wh. */
export interface Delivery {
  /** What the seller's meter vouches for. */
  readonly deliveredWh: number
  /** What the buyer's meter vouches for. */
  readonly takenWh: number
  /** What changed hands between the two: the smaller. */
  readonly finalWh: number
  /** What the buyer took and the seller had not delivered: it came from the utility. */
  readonly filledWh: number
}

/**
 * Settled is the smaller of the two allocations (DEG P2P trading: FINAL_ALLOC ≤ min of the allocations), and no
 * allocation counts beyond what the contract says.
 */
export function deliveryOf(terms: Terms, buyer: Allocation, seller: Allocation): Delivery {
  const within = (wh: number): number => Math.min(terms.energyWh, Math.max(0, wh))
  const [takenWh, deliveredWh] = [within(buyer.energyWh), within(seller.energyWh)]
  const finalWh = Math.min(takenWh, deliveredWh)
  return { deliveredWh, takenWh, finalWh, filledWh: takenWh - finalWh }
}

/**
 * Everything that is owed for a delivery. Each line is rounded half up by itself; lines of nothing are left out.
 *
 * 1. Energy: the buyer pays the seller the contract's price for what is settled (DEG: FINAL_ALLOC × PRICE_PER_KWH).
 * 2. Grid fee and the utility's share: the buyer pays both to the utility for what is settled (DEG: wheeling each
 *    settled kWh).
 * 3. Imbalance: what the buyer took beyond what the seller delivered came from the utility, which gets its price for
 *    it. The buyer pays of that at most the contract's price and the seller the rest, so that nobody pays more for a
 *    neighbour's failure; a utility that is cheaper than the contract costs the seller nothing.
 * 4. Penalty: a side that stays below the contract's energy by more than the tolerance pays the other for what is
 *    missing beyond it (DEG: penalty × (REQUESTED − FINAL_ALLOC)⁺, here for each side's own allocation, so that
 *    nobody pays for what the other side failed to do).
 */
export function transfersOf(terms: Terms, delivery: Delivery): Transfer[] {
  const { priceMicro, gridFeeMicro, utilityShareMicro = 0, shortfall } = terms
  const { finalWh, filledWh, deliveredWh, takenWh } = delivery
  const { utilityPriceMicro, penaltyMicro } = shortfall
  const buyersShareMicro = Math.min(priceMicro, utilityPriceMicro)
  const leastWh = terms.energyWh - Math.ceil((terms.energyWh * shortfall.tolerancePercent) / 100)
  const lines: Line[] = [
    ['buyer', 'seller', finalWh, priceMicro, 'energy', 'energy delivered'],
    ['buyer', 'utility', finalWh, gridFeeMicro, 'grid fee', 'grid fee'],
    ['buyer', 'utility', finalWh, utilityShareMicro, 'utility share', "the utility's share"],
    ['buyer', 'utility', filledWh, buyersShareMicro, 'imbalance', 'energy the utility filled in'],
    ['seller', 'utility', filledWh, utilityPriceMicro - buyersShareMicro, 'imbalance', 'what the utility costs more'],
    ['seller', 'buyer', leastWh - deliveredWh, penaltyMicro, 'penalty', 'penalty for energy not delivered'],
    ['buyer', 'seller', leastWh - takenWh, penaltyMicro, 'penalty', 'penalty for energy not taken'],
  ]
  return lines.flatMap(line => transfer(line, terms.currency))
}

type Line = [from: Role, to: Role, energyWh: number, priceMicro: number, purpose: Transfer['purpose'], what: string]

function transfer([from, to, energyWh, priceMicro, purpose, what]: Line, currency: string): Transfer[] {
  const micro = energyWh > 0 ? costMicro(energyWh, priceMicro) : 0
  if (micro === 0) return []
  const description = `${what}: ${kwhOf(energyWh)} kWh × ${unitsOf(priceMicro)} ${currency}`
  return [{ from, to, micro, purpose, description }]
}
