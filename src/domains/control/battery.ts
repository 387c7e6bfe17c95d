/** A battery as its owner's plans see it. Energies in kWh, money in the currency. */
export interface Battery {
  readonly capacityKwh: number
  /** The most in one slot, at the grid's side, either way. */
  readonly powerKwh: number
  /** One way: of x taken in x·e is stored, of x given out x/e is taken from the store. */
  readonly efficiency: number
  /** What giving out a kWh costs, at the grid's side. */
  readonly wear: number
}

/** What a kWh costs in a slot, and what it brings. */
export interface Tariff {
  readonly buy: number
  readonly sell: number
  /** What is taken beyond so much in the slot costs that much more: a charge on the highest demand. */
  readonly peak?: { readonly aboveKwh: number; readonly extra: number }
}

/** What one more kWh from the grid costs where so much is taken; below 0: what one more to the grid brings. */
export function priceAt({ buy, sell, peak }: Tariff, grid: number): number {
  if (grid <= 0) return sell
  return peak !== undefined && grid > peak.aboveKwh ? buy + peak.extra : buy
}

/** Where the price changes. */
export function corners({ peak }: Tariff): readonly number[] {
  return peak === undefined ? NOTHING : [0, peak.aboveKwh]
}

const NOTHING: readonly number[] = [0]

/** What the grid is paid for so much in a slot. */
export function gridCost({ buy, sell, peak }: Tariff, grid: number): number {
  const above = peak === undefined ? 0 : Math.max(0, grid - peak.aboveKwh) * peak.extra
  return (grid > 0 ? grid * buy : grid * sell) + above
}

/** What flows through the house's connection for that change of the store; below 0: out. */
export function gridKwh({ efficiency }: Battery, netKwh: number, storedByKwh: number): number {
  return netKwh + (storedByKwh > 0 ? storedByKwh / efficiency : storedByKwh * efficiency)
}

/** What a slot costs with that change of the store. */
export function slotCost(battery: Battery, netKwh: number, storedByKwh: number, tariff: Tariff): number {
  const given = storedByKwh < 0 ? -storedByKwh * battery.efficiency : 0
  return gridCost(tariff, gridKwh(battery, netKwh, storedByKwh)) + battery.wear * given
}

/** The change of the store that brings the connection from one flow to another. */
export function storedByFlow({ efficiency }: Battery, flowKwh: number): number {
  return flowKwh > 0 ? flowKwh * efficiency : flowKwh / efficiency
}

/** Takes in what is left over, gives out what lacks: what a battery does that knows no prices. */
export function greedyEnd({ capacityKwh, powerKwh, efficiency }: Battery, netKwh: number, storedKwh: number): number {
  return netKwh < 0
    ? Math.min(capacityKwh, storedKwh + Math.min(-netKwh, powerKwh) * efficiency)
    : Math.max(0, storedKwh - Math.min(netKwh, powerKwh) / efficiency)
}
