/** What the sensors tell. Undefined is unknown: a machine without that sensor, or one that does not let us look. */
export interface Sensed {
  readonly onBattery: boolean | undefined
  /** Since somebody last touched the machine. Unknown counts as away. */
  readonly userIdleMs: number | undefined
  /** Of the whole machine's processors, without what this daemon uses itself. */
  readonly otherCpuPercent: number | undefined
  readonly temperatureC: number | undefined
  /** Whether the network is paid by volume. */
  readonly metered: boolean | undefined
}

export interface Machine {
  readonly cores: number
  readonly memoryMb: number
  /** The most threads the configuration allows. */
  readonly maxThreads: number
  /** What a thread needs for the largest kind of task. */
  readonly threadMemoryMb: number
}

/** Prices in millionths a kWh. Undefined is unknown, or not to be had. */
export interface EnergyConditions {
  /** What the meter sees flow out of the house, computing included, less what is sold of it; negative: it lacks. */
  readonly surplusW: number | undefined
  /** What is sold of the running slot, and taken off the surplus. */
  readonly soldW?: number | undefined
  /** What this peer's computing draws, over the time for which the meter tells the surplus; 0 when it does nothing. */
  readonly computingW: number
  /** The best that a neighbour pays in this slot. */
  readonly sellMicro?: number | undefined
  /** What the utility pays for what nobody bought. */
  readonly feedInMicro?: number | undefined
  /** What a kWh stored now saves later, losses taken off; undefined when the battery is full, or there is none. */
  readonly storeMicro?: number | undefined
  /** What a kWh costs now. */
  readonly buyMicro?: number | undefined
  /** What the work at hand pays for a kWh; where it does not say, computing is worth what the preferences say. */
  readonly workMicro?: number | undefined
}

/** Work that was held back for its energy alone, and must not be beyond the latest start. */
export interface WaitingWork {
  readonly sinceMs: number
  readonly latestStartMs: number
  /** When it was taken all the same. */
  readonly takenMs?: number
}

/** All that a decision is made from. */
export interface Conditions {
  /** Unix milliseconds. */
  readonly atMs: number
  /** Of the local day, from 0 to 1439. */
  readonly minuteOfDay: number
  readonly sensed: Sensed
  readonly machine: Machine
  /** A person said: not before then. */
  readonly pausedUntilMs?: number | undefined
  readonly energy?: EnergyConditions | undefined
  readonly waiting?: WaitingWork | undefined
}

export const nothingSensed: Sensed = {
  onBattery: undefined,
  userIdleMs: undefined,
  otherCpuPercent: undefined,
  temperatureC: undefined,
  metered: undefined,
}
