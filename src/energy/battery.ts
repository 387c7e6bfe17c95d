/** A household's energy in whole watt-hours. */
export interface Battery {
  readonly capacityWh: number
  /** Never emptied below this. */
  readonly reserveWh: number
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
}

/** One slot of the household: what is over goes into the battery, then to the grid; what lacks comes the other way. */
export function settleSlot(socWh: number, flows: SlotFlows, battery: Battery): SlotResult {
  const netWh = flows.solarWh + flows.boughtWh - flows.loadWh - flows.soldWh
  const wantedWh = socWh + netWh
  const floorWh = Math.min(battery.reserveWh, socWh)
  const settledWh = Math.min(battery.capacityWh, Math.max(floorWh, wantedWh))
  return {
    socWh: settledWh,
    importedWh: Math.max(0, settledWh - wantedWh),
    exportedWh: Math.max(0, wantedWh - settledWh),
  }
}
