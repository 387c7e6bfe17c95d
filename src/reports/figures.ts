import { costMicro, type Priced, totalCostMicro } from '../kernel/money.ts'
import type { PriceRow, ReportData, ReportTrade, Totals } from './report-data.ts'

/** A trade in one of these has no contract in force: nothing flows, nothing is owed. */
const NOT_BINDING: ReadonlySet<string> = new Set([
  ...['selecting', 'quoted', 'reserved', 'confirming'],
  ...['cancelled', 'expired', 'refused'],
])

export const RETAIL_ONLY = 'the same energy bought from the utility at the retail tariff of each slot'
export const SILENT_TOO = `${RETAIL_ONLY}; what came without a trade, or out of batteries, at the dearest tariff on both sides`

export function isBinding({ state }: Pick<ReportTrade, 'state'>): boolean {
  return !NOT_BINDING.has(state)
}

export function isPriced<Trade extends Pick<ReportTrade, 'priceMicro'>>(
  trade: Trade,
): trade is Trade & { readonly priceMicro: number } {
  return trade.priceMicro !== undefined
}

/** Metered where it was metered, else as agreed. */
export function deliveredWh({ energyWh, settledWh }: Pick<ReportTrade, 'energyWh' | 'settledWh'>): number {
  return settledWh ?? energyWh
}

/** Energy of all trades in force, in Wh. */
export function tradedWh(trades: readonly ReportTrade[]): number {
  return sum(trades.filter(isBinding).map(deliveredWh))
}

/** Where bought energy came from. */
export interface Sources {
  readonly neighboursWh: number
  /** By trade or, as the balance has it, simply through the meter. */
  readonly utilityWh: number
  /** Of that, without a trade. */
  readonly untradedWh: number
  /** Out of batteries that are emptier now. */
  readonly drawnWh: number
}

export function sourcesOf({
  trades,
  balance,
  drawnWh = 0,
}: Pick<ReportData, 'trades' | 'balance' | 'drawnWh'>): Sources {
  const [utility, neighbours] = [true, false].map(from =>
    sum(trades.filter(trade => isBinding(trade) && trade.fromUtility === from).map(deliveredWh)),
  ) as [number, number]
  const imported = sum(balance.map(({ importedWh }) => importedWh))
  return {
    neighboursWh: neighbours,
    utilityWh: Math.max(utility, imported),
    untradedWh: Math.max(0, imported - utility),
    drawnWh,
  }
}

/** neighbours / (neighbours + utility + drawn from batteries), 0 to 1; undefined when nothing was taken. */
export function localShare({ neighboursWh, utilityWh, drawnWh }: Omit<Sources, 'untradedWh'>): number | undefined {
  return ratio(neighboursWh, neighboursWh + utilityWh + drawnWh)
}

/**
 * 1 − utility / demand, 0 to 1: how much of what was used did not come from the utility. Undefined when nothing was
 * used. A battery filled from the utility can bring it below zero for a while; it is shown as 0.
 */
export function selfSufficiency(utilityWh: number, demandWh: number): number | undefined {
  const share = ratio(utilityWh, demandWh)
  return share === undefined ? undefined : Math.max(0, 1 - share)
}

export interface Bill {
  /** Σ energy × price paid, fees included. */
  readonly billMicro: number
  /** Σ the same energy × the retail tariff of its slot. */
  readonly baselineMicro: number
}

/**
 * Like is held against like: a trade whose price or whose slot's tariff is unknown is in neither sum. Both sums are
 * exact and rounded half up once, at the end.
 */
export function billOf(trades: readonly ReportTrade[], prices: readonly PriceRow[]): Bill | undefined {
  const retailAt = retailBySlot(prices)
  const paid: Priced[] = []
  const atRetail: Priced[] = []
  for (const trade of trades.filter(isBinding).filter(isPriced)) {
    const retailMicro = retailAt(trade.slotStartMs)
    if (retailMicro === undefined) continue
    const energyWh = deliveredWh(trade)
    paid.push({ energyWh, priceMicro: trade.priceMicro })
    atRetail.push({ energyWh, priceMicro: retailMicro })
  }
  if (paid.length === 0) return undefined
  return { billMicro: totalCostMicro(paid), baselineMicro: totalCostMicro(atRetail) }
}

/** 1 − bill / baseline; below zero: it was dearer. Undefined when the baseline costs nothing. */
export function saving({ billMicro, baselineMicro }: Bill): number | undefined {
  const share = ratio(billMicro, baselineMicro)
  return share === undefined ? undefined : 1 - share
}

/** Everything that follows from the rest of a report; what it does not say is left out. */
export function totalsOf(data: Pick<ReportData, 'trades' | 'balance' | 'prices' | 'drawnWh'>): Partial<Totals> {
  const { trades, balance, prices } = data
  const sources = sourcesOf(data)
  const silentWh = sources.drawnWh + sources.untradedWh
  const bill = withSilent(billOf(trades, prices), silentWh, prices)
  const demandWh = sum(balance.map(({ loadWh }) => loadWh))
  const baseline = silentWh > 0 ? SILENT_TOO : RETAIL_ONLY
  return {
    tradedWh: tradedWh(trades),
    ...known('localShare', localShare(sources)),
    ...known('selfSufficiency', selfSufficiency(sources.utilityWh + sources.drawnWh, demandWh)),
    ...(bill === undefined ? {} : { ...bill, ...known('saving', saving(bill)), baseline }),
  }
}

/** What came from the utility without a trade, or out of batteries, costs the same either way. */
function withSilent(bill: Bill | undefined, silentWh: number, prices: readonly PriceRow[]): Bill | undefined {
  if (bill === undefined || silentWh === 0) return bill
  const dearestMicro = prices.reduce((most, { retailMicro = 0 }) => Math.max(most, retailMicro), 0)
  const backMicro = costMicro(silentWh, dearestMicro)
  return { billMicro: bill.billMicro + backMicro, baselineMicro: bill.baselineMicro + backMicro }
}

/** The tariff of a slot; where a slot has no row, the one before it holds on. */
function retailBySlot(prices: readonly PriceRow[]): (slotStartMs: number) => number | undefined {
  const tariffs = prices.filter(row => row.retailMicro !== undefined).toSorted((a, b) => a.slotStartMs - b.slotStartMs)
  const exact = new Map(tariffs.map(row => [row.slotStartMs, row.retailMicro]))
  return slotStartMs =>
    exact.get(slotStartMs) ?? (tariffs.findLast(row => row.slotStartMs <= slotStartMs) ?? tariffs[0])?.retailMicro
}

function ratio(part: number, whole: number): number | undefined {
  return whole > 0 ? part / whole : undefined
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function known<Key extends string>(key: Key, value: number | undefined): Partial<Record<Key, number>> {
  return value === undefined ? {} : ({ [key]: value } as Record<Key, number>)
}
