import type { TradeAnswer } from '../../domains/trading/commands.ts'
import { averageMicro, landedMicro } from '../../kernel/money.ts'
import { slotStartMs } from '../../kernel/slot.ts'
import { balanceOf, drawnWh } from '../../reports/balance.ts'
import { isPriced, totalsOf } from '../../reports/figures.ts'
import type { PriceRow, ReportData, ReportTrade } from '../../reports/report-data.ts'
import type { Snapshot } from './snapshot.ts'

export interface StreetDeps {
  readonly snapshots: readonly Snapshot[]
  readonly slotMs: number
  readonly currency: string
  /** Capacity of each household's battery, by peer name. */
  readonly capacityWh: ReadonlyMap<string, number>
  readonly retailMicro: number
  readonly feedInMicro: number
  readonly title: string
  readonly nowMs: number
}

/** Everything all peers know, as one report: what no single peer could write. */
export function streetReport(deps: StreetDeps): ReportData {
  const { snapshots, slotMs } = deps
  const utilities = new Set(snapshots.filter(one => one.roles.includes('utility')).map(one => one.peerId))
  const trades = snapshots.flatMap(one =>
    one.trades.filter(trade => trade.role === 'buyer').map(trade => asTrade(trade, one.peerId, utilities)),
  )
  const households = snapshots.map(one => one.slots)
  const balance = balanceOf(households.flat(), trades, slotMs)
  const prices = pricesOf(deps, trades)
  const slots = balance.map(row => row.slotStartMs)
  const data: ReportData = {
    title: deps.title,
    writtenMs: deps.nowMs,
    fromMs: Math.min(...slots, Number.MAX_SAFE_INTEGER),
    toMs: Math.max(...slots.map(start => start + slotMs), 0),
    currency: deps.currency,
    peers: snapshots.map(({ peerId, name, roles }) => ({ id: peerId, name, role: mainRole(roles) })),
    soc: snapshots
      .map(one => socOf(one, slotMs, deps.capacityWh.get(one.name)))
      .filter(({ points }) => points.length > 0),
    trades,
    balance,
    prices,
    totals: {},
    // Each household for itself: what one stored is not in the battery of another.
    drawnWh: households.reduce((sum, slots) => sum + drawnWh(slots), 0),
  }
  return { ...data, totals: totalsOf(data) }
}

function mainRole(roles: readonly string[]): 'household' | 'utility' | 'compute' {
  if (roles.includes('household')) return 'household'
  return roles.includes('utility') ? 'utility' : 'compute'
}

function asTrade(trade: TradeAnswer, buyer: string, utilities: ReadonlySet<string>): ReportTrade {
  return {
    slotStartMs: trade.slot.startMs,
    durationMs: trade.slot.durationMs,
    buyer,
    seller: trade.counterparty,
    energyWh: trade.energyWh,
    ...(trade.settlement === undefined ? {} : { settledWh: trade.settlement.finalWh }),
    priceMicro: landedMicro(trade),
    fromUtility: utilities.has(trade.counterparty),
    state: trade.state,
  }
}

function pricesOf({ retailMicro, feedInMicro, snapshots }: StreetDeps, trades: readonly ReportTrade[]): PriceRow[] {
  const offers = Map.groupBy(
    snapshots.flatMap(one => one.published.flatMap(catalog => catalog.offers)),
    offer => offer.slot.startMs,
  )
  const paid = Map.groupBy(trades, trade => trade.slotStartMs)
  const starts = [...new Set([...offers.keys(), ...paid.keys()])].sort((a, b) => a - b)
  return starts.map(slotStartMs => {
    const cheapest = Math.min(...(offers.get(slotStartMs) ?? []).map(offer => offer.priceMicro))
    const average = averageMicro((paid.get(slotStartMs) ?? []).filter(isPriced))
    return {
      slotStartMs,
      retailMicro,
      feedInMicro,
      ...(Number.isFinite(cheapest) ? { cheapestMicro: cheapest } : {}),
      ...(average === undefined ? {} : { averageMicro: average }),
    }
  })
}

function socOf(one: Snapshot, slotMs: number, capacityWh: number | undefined) {
  return {
    peer: one.peerId,
    points: one.slots.map(({ slot, socWh }) => ({
      atMs: slotStartMs(slot + 1, slotMs),
      socWh,
      ...(capacityWh === undefined || capacityWh === 0 ? {} : { percent: (100 * socWh) / capacityWh }),
    })),
  }
}
