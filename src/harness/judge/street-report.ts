import { totalsOf } from '../../reports/figures.ts'
import type { BalanceRow, PriceRow, ReportData, ReportTrade } from '../../reports/report-data.ts'
import type { Trade } from '../../trading/trade.ts'
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
  const balance = balanceOf(snapshots, trades, slotMs)
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
    ...{ trades, balance, prices, drawnWh: drawnWh(snapshots), totals: {} },
  }
  return { ...data, totals: totalsOf(data) }
}

/** Households that ended emptier than they began. */
function drawnWh(snapshots: readonly Snapshot[]): number {
  return snapshots.reduce((sum, { slots }) => sum + Math.max(0, drawnBy(slots)), 0)
}

/** Energy is neither made nor lost: what went out beyond what came in was in the battery. */
function drawnBy(slots: Snapshot['slots']): number {
  return slots.reduce((sum, slot) => {
    const out = slot.loadWh + slot.soldWh + slot.exportedWh + slot.lossWh
    return sum + out - slot.solarWh - slot.boughtWh - slot.importedWh
  }, 0)
}

function mainRole(roles: readonly string[]): 'household' | 'utility' | 'compute' {
  if (roles.includes('household')) return 'household'
  return roles.includes('utility') ? 'utility' : 'compute'
}

function asTrade(trade: Trade, buyer: string, utilities: ReadonlySet<string>): ReportTrade {
  return {
    slotStartMs: trade.slot.startMs,
    durationMs: trade.slot.durationMs,
    buyer,
    seller: trade.counterparty,
    energyWh: trade.energyWh,
    ...(trade.settlement === undefined ? {} : { settledWh: trade.settlement.finalWh }),
    priceMicro: trade.priceMicro + trade.gridFeeMicro,
    fromUtility: utilities.has(trade.counterparty),
    state: trade.state,
  }
}

/** Slots of all households together; what a household took from or gave to the grid counts as the utility's. */
function balanceOf(snapshots: readonly Snapshot[], trades: readonly ReportTrade[], slotMs: number): BalanceRow[] {
  const fromUtility = Map.groupBy(
    trades.filter(trade => trade.fromUtility && (trade.state === 'active' || trade.state === 'settled')),
    trade => trade.slotStartMs,
  )
  const slots = Map.groupBy(
    snapshots.flatMap(one => one.slots),
    settled => settled.slot * slotMs,
  )
  return [...slots]
    .sort(([a], [b]) => a - b)
    .map(([slotStartMs, settled]) => {
      const sum = (of: (slot: (typeof settled)[number]) => number): number => settled.reduce((n, s) => n + of(s), 0)
      const utilityWh = (fromUtility.get(slotStartMs) ?? []).reduce((n, trade) => n + trade.energyWh, 0)
      return {
        slotStartMs,
        loadWh: sum(slot => slot.loadWh),
        solarWh: sum(slot => slot.solarWh),
        boughtWh: sum(slot => slot.boughtWh) - utilityWh,
        soldWh: sum(slot => slot.soldWh),
        importedWh: sum(slot => slot.importedWh) + utilityWh,
        exportedWh: sum(slot => slot.exportedWh),
      }
    })
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
    const bought = paid.get(slotStartMs) ?? []
    const energyWh = bought.reduce((sum, trade) => sum + trade.energyWh, 0)
    const spent = bought.reduce((sum, trade) => sum + trade.energyWh * (trade.priceMicro ?? 0), 0)
    return {
      slotStartMs,
      ...{ retailMicro, feedInMicro },
      ...(Number.isFinite(cheapest) ? { cheapestMicro: cheapest } : {}),
      ...(energyWh === 0 ? {} : { averageMicro: Math.round(spent / energyWh) }),
    }
  })
}

function socOf(one: Snapshot, slotMs: number, capacityWh: number | undefined) {
  return {
    peer: one.peerId,
    points: one.slots.map(({ slot, socWh }) => ({
      atMs: (slot + 1) * slotMs,
      socWh,
      ...(capacityWh === undefined || capacityWh === 0 ? {} : { percent: (100 * socWh) / capacityWh }),
    })),
  }
}
