import { meanWatts } from '../../kernel/energy.ts'
import type { EnergyConditions } from './conditions.ts'

/** A household's running slot; prices in millionths a kWh. */
export interface HouseholdNow {
  readonly slotMs: number
  /** What the meter sees flow out of the house, sold or not, computing included; undefined when it does not tell. */
  readonly surplusW: number | undefined
  /** What this peer's computing drew over the same time. */
  readonly computingW: number
  /** Absent for one that really stands in the house: what flows out of the house, it did not take. */
  readonly battery?: Battery | undefined
  /** The slot's agreed sales. */
  readonly sales: readonly Sale[]
  readonly feedInMicro: number
  readonly buyMicro: number
}

export interface Sale {
  readonly energyWh: number
  readonly priceMicro: number
}

interface Battery {
  readonly socWh: number
  readonly capacityWh: number
  /** What a full turn through it returns. */
  readonly efficiencyPercent: number
}

/**
 * What is left of the surplus, and what each use of it brings.
 *
 * Energy that is sold is no surplus, whether a profile or a real meter tells: there it flows out with the rest. It counts
 * as even power over its slot, from the first moment to the last.
 *
 * For the rest a neighbour would pay the best price of the slot's contracts: they prove that somebody pays it. Without a
 * contract nobody does, whatever this household asks: searches that are heard name no price, and who is still looking
 * nobody knows. Then the utility's feed-in is the best offer there is.
 *
 * A kWh stored saves one that is bought later, less what the battery loses on the way; a full battery stores none.
 */
export function householdEnergy(now: HouseholdNow): EnergyConditions {
  const { battery, sales, slotMs, surplusW, computingW, feedInMicro, buyMicro } = now
  const soldWh = sales.reduce((sum, { energyWh }) => sum + energyWh, 0)
  const soldW = meanWatts(soldWh, slotMs)
  const hasRoom = battery !== undefined && battery.socWh < battery.capacityWh
  return {
    surplusW: surplusW === undefined ? undefined : surplusW - soldW,
    soldW,
    computingW,
    feedInMicro,
    buyMicro,
    sellMicro: sales.length === 0 ? undefined : Math.max(...sales.map(({ priceMicro }) => priceMicro)),
    storeMicro: hasRoom ? Math.floor((buyMicro * battery.efficiencyPercent) / 100) : undefined,
  }
}

/** The surplus of a slot as a meter would show it. `loadWh` and `solarWh` are without computing. */
export function slotSurplusW(slot: { loadWh: number; solarWh: number; slotMs: number }, computingW: number): number {
  return meanWatts(slot.solarWh - slot.loadWh, slot.slotMs) - computingW
}
