import { type Meter, netReading } from './meter.ts'

/** What flowed between a simulated household and the grid in a slot that is over; storage has it. */
interface GridFlows {
  readonly boughtWh: number
  readonly importedWh: number
  readonly soldWh: number
  readonly exportedWh: number
}

/**
 * The meter of the simulated household, or of one that replays a file: it sees what the household's own account of the
 * slot says went through the connection, traded or not.
 */
export function createSimulatedMeter(slots: { slot(slotNumber: number): GridFlows | undefined }): Meter {
  return {
    reading(slotNumber) {
      const flows = slots.slot(slotNumber)
      if (flows === undefined) return undefined
      return netReading(slotNumber, flows.boughtWh + flows.importedWh, flows.soldWh + flows.exportedWh)
    },
  }
}
