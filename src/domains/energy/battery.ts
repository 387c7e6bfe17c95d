import { wattHoursOver } from '../../kernel/energy.ts'
/** A household's battery, in whole watt-hours. */
export interface Battery {
  readonly capacityWh: number
  /** Never emptied below this. */
  readonly reserveWh: number
  /** What it takes or gives at most in one slot. */
  readonly powerWh: number
  /** What a full turn returns, in percent. All of the loss is booked when it is charged. */
  readonly efficiencyPercent: number
}

/** A battery of so many C gives C × its capacity in an hour. */
export function batteryOf(
  made: {
    readonly capacityWh: number
    readonly minSocPercent: number
    readonly cRate: number
    readonly efficiencyPercent: number
  },
  slotMs: number,
): Battery {
  const { capacityWh, minSocPercent, cRate, efficiencyPercent } = made
  return {
    capacityWh,
    reserveWh: Math.round((capacityWh * minSocPercent) / 100),
    powerWh: Math.floor(wattHoursOver(cRate * capacityWh, slotMs)),
    efficiencyPercent,
  }
}

export interface SlotFlows {
  readonly loadWh: number
  readonly solarWh: number
  /** Traded with neighbours. */
  readonly boughtWh: number
  readonly soldWh: number
}

export interface SlotResult {
  readonly socWh: number
  /** From the grid, beyond what was traded. */
  readonly importedWh: number
  /** To the grid, beyond what was traded. */
  readonly exportedWh: number
  /** Lost in charging. */
  readonly lossWh: number
}

/**
 * One slot of the household: what is over goes into the battery, then to the grid; what lacks comes the other way.
 * Always load + sold + exported + (SoC after − before) + loss = solar + bought + imported.
 */
export function settleSlot(socWh: number, flows: SlotFlows, battery: Battery): SlotResult {
  const netWh = flows.solarWh + flows.boughtWh - flows.loadWh - flows.soldWh
  if (netWh < 0) {
    const givenWh = Math.min(-netWh, givesWh(socWh, battery))
    return { socWh: socWh - givenWh, importedWh: -netWh - givenWh, exportedWh: 0, lossWh: 0 }
  }
  const takenWh = Math.min(netWh, takesWh(socWh, battery))
  const storedWh = storedOf(takenWh, socWh, battery)
  return { socWh: socWh + storedWh, importedWh: 0, exportedWh: netWh - takenWh, lossWh: takenWh - storedWh }
}

/** What the battery can give in one slot: down to its reserve, as fast as it may. */
export function givesWh(socWh: number, { reserveWh, powerWh }: Battery): number {
  return Math.max(0, Math.min(powerWh, socWh - reserveWh))
}

/** What the battery can take in one slot, its loss included. */
export function takesWh(socWh: number, { capacityWh, powerWh, efficiencyPercent }: Battery): number {
  const roomWh = Math.max(0, capacityWh - socWh)
  return Math.min(powerWh, Math.ceil((roomWh * 100) / efficiencyPercent))
}

/** Rounded down: what is not sure to be stored is loss, so that no energy comes from nothing. */
function storedOf(takenWh: number, socWh: number, { capacityWh, efficiencyPercent }: Battery): number {
  return Math.min(Math.max(0, capacityWh - socWh), Math.floor((takenWh * efficiencyPercent) / 100))
}
