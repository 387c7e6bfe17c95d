/** How good a reading is, in the words of OpenADR's DATA_QUALITY. */
export type DataQuality = 'OK' | 'MISSING' | 'ESTIMATED' | 'BAD'

/** What a meter says of one slot: net energy through it in whole Wh, so at most one of the two is above zero. */
export interface SlotReading {
  readonly slot: number
  readonly importWh: number
  readonly exportWh: number
  /** BAD: the meter contradicts itself, as when a register ran backwards; the energies are then 0. */
  readonly quality: 'OK' | 'BAD'
}

/** Watts through the connection, net: the mean between two moments of market time, the second as good as now. */
export interface NetPower {
  /** Negative: it flows in. */
  readonly exportW: number
  readonly fromMs: number
  readonly toMs: number
}

/** Where readings come from. `undefined`: the meter has not said what is needed, or never will. */
export interface Meter {
  reading(slotNumber: number): SlotReading | undefined
  /** What flows now. Absent where nothing really flows: a simulated slot has no more than its profile. */
  power?(): NetPower | undefined
}

/** What a meter that counts both ways saw, as one net reading. */
export function netReading(slot: number, inWh: number, outWh: number): SlotReading {
  return { slot, importWh: Math.max(0, inWh - outWh), exportWh: Math.max(0, outWh - inWh), quality: 'OK' }
}
