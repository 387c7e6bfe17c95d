/** Money is integer millionths of the currency, energy integer watt-hours; Beckn's messages carry decimal units and kWh. */

/** Price of `energyWh` at `priceMicro` a kWh, rounded half up to a whole millionth. */
export function costMicro(energyWh: number, priceMicro: number): number {
  return Number((BigInt(energyWh) * BigInt(priceMicro) + 500n) / 1000n)
}

/** What reaches its buyer costs, a kWh: the price, what the grid takes on the way, and what the utility takes. */
export function landedMicro({ priceMicro, gridFeeMicro, utilityShareMicro = 0 }: Landed): number {
  return priceMicro + gridFeeMicro + utilityShareMicro
}

interface Landed {
  readonly priceMicro: number
  readonly gridFeeMicro: number
  readonly utilityShareMicro?: number | undefined
}

export const kwhOf = (energyWh: number): number => energyWh / 1000
export const unitsOf = (micro: number): number => micro / 1_000_000

/** A decimal back to the integer it was made from; undefined when it never was one. */
export function wholeOf(value: unknown, scale: number): number | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
  const scaled = Math.round(value * scale)
  return Number.isSafeInteger(scaled) && scaled >= 0 && Math.abs(value * scale - scaled) < 1e-3 ? scaled : undefined
}

/** For people: `1.2 kWh`, `0.105 USD/kWh`. */
export const energyText = (energyWh: number): string => `${kwhOf(energyWh)} kWh`
export const priceText = (micro: number, currency: string): string => `${unitsOf(micro)} ${currency}/kWh`

/** Enough of a peer id to tell it from its neighbours. */
export const peerText = (peer: string): string => peer.slice(-6)
