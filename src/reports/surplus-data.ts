import type { PriceRow } from './report-data.ts'

/**
 * What mode `surplus` made of homes and days. Times are milliseconds of the homes' own clock, energy Wh, money millionths
 * of the currency.
 */
export interface SurplusData {
  readonly title: string
  readonly currency: string
  readonly fromMs: number
  readonly toMs: number
  readonly slotMs: number
  /** Of all homes together. */
  readonly rows: readonly SurplusRow[]
  readonly prices: readonly PriceRow[]
  readonly homes: readonly SurplusHome[]
  /** What was assumed, a sentence each. */
  readonly assumed: readonly string[]
  readonly verdicts: readonly { readonly name: string; readonly holds: boolean; readonly detail: string }[]
}

export interface SurplusRow {
  readonly slotStartMs: number
  readonly computedWh: number
  /** The part of it that ran on after the surplus. */
  readonly uncoveredWh: number
  readonly forcedWh: number
  readonly soldWh: number
}

export interface SurplusHome {
  readonly home: string
  readonly surplusWh: number
  readonly computedWh: number
  readonly uncoveredWh: number
  readonly forcedWh: number
  readonly earnedMicro: number
  readonly exportOnlyMicro: number
}
