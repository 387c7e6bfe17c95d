import type { Row } from '../../daemon/domain.ts'
import type { PeerId, TransactionId } from '../../kernel/ids.ts'
import { outcome, type Sealed } from '../../kernel/outcome.ts'
import type { Action } from './beckn/context.ts'
import { type Cost, costs } from './buying/choose.ts'
import { buy, onDiscover, type Wanted } from './buying/search.ts'
import type { Listing, OfferFilter } from './catalog-index.ts'
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
import { createRates } from './rates.ts'
import { becknRow, type Handler } from './router.ts'
import { type Deadline, nextDeadline, passTime } from './timing.ts'
import type { Catalog, CurtailmentReason, Trade, TradingFact } from './trade.ts'
import { refuse, type Trader, type TradingBooks, type TradingDeps, type TradingOutcome } from './trader.ts'

export interface TradeFlows {
  /** The rows of the router this domain answers for. */
  readonly messages: ReadonlyMap<string, Row<TradingFact>>
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
  cancelTrade(transactionId: TransactionId): TradingOutcome
  /** Asks what a cancellation would cost; the answer is kept as the trade's `cancelTerms`. */
  askCancelTerms(transactionId: TransactionId): TradingOutcome
  /** Buyer: wants less of an agreed trade. */
  reduceTrade(transactionId: TransactionId, energyWh: number): TradingOutcome
  /** Seller: must deliver less of an agreed trade. */
  curtailTrade(transactionId: TransactionId, how: { energyWh: number; reason: CurtailmentReason }): TradingOutcome
  trackTrade(transactionId: TransactionId): TradingOutcome
  rateTrade(transactionId: TransactionId, rating: { stars: number; words?: string | undefined }): TradingOutcome
  askSupport(transactionId: TransactionId): TradingOutcome
  /** Whether that neighbour is to be asked for what was missed. */
  isWanted(peer: PeerId): boolean
  /** A peer has left. */
  left(peer: PeerId): TradingOutcome
  /** What the passing of time brings: searches close, silent steps end, reservations run out, deliveries are settled. */
  tick(): TradingOutcome
  /** When `tick` has something to do next. */
  nextDeadline(): Deadline
}

export function createTradeFlows(deps: TradingDeps): TradeFlows {
  const { store } = deps
  const trader: Trader = { ...deps, rates: createRates(deps.now) }
  const pulls = createPulls(trader)

  function withTrade(transactionId: TransactionId, act: (trade: Trade) => TradingOutcome): TradingOutcome {
    const trade = store.trade(transactionId)
    if (trade === undefined)
      return refuse({ code: 'CTX_TRANSACTION_ID_UNKNOWN', message: `no trade ${transactionId} here` })
    return act(trade)
  }
  const changed = (trade: Trade, role: Trade['role'], how: Parameters<typeof startUpdate>[2]): TradingOutcome => {
    if (trade.role === role) return startUpdate(trader, trade, how)
    const message = role === 'buyer' ? 'only the buyer asks for less; a seller curtails' : 'only a seller curtails'
    return refuse({ code: 'AUT_UNAUTHORIZED_ACTION', message })
  }

  return {
    messages: new Map(tradingRows(trader, pulls).map(([name, row]) => [name, bookedRow(deps.books, row)])),
    publishCatalog: catalog => publishCatalog(trader, catalog),
    withdraw: () => withdraw(trader),
    offers: filter => trader.store.index.query(filter).filter(({ catalog }) => catalog.validUntilMs > trader.now()),
    costs: () => costs(trader),
    joined: pulls.joined,
    isWanted: pulls.isWanted,
    left: pulls.left,
    buy: wanted => buy(trader, wanted),
    buyOnce: wanted => (store.need(wanted.id) === undefined ? buy(trader, wanted) : outcome()),
    cancelTrade: id =>
      booked(
        deps.books,
        withTrade(id, trade => startCancel(trader, trade, { preview: false })),
      ),
    askCancelTerms: id => withTrade(id, trade => startCancel(trader, trade, { preview: true })),
    reduceTrade: (id, energyWh) => withTrade(id, trade => changed(trade, 'buyer', { energyWh })),
    curtailTrade: (id, how) => withTrade(id, trade => changed(trade, 'seller', how)),
    trackTrade: id => withTrade(id, trade => startTrack(trader, trade)),
    rateTrade: (id, rating) => withTrade(id, trade => startRate(trader, trade, rating)),
    askSupport: id => withTrade(id, trade => startSupport(trader, trade)),
    tick: () => booked(deps.books, passTime(trader)),
    nextDeadline: () => nextDeadline(trader),
  }
}

/** A row a step of the protocol: which way it goes, whether it is sealed, what handles it. */
function tradingRows(
  trader: Trader,
  pulls: ReturnType<typeof createPulls>,
): readonly (readonly [string, Row<TradingFact>])[] {
  const open = { sealed: false } as const
  const sealed = { carriers: ['orders', 'stream'], sealed: true } as const
  const flow = (action: Action, handler: Handler) => becknRow(trader, action, handler, sealed)
  const [pullType, pullRow] = becknRow(trader, 'catalog/pull', pulls.pull, { ...open, carriers: ['stream'] })
  return [
    becknRow(trader, 'catalog/publish', publish, { ...open, carriers: ['catalog', 'stream'] }),
    [pullType, { ...pullRow, undelivered: ({ envelope }) => pulls.unanswered(envelope.to) }],
    pulls.pageRow,
    becknRow(trader, 'discover', discover, { ...open, carriers: ['orders', 'stream'] }),
    // An answer to a search is no order yet: by the topic, a zone would carry every seller's answer to everybody.
    becknRow(trader, 'on_discover', onDiscover, { ...sealed, straightFirst: true }),
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
  ]
}

/** What a decision about trades means for the books: contracts that bind, and those that bind no more. */
function booked(books: TradingBooks, decided: TradingOutcome): TradingOutcome {
  const sealed = decided.facts.filter(isTradeFact).flatMap(({ trade }) => bookFacts(books, trade))
  return sealed.length === 0 ? decided : { ...decided, facts: [...decided.facts, ...sealed] }
}

function isTradeFact(fact: TradingFact | Sealed): fact is Extract<TradingFact, { kind: 'trading.trade' }> {
  return 'kind' in fact && fact.kind === 'trading.trade'
}

function bookFacts(books: TradingBooks, trade: Trade): Sealed[] {
  const { terms, role, counterparty, slot, energyWh, priceMicro } = trade
  if (terms === undefined) return []
  const { contractId } = terms
  if (trade.state === 'active') return [books.agreed({ contractId, role, counterparty, slot, energyWh, priceMicro })]
  return GIVEN_UP.includes(trade.state) ? [books.released(counterparty, contractId)] : []
}

/** A contract that was in force before binds no more. */
const GIVEN_UP: readonly Trade['state'][] = ['cancelled', 'expired', 'refused']

function bookedRow(books: TradingBooks, row: Row<TradingFact>): Row<TradingFact> {
  const { undelivered } = row
  return {
    ...row,
    handle: (envelope, payload) => booked(books, row.handle(envelope, payload)),
    ...(undelivered === undefined ? {} : { undelivered: message => booked(books, undelivered(message)) }),
  }
}
