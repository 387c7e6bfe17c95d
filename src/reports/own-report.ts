import { averageMicro, landedMicro } from '../kernel/money.ts'
import { type Slot, slotEndMs, slotStartMs } from '../kernel/slot.ts'
import { balanceOf, drawnWh, type HouseSlot } from './balance.ts'
import { isBinding, isPriced, totalsOf } from './figures.ts'
import type { PriceRow, ReportData, ReportTrade, SocHistory } from './report-data.ts'

/** What a peer knows that its report is made of; whoever has it lends the functions. */
export interface OwnReportSources {
  readonly self: string
  readonly name: string
  readonly roles: readonly string[]
  readonly networkName: string
  readonly currency: string
  readonly slotMs: number
  readonly capacityWh: number
  /** Wall-clock time. */
  readonly now: () => number
  readonly marketNow: () => number
  /** The household's settled slots, in order. */
  readonly slots: (limit: number) => readonly (HouseSlot & { readonly socWh: number })[]
  readonly trades: (limit: number) => readonly OwnTrade[]
  readonly receipts: (limit: number) => readonly OwnReceipt[]
  /** What households told this utility of their charge. */
  readonly readings: (limit: number) => readonly OwnReading[]
  readonly peer: (peer: string) => { readonly name: string; readonly roles: readonly string[] } | undefined
  /** In millionths a kWh. */
  readonly tariff: () => { readonly retailMicro: number; readonly feedInMicro: number }
}

interface OwnTrade {
  readonly role: 'buyer' | 'seller'
  readonly counterparty: string
  readonly slot: Slot
  readonly energyWh: number
  readonly priceMicro: number
  readonly gridFeeMicro: number
  readonly utilityShareMicro?: number
  readonly state: string
  readonly settlement?: { readonly finalWh: number }
}

interface OwnReceipt {
  readonly body: { readonly buyer: string; readonly seller: string; readonly slot: Slot; readonly settledWh: number }
}

interface OwnReading {
  readonly peer: string
  readonly slot: Slot
  readonly socWh: number
}

/** Two weeks of quarter-hours; a page is to be read. */
const MOST_SLOTS = 1_344
const MOST_TRADES = 3_000
/** Where nothing is settled yet: a day of quarter-hours. */
const SLOTS_SHOWN = 96
/** Of all households together; the newest. */
const MOST_READINGS = 5_000

/**
 * What this peer knows, as a report. A household: its own slots, trades and prices. A utility besides: the states of
 * charge it was told, and from receipts who delivered how much to whom, but no price of others.
 */
export function ownReport(sources: OwnReportSources): ReportData {
  const { self, slotMs, currency } = sources
  const now = sources.marketNow()
  const slots = sources.slots(MOST_SLOTS)
  const fromMs = slotStartMs(slots[0]?.slot ?? Math.floor(now / slotMs) - SLOTS_SHOWN, slotMs)
  const seen = sources.roles.includes('utility') ? receiptTrades(sources) : []
  const trades = [...ownTrades(sources), ...seen].filter(trade => trade.slotStartMs >= fromMs)
  const told = sources.readings(MOST_READINGS)
  // Shares and the bill are about what this peer took; what it sold is in the plots.
  const taken = trades.filter(trade => trade.buyer === self)
  const flows = { balance: balanceOf(slots, taken, slotMs), prices: pricesOf(trades, sources), drawnWh: drawnWh(slots) }
  const named = [...trades.flatMap(({ buyer, seller }) => [buyer, seller]), ...told.map(({ peer }) => peer)]
  return {
    title: `${sources.name || self.slice(-6)} · ${sources.networkName}`,
    writtenMs: sources.now(),
    fromMs,
    toMs: Math.max(now, ...trades.map(trade => trade.slotStartMs)),
    currency,
    peers: peersOf(sources, named),
    soc: [...ownSoc(sources, slots), ...socHistories(told)],
    trades,
    ...flows,
    totals: totalsOf({ trades: taken, ...flows }),
  }
}

function isUtility(sources: OwnReportSources, peer: string): boolean {
  return sources.peer(peer)?.roles.includes('utility') === true
}

function ownTrades(sources: OwnReportSources): ReportTrade[] {
  const { self } = sources
  return sources.trades(MOST_TRADES).map(trade => ({
    slotStartMs: trade.slot.startMs,
    durationMs: trade.slot.durationMs,
    buyer: trade.role === 'buyer' ? self : trade.counterparty,
    seller: trade.role === 'seller' ? self : trade.counterparty,
    energyWh: trade.energyWh,
    ...settledWh(trade),
    priceMicro: landedMicro(trade),
    fromUtility: sellsGrid(sources, trade),
    state: trade.state,
  }))
}

function sellsGrid(sources: OwnReportSources, trade: OwnTrade): boolean {
  if (trade.role === 'buyer') return isUtility(sources, trade.counterparty)
  return sources.roles.includes('utility')
}

function settledWh({ settlement }: OwnTrade): { settledWh?: number } {
  return settlement === undefined ? {} : { settledWh: settlement.finalWh }
}

/** What others delivered to each other, as far as they published it. */
function receiptTrades(sources: OwnReportSources): ReportTrade[] {
  const { self } = sources
  return sources
    .receipts(MOST_TRADES)
    .filter(({ body }) => body.buyer !== self && body.seller !== self)
    .map(({ body }) => ({
      slotStartMs: body.slot.startMs,
      durationMs: body.slot.durationMs,
      buyer: body.buyer,
      seller: body.seller,
      energyWh: body.settledWh,
      settledWh: body.settledWh,
      state: 'settled',
      fromUtility: isUtility(sources, body.seller),
    }))
}

function peersOf(sources: OwnReportSources, named: readonly string[]): ReportData['peers'] {
  const { self } = sources
  return [...new Set([self, ...named])].map(id => {
    const { name = '', roles = [] } = (id === self ? sources : sources.peer(id)) ?? {}
    const role = roles.includes('utility') ? 'utility' : roles.includes('household') ? 'household' : 'compute'
    return { id, name: name || id.slice(-6), role }
  })
}

function ownSoc(
  { self, capacityWh, slotMs }: OwnReportSources,
  slots: readonly { readonly slot: number; readonly socWh: number }[],
): SocHistory[] {
  if (slots.length === 0 || capacityWh === 0) return []
  const points = slots.map(({ slot, socWh }) => ({
    atMs: slotStartMs(slot + 1, slotMs),
    socWh,
    percent: (100 * socWh) / capacityWh,
  }))
  return [{ peer: self, points }]
}

/** By the slot at whose end it was so, in market time. */
function socHistories(readings: readonly OwnReading[]): SocHistory[] {
  return [...Map.groupBy(readings, ({ peer }) => peer)].map(([peer, told]) => {
    const points = told.map(({ slot, socWh }) => ({ atMs: slotEndMs(slot), socWh }))
    return { peer, points: points.toSorted((a, b) => a.atMs - b.atMs) }
  })
}

/** What was paid in trades in force, beside the tariff that is heard. */
function pricesOf(trades: readonly ReportTrade[], { tariff }: OwnReportSources): PriceRow[] {
  const { retailMicro, feedInMicro } = tariff()
  return [...Map.groupBy(trades, trade => trade.slotStartMs)]
    .toSorted(([a], [b]) => a - b)
    .map(([slotStartMs, made]) => {
      const average = averageMicro(made.filter(isBinding).filter(isPriced))
      return { slotStartMs, retailMicro, feedInMicro, ...(average === undefined ? {} : { averageMicro: average }) }
    })
}
