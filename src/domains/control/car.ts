/** What energy costs a load in a slot: first what the house has left over, then what it takes from the grid. */
export interface LoadSlot {
  readonly surplusWh: number
  readonly surplusMicro: number
  readonly gridMicro: number
}

export interface CarWish {
  readonly slots: readonly LoadSlot[]
  /** From that slot on, and before this one. */
  readonly from: number
  readonly to: number
  readonly needWh: number
  /** In one slot; between nothing and the least there is nothing, for a car takes no less current. */
  readonly maxWh: number
  readonly minWh: number
  readonly stepWh: number
}

export interface CarPlan {
  readonly deliveredWh: number
  readonly costMicroWh: bigint
  /** What is charged in each slot from `from` on. */
  readonly chargeWh: readonly number[]
}

/** In millionths a kWh times Wh. */
export function loadCost({ surplusWh, surplusMicro, gridMicro }: LoadSlot, energyWh: number): number {
  const own = Math.min(energyWh, surplusWh)
  return own * surplusMicro + (energyWh - own) * gridMicro
}

/** The cheapest way to as much of what is needed as can be had: a dynamic programme over steps of energy. */
export function planCar({ slots, from, to, needWh, maxWh, minWh, stepWh }: CarWish): CarPlan {
  const need = Math.floor(needWh / stepWh)
  const amounts = amountsOf(Math.ceil(minWh / stepWh), Math.floor(maxWh / stepWh))
  const open = slots.slice(from, to)
  /** By steps delivered so far. */
  let costs = Array.from({ length: need + 1 }, (_, steps) => (steps === 0 ? 0 : Number.POSITIVE_INFINITY))
  const choices: number[][] = []
  for (const slot of open) {
    const next = cheapest(costs, amounts, steps => loadCost(slot, steps * stepWh))
    choices.push(next.choice)
    costs = next.costs
  }
  const delivered = costs.findLastIndex(Number.isFinite)
  const charged = backwards(choices, delivered)
  return {
    deliveredWh: delivered * stepWh,
    costMicroWh: open.reduce((sum, slot, i) => sum + BigInt(loadCost(slot, (charged[i] ?? 0) * stepWh)), 0n),
    chargeWh: charged.map(steps => steps * stepWh),
  }
}

function amountsOf(least: number, most: number): number[] {
  const amounts = [0]
  for (let steps = Math.max(1, least); steps <= most; steps++) amounts.push(steps)
  return amounts
}

function cheapest(before: readonly number[], amounts: readonly number[], costOf: (steps: number) => number) {
  const prices = amounts.map(costOf)
  const costs = before.map(() => Number.POSITIVE_INFINITY)
  const choice = before.map(() => 0)
  for (const [had, cost] of before.entries()) {
    if (!Number.isFinite(cost)) continue
    for (const [i, amount] of amounts.entries()) {
      const steps = had + amount
      const total = cost + (prices[i] ?? 0)
      if (steps >= costs.length || total >= (costs[steps] ?? 0)) continue
      costs[steps] = total
      choice[steps] = amount
    }
  }
  return { costs, choice }
}

function backwards(choices: readonly (readonly number[])[], delivered: number): number[] {
  let left = delivered
  return choices
    .toReversed()
    .map(choice => {
      const amount = choice[left] ?? 0
      left -= amount
      return amount
    })
    .reverse()
}
