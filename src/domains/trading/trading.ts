import type { PeerId, TaskId } from '../../kernel/ids.ts'
import { outcome } from '../../kernel/outcome.ts'
import type { MessageType } from '../../protocol/message-type.ts'
import type { Action } from './beckn/context.ts'
import { paidBy, paymentRow } from './books/payments.ts'
import { receiptRow } from './books/receipts.ts'
import { netWith, statementRows } from './books/statements.ts'
import { type Cost, costs } from './buying/choose.ts'
import { buy, onDiscover, type Wanted } from './buying/search.ts'
import { type CatalogIndex, createCatalogIndex, type Listing, type OfferFilter } from './catalog-index.ts'
import { discover, publishCatalog, withdraw } from './catalogs/own.ts'
import { publish } from './catalogs/publish.ts'
import { createPulls } from './catalogs/pull.ts'
import { cancel, onCancel, startCancel } from './flows/cancel.ts'
import { confirm, onConfirm } from './flows/confirm.ts'
import { init, onInit } from './flows/init.ts'
import { onRate, rate, startRate } from './flows/rate.ts'
import { onSelect, select } from './flows/select.ts'
import { onStatus, status } from './flows/status.ts'
import { onSupport, startSupport, support } from './flows/support.ts'
import { onTrack, startTrack, track } from './flows/track.ts'
import { onUpdate, startUpdate, update } from './flows/update.ts'
import { type Market, refuse, type TradingDeps, type TradingOutcome } from './market.ts'
import { createMarketMemory } from './memory/market-memory.ts'
import { becknRow, type Handler } from './router.ts'
import { nextDeadline, passTime } from './timing.ts'
import type { Catalog, CurtailmentReason, Trade, TradingFact } from './trade.ts'

export interface Trading {
  /** The rows of the router this domain answers for. */
  readonly messages: ReadonlyMap<string, MessageType<TradingFact>>
  /** Seller: adds these offers to its own, in place of those of the same id, and tells the zone. */
  publishCatalog(catalog: Catalog): TradingOutcome
  /** Seller: takes everything off the market. */
  withdraw(): TradingOutcome
  /** Known offers that match, expired catalogs left out. */
  offers(filter: OfferFilter): Listing[]
  /** What a kWh of an offer costs here, fees included, by the tariffs known now. */
  costs(): (listing: Listing) => Cost
  /** A peer of our zone has connected: what was missed is asked of it, unless others were asked. */
  joined(peer: PeerId): TradingOutcome
  /** Buyer: wants energy; the search begins. */
  buy(need: Wanted): TradingOutcome
  /** The same, unless a need of that id was begun before. */
  buyOnce(need: Wanted): TradingOutcome
  cancelTrade(transactionId: TaskId): TradingOutcome
  /** Asks what a cancellation would cost; the answer is kept as the trade's `cancelTerms`. */
  askCancelTerms(transactionId: TaskId): TradingOutcome
  /** Buyer: wants less of an agreed trade. */
  reduceTrade(transactionId: TaskId, energyWh: number): TradingOutcome
  /** Seller: must deliver less of an agreed trade. */
  curtailTrade(transactionId: TaskId, how: { energyWh: number; reason: CurtailmentReason }): TradingOutcome
  trackTrade(transactionId: TaskId): TradingOutcome
  rateTrade(transactionId: TaskId, rating: { stars: number; words?: string | undefined }): TradingOutcome
  askSupport(transactionId: TaskId): TradingOutcome
  /** Proposes to net everything settled with that peer into one statement. */
  netWith(peer: PeerId): TradingOutcome
  /** Creditor: the money of the open statement with that peer has come; amount in millionths. */
  paidBy(peer: PeerId, micro: number): TradingOutcome
  /** What the passing of time brings: searches close, silent steps end, reservations run out, deliveries are settled. */
  tick(): TradingOutcome
  /** When `tick` has something to do next, in wall-clock time; undefined: nothing is open. */
  nextDeadline(): number | undefined
}

export function createTrading(deps: TradingDeps): Trading {
  const { store } = deps
  const market: Market = withMemory(deps)
  const pulls = createPulls(market)
  const remembered = remembering(market)

  const open = { sealed: false } as const
  const sealed = { carriers: ['orders', 'stream'], sealed: true } as const
  const flow = (action: Action, handler: Handler) => becknRow(market, action, handler, sealed)
  const [pullType, pullRow] = becknRow(market, 'catalog/pull', pulls.pull, { ...open, carriers: ['stream'] })
  const rows: readonly (readonly [string, MessageType<TradingFact>])[] = [
    becknRow(market, 'catalog/publish', publish, { ...open, carriers: ['catalog', 'stream'] }),
    [pullType, { ...pullRow, undelivered: ({ envelope }) => pulls.unanswered(envelope.to) }],
    pulls.pageRow,
    becknRow(market, 'discover', discover, { ...open, carriers: ['orders', 'stream'] }),
    flow('on_discover', onDiscover),
    flow('select', select),
    flow('on_select', onSelect),
    flow('init', init),
    flow('on_init', onInit),
    flow('confirm', confirm),
    flow('on_confirm', onConfirm),
    flow('status', status),
    flow('on_status', onStatus),
    flow('update', update),
    flow('on_update', onUpdate),
    flow('cancel', cancel),
    flow('on_cancel', onCancel),
    flow('track', track),
    flow('on_track', onTrack),
    flow('rate', rate),
    flow('on_rate', onRate),
    flow('support', support),
    flow('on_support', onSupport),
    receiptRow(market),
    ...statementRows(market),
    paymentRow(market),
  ]

  function withTrade(transactionId: TaskId, act: (trade: Trade) => TradingOutcome): TradingOutcome {
    const trade = store.trade(transactionId)
    if (trade === undefined)
      return refuse({ code: 'CTX_TRANSACTION_ID_UNKNOWN', message: `no trade ${transactionId} here` })
    return act(trade)
  }
  const changed = (trade: Trade, role: Trade['role'], how: Parameters<typeof startUpdate>[2]): TradingOutcome => {
    if (trade.role === role) return startUpdate(market, trade, how)
    const message = role === 'buyer' ? 'only the buyer asks for less; a seller curtails' : 'only a seller curtails'
    return refuse({ code: 'AUT_UNAUTHORIZED_ACTION', message })
  }

  return {
    messages: new Map(rows.map(([name, type]) => [name, remembered.row(type)])),
    publishCatalog: catalog => remembered.outcome(publishCatalog(market, catalog)),
    withdraw: () => remembered.outcome(withdraw(market)),
    offers: filter => market.index.query(filter).filter(({ catalog }) => catalog.validUntilMs > market.now()),
    costs: () => costs(market),
    joined: pulls.joined,
    buy: wanted => buy(market, wanted),
    buyOnce: wanted => (store.need(wanted.id) === undefined ? buy(market, wanted) : outcome()),
    cancelTrade: id => withTrade(id, trade => startCancel(market, trade, { preview: false })),
    askCancelTerms: id => withTrade(id, trade => startCancel(market, trade, { preview: true })),
    reduceTrade: (id, energyWh) => withTrade(id, trade => changed(trade, 'buyer', { energyWh })),
    curtailTrade: (id, how) => withTrade(id, trade => changed(trade, 'seller', how)),
    trackTrade: id => withTrade(id, trade => startTrack(market, trade)),
    rateTrade: (id, rating) => withTrade(id, trade => startRate(market, trade, rating)),
    askSupport: id => withTrade(id, trade => startSupport(market, trade)),
    netWith: peer => netWith(market, peer),
    paidBy: (peer, micro) => paidBy(market, peer, micro),
    tick: () => remembered.outcome(passTime(market)),
    nextDeadline: () => nextDeadline(market),
  }
}

/** The market with what is kept in memory only; the catalogs are read when they are first needed. */
function withMemory(deps: TradingDeps): Market {
  let index: CatalogIndex | undefined
  return {
    ...deps,
    ...createMarketMemory(deps.now),
    get index() {
      index ??= createCatalogIndex(deps.store.catalogs())
      return index
    },
  }
}

/**
 * The index learns of a catalog with the outcome that keeps it. Should that outcome not reach the disk, the index knows
 * an offer more than the store for a while: a search may find it, nothing is sold by it.
 */
function remembering(market: Market) {
  const remember = (decided: TradingOutcome): TradingOutcome => {
    for (const fact of decided.facts) if (fact.kind === 'catalog') market.index.put(fact.catalog)
    return decided
  }
  const row = (type: MessageType<TradingFact>): MessageType<TradingFact> => ({
    ...type,
    handle: (envelope, payload) => remember(type.handle(envelope, payload)),
  })
  return { outcome: remember, row }
}
