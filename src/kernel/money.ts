import { wholeOf } from './decimal.ts'

/** Money is integer millionths of the currency; messages and people have decimal units. */
export const MICRO = 1_000_000

export function unitsOf(micro: number): number {
  return micro / MICRO
}

/** The millionths of a decimal figure; undefined when it is none, or finer than a millionth. */
export function readUnits(units: unknown): number | undefined {
  return wholeOf(units, MICRO)
}

/** The nearest millionth to a figure that was typed or published. */
export function microOf(units: number): number {
  return Math.round(units * MICRO)
}

/** An amount of energy at a price, in millionths a kWh. */
export interface Priced {
  readonly energyWh: number
  readonly priceMicro: number
}

/** What energy costs at a price a kWh, rounded half up to a whole millionth. */
export function costMicro(energyWh: number, priceMicro: number): number {
  return totalCostMicro([{ energyWh, priceMicro }])
}

/** What several amounts cost together: exact, and rounded half up once, at the end. */
export function totalCostMicro(all: readonly Priced[]): number {
  const whMicro = all.reduce((sum, { energyWh, priceMicro }) => sum + BigInt(energyWh) * BigInt(priceMicro), 0n)
  return Number((whMicro + 500n) / 1000n)
}

/** For plans, whose energies are no whole watt hours: a fraction, to be summed first and rounded then. */
export function unroundedCostMicro(energyWh: number, priceMicro: number): number {
  return (energyWh * priceMicro) / 1000
}

/** What a kWh cost on average, in whole millionths; undefined where there was none. */
export function averageMicro(all: readonly Priced[]): number | undefined {
  const totalWh = all.reduce((sum, { energyWh }) => sum + energyWh, 0)
  const spent = all.reduce((sum, { energyWh, priceMicro }) => sum + energyWh * priceMicro, 0)
  return totalWh === 0 ? undefined : Math.round(spent / totalWh)
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

/** `0.105 USD/kWh`: exact, for logs and reasons. */
export function priceText(micro: number, currency: string): string {
  return `${unitsOf(micro)} ${currency}/kWh`
}

/** With its sign and always four digits, so that a column of them lines up: what a household trades is often cents. */
export function moneyText(micro: number, currency = ''): string {
  return `${unitsOf(micro).toFixed(4)}${currency === '' ? '' : ` ${currency}`}`
}
