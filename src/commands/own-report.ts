import type { SocReading } from '../domains/agents/soc/round.ts'
import { landedMicro } from '../domains/trading/money.ts'
import type { Receipt } from '../domains/trading/settlement/receipt.ts'
import type { Trade } from '../domains/trading/trade.ts'
import type { PeerId } from '../kernel/ids.ts'
import { tariffHeard } from '../parts/trading-terms.ts'
import { balanceOf, drawnWh } from '../reports/balance.ts'
import { isBinding, totalsOf } from '../reports/figures.ts'
import type { PriceRow, ReportData, ReportTrade, SocHistory } from '../reports/report-data.ts'
import type { CommandDeps } from './deps.ts'

type Known = Pick<CommandDeps, 'config' | 'identity' | 'storage' | 'trading' | 'clock' | 'marketClock'>

/** Two weeks of quarter-hours; a page is to be read. */
const MOST_SLOTS = 1_344
const MOST_TRADES = 3_000
/** Of all households together; the newest. */
const MOST_READINGS = 5_000

/**
 * What this peer knows, as a report. A household: its own slots, trades and prices. A utility besides: the states of
 * charge it was told, and from receipts who delivered how much to whom, but no price of others.
 */
export function ownReport(deps: Known): ReportData {
  const { config, identity, storage, clock, marketClock } = deps
  const { slotMs, currency } = config.options.market
  const now = marketClock.now()
  const slots = storage.energy.slots(MOST_SLOTS)
  const fromMs = (slots[0]?.slot ?? Math.floor(now / slotMs) - 96) * slotMs
  const seen = config.options.roles.includes('utility') ? receiptTrades(deps) : []
  const trades = [...ownTrades(deps), ...seen].filter(trade => trade.slotStartMs >= fromMs)
  const told = storage.soc.readings(MOST_READINGS)
  // Shares and the bill are about what this peer took; what it sold is in the plots.
  const taken = trades.filter(trade => trade.buyer === identity.peerId)
  const flows = { balance: balanceOf(slots, taken, slotMs), prices: pricesOf(trades, deps), drawnWh: drawnWh(slots) }
  return {
    title: `${config.options.name || identity.peerId.slice(-6)} · ${config.options.network.name}`,
    writtenMs: clock.now(),
    fromMs,
    toMs: Math.max(now, ...trades.map(trade => trade.slotStartMs)),
    currency,
    peers: peersOf(deps, [...trades.flatMap(({ buyer, seller }) => [buyer, seller]), ...told.map(({ peer }) => peer)]),
    soc: [...ownSoc(deps, slots), ...socHistories(told)],
    trades,
    ...flows,
    totals: totalsOf({ trades: taken, ...flows }),
  }
}

function isUtility({ storage }: Known, peer: string): boolean {
  return storage.peers.peer(peer as PeerId)?.roles.includes('utility') === true
}

function ownTrades(deps: Known): ReportTrade[] {
  const { identity, storage } = deps
  return storage.trading.trades(MOST_TRADES).map(trade => ({
    slotStartMs: trade.slot.startMs,
    durationMs: trade.slot.durationMs,
    buyer: trade.role === 'buyer' ? identity.peerId : trade.counterparty,
    seller: trade.role === 'seller' ? identity.peerId : trade.counterparty,
    energyWh: trade.energyWh,
    ...settledWh(trade),
    priceMicro: landedMicro(trade),
    fromUtility: sellsGrid(deps, trade),
    state: trade.state,
  }))
}

function sellsGrid(deps: Known, trade: Trade): boolean {
  if (trade.role === 'buyer') return isUtility(deps, trade.counterparty)
  return deps.config.options.roles.includes('utility')
}

function settledWh({ settlement }: Trade): { settledWh?: number } {
  return settlement === undefined ? {} : { settledWh: settlement.finalWh }
}

/** What others delivered to each other, as far as they published it. */
function receiptTrades(deps: Known): ReportTrade[] {
  const { identity, storage } = deps
  return storage.trading
    .receipts(MOST_TRADES)
    .filter(({ body }) => body.buyer !== identity.peerId && body.seller !== identity.peerId)
    .map(({ body }: Receipt) => ({
      slotStartMs: body.slot.startMs,
      durationMs: body.slot.durationMs,
      buyer: body.buyer,
      seller: body.seller,
      energyWh: body.settledWh,
      settledWh: body.settledWh,
      state: 'settled',
      fromUtility: isUtility(deps, body.seller),
    }))
}

function peersOf({ storage, identity, config }: Known, named: readonly string[]): ReportData['peers'] {
  return [...new Set([identity.peerId as string, ...named])].map(id => {
    const own = id === identity.peerId
    const roles: readonly string[] = own ? config.options.roles : (storage.peers.peer(id as PeerId)?.roles ?? [])
    const name = own ? config.options.name : (storage.peers.peer(id as PeerId)?.name ?? '')
    const role = roles.includes('utility') ? 'utility' : roles.includes('household') ? 'household' : 'compute'
    return { id, name: name || id.slice(-6), role }
  })
}

function ownSoc({ identity, config }: Known, slots: readonly { slot: number; socWh: number }[]): SocHistory[] {
  const { capacityWh } = config.options.household
  const { slotMs } = config.options.market
  if (slots.length === 0 || capacityWh === 0) return []
  const points = slots.map(({ slot, socWh }) => ({
    atMs: (slot + 1) * slotMs,
    socWh,
    percent: (100 * socWh) / capacityWh,
  }))
  return [{ peer: identity.peerId, points }]
}

/** By the slot at whose end it was so, in market time. */
function socHistories(readings: readonly SocReading[]): SocHistory[] {
  return [...Map.groupBy(readings, ({ peer }) => peer)].map(([peer, told]) => {
    const points = told.map(({ slot, socWh }) => ({ atMs: slot.startMs + slot.durationMs, socWh }))
    return { peer, points: points.toSorted((a, b) => a.atMs - b.atMs) }
  })
}

/** What was paid in trades in force, beside the tariff that is heard. */
function pricesOf(trades: readonly ReportTrade[], { config, trading }: Known): PriceRow[] {
  const { retailMicro, feedInMicro } = tariffHeard(trading, config.options)
  return [...Map.groupBy(trades, trade => trade.slotStartMs)]
    .toSorted(([a], [b]) => a - b)
    .map(([slotStartMs, made]) => {
      const priced = made.filter(trade => isBinding(trade) && trade.priceMicro !== undefined)
      const energyWh = priced.reduce((sum, trade) => sum + trade.energyWh, 0)
      const spent = priced.reduce((sum, trade) => sum + trade.energyWh * (trade.priceMicro ?? 0), 0)
      const averageMicro = energyWh === 0 ? {} : { averageMicro: Math.round(spent / energyWh) }
      return { slotStartMs, retailMicro, feedInMicro, ...averageMicro }
    })
}
