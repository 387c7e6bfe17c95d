import type { EnergyConditions } from './conditions.ts'

/** A household's running slot, as its meter and its battery show it. */
export interface HouseholdNow {
  readonly slotMs: number
  /** Expected or metered in the slot, computing not included. */
  readonly loadWh: number
  readonly solarWh: number
  readonly socWh: number
  readonly capacityWh: number
  /** What a full turn through the battery returns. */
  readonly efficiencyPercent: number
  readonly sellMicro?: number | undefined
  readonly feedInMicro: number
  readonly buyMicro: number
  /** What this peer's computing draws now. */
  readonly computingW: number
}

/**
 * The surplus as a meter would show it, and what each use of it brings. A kWh stored saves one that is bought later, less
 * what the battery loses on the way; a full battery stores none.
 */
export function householdEnergy(now: HouseholdNow): EnergyConditions {
  const { slotMs, loadWh, solarWh, computingW, sellMicro, feedInMicro, buyMicro } = now
  const hasRoom = now.socWh < now.capacityWh
  return {
    surplusW: ((solarWh - loadWh) * 3_600_000) / slotMs - computingW,
    ...{ computingW, sellMicro, feedInMicro, buyMicro },
    storeMicro: hasRoom ? Math.floor((buyMicro * now.efficiencyPercent) / 100) : undefined,
  }
}
