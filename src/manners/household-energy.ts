import type { EnergyConditions } from './conditions.ts'

/** A household's running slot; prices in millionths a kWh. */
export interface HouseholdNow {
  /** What the meter sees flow out of the house, computing included; undefined when it does not tell. */
  readonly surplusW: number | undefined
  /** What this peer's computing drew over the same time. */
  readonly computingW: number
  /** Absent for one that really stands in the house: what flows out of the house, it did not take. */
  readonly battery?: Battery | undefined
  readonly sellMicro?: number | undefined
  readonly feedInMicro: number
  readonly buyMicro: number
}

interface Battery {
  readonly socWh: number
  readonly capacityWh: number
  /** What a full turn through it returns. */
  readonly efficiencyPercent: number
}

/**
 * What each use of the surplus brings. A kWh stored saves one that is bought later, less what the battery loses on the
 * way; a full battery stores none.
 */
export function householdEnergy({ battery, ...now }: HouseholdNow): EnergyConditions {
  const hasRoom = battery !== undefined && battery.socWh < battery.capacityWh
  return { ...now, storeMicro: hasRoom ? Math.floor((now.buyMicro * battery.efficiencyPercent) / 100) : undefined }
}

/** The surplus of a slot as a meter would show it. `loadWh` and `solarWh` are without computing. */
export function slotSurplusW(slot: { loadWh: number; solarWh: number; slotMs: number }, computingW: number): number {
  return ((slot.solarWh - slot.loadWh) * 3_600_000) / slot.slotMs - computingW
}
