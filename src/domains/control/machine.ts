import { type LoadSlot, loadCost } from './car.ts'

export interface MachineWish {
  readonly slots: readonly LoadSlot[]
  /** Not before that slot, and over by this one. */
  readonly from: number
  readonly to: number
  /** What it takes slot by slot, run once without a break. */
  readonly profileWh: readonly number[]
}

export interface MachinePlan {
  readonly start: number
  readonly costMicroWh: bigint
}

/** The cheapest start, the earliest of equals; undefined: it does not fit. */
export function planMachine({ slots, from, to, profileWh }: MachineWish): MachinePlan | undefined {
  let best: MachinePlan | undefined
  const end = Math.min(to, slots.length)
  for (let start = from; start + profileWh.length <= end; start++) {
    const costMicroWh = profileWh.reduce((sum, energyWh, i) => {
      const slot = slots[start + i]
      return slot === undefined ? sum : sum + BigInt(loadCost(slot, energyWh))
    }, 0n)
    if (best === undefined || costMicroWh < best.costMicroWh) best = { start, costMicroWh }
  }
  return best
}
