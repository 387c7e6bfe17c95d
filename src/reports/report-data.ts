/**
 * What a report knows. A household knows its own trades, a utility the states of charge and its receipts, a harness
 * everything: what nobody told is an empty list or a missing field, and the page says so.
 *
 * Times are Unix milliseconds of market time, energy whole watt-hours, money whole millionths of the currency, shares
 * numbers from 0 to 1. Peers are named by their ids; `peers` gives the names to show.
 */
export interface ReportData {
  readonly title: string
  readonly writtenMs: number
  readonly fromMs: number
  readonly toMs: number
  readonly currency: string
  readonly peers: readonly ReportPeer[]
  readonly soc: readonly SocHistory[]
  readonly trades: readonly ReportTrade[]
  readonly balance: readonly BalanceRow[]
  readonly prices: readonly PriceRow[]
  /**
   * By how much batteries are emptier than they were at the start, in Wh: it was used, and must be bought back. Missing:
   * not known, taken for nothing.
   */
  readonly drawnWh?: number
  /** What is missing here is worked out from the rest. */
  readonly totals: Partial<Totals>
}

export interface ReportPeer {
  readonly id: string
  /** As the peer calls itself: text of a stranger. */
  readonly name: string
  readonly role: 'household' | 'utility' | 'compute'
}

export interface SocHistory {
  readonly peer: string
  /** Oldest first. */
  readonly points: readonly SocPoint[]
}

export interface SocPoint {
  readonly atMs: number
  readonly socWh: number
  /** Of the battery's capacity, 0 to 100. */
  readonly percent?: number
}

export interface ReportTrade {
  readonly slotStartMs: number
  readonly durationMs: number
  readonly buyer: string
  readonly seller: string
  /** As agreed. */
  readonly energyWh: number
  /** As metered; missing until it was settled. */
  readonly settledWh?: number
  /** What the buyer pays for a kWh, grid fee included. */
  readonly priceMicro?: number
  readonly fromUtility: boolean
  /** As the trade's own state is called: `active`, `settled`, `cancelled` … */
  readonly state: string
}

/** What went into one slot and what came out of it; batteries are what is left over. */
export interface BalanceRow {
  readonly slotStartMs: number
  readonly loadWh: number
  readonly solarWh: number
  /** From and to neighbours. */
  readonly boughtWh: number
  readonly soldWh: number
  /** From and to the utility or the grid, by a trade or without one. */
  readonly importedWh: number
  readonly exportedWh: number
}

/** Prices of a kWh in one slot. */
export interface PriceRow {
  readonly slotStartMs: number
  /** The cheapest offer, landed. */
  readonly cheapestMicro?: number
  /** What buyers paid on average. */
  readonly averageMicro?: number
  readonly retailMicro?: number
  readonly feedInMicro?: number
}

export interface Totals {
  readonly tradedWh: number
  readonly localShare: number
  readonly selfSufficiency: number
  readonly billMicro: number
  readonly baselineMicro: number
  /** Against the baseline; below zero: dearer. */
  readonly saving: number
  /** What the bill is held against, in words. */
  readonly baseline: string
}
