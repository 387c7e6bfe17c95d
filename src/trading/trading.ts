import type { TaskId } from '../kernel/ids.ts'
import { acknowledged, outcome } from '../kernel/outcome.ts'
import { type Random, shuffled } from '../kernel/random.ts'
import type { MessageType, Undelivered } from '../protocol/message-type.ts'
import { type Action, type BecknMessage, becknSchema, contextMismatch, typeOf } from './beckn/context.ts'
import { cancel, onCancel, startCancel } from './flows/cancel.ts'
import { confirm, onConfirm } from './flows/confirm.ts'
import { closeSearch, discover, discoverDraft, onDiscover, publish, publishDraft, SEARCH_MS } from './flows/discover.ts'
import { statusDraft } from './flows/drafts.ts'
import { init, onInit } from './flows/init.ts'
import { onSelect, select } from './flows/select.ts'
import { onStatus, status } from './flows/status.ts'
import type { Incoming, Market, TradingOutcome } from './market.ts'
import { refuse, tradeFact } from './market.ts'
import { closeTrade } from './need.ts'
import { type Catalog, type Need, OPEN_STATES, type Trade, type TradingFact } from './trade.ts'

/** Offers a peer has at a time; what others accept in a catalog. */
const MAX_OFFERS = 16
/** How often a buyer asks about a trade it has signed and heard nothing of. */
const ASK_AGAIN_MS = 60_000
const GIVE_UP_MS = 24 * 60 * 60_000

export interface TradingDeps extends Market {
  readonly random: Random
}

export interface Trading {
  /** The rows of the router this domain answers for. */
  readonly messages: ReadonlyMap<string, MessageType<TradingFact>>
  /** Seller: adds these offers to its own, in place of those of the same id, and tells the zone. */
  publishCatalog(catalog: Catalog): TradingOutcome
  /** Buyer: wants energy; the search begins. */
  buy(need: Pick<Need, 'id' | 'slot' | 'energyWh' | 'maxPriceMicro' | 'reason'>): TradingOutcome
  /** The same, unless a need of that id was begun before. */
  buyOnce(need: Parameters<Trading['buy']>[0]): TradingOutcome
  cancelTrade(transactionId: TaskId): TradingOutcome
  /** What the passing of time brings: searches close, silent steps end, reservations run out. */
  tick(): TradingOutcome
  /** When `tick` has something to do next, in wall-clock time; undefined: nothing is open. */
  nextDeadline(): number | undefined
}

type Handler = (market: Market, incoming: Incoming) => TradingOutcome

export function createTrading(deps: TradingDeps): Trading {
  const { store } = deps
  const shuffle = <T>(items: T[]): T[] => shuffled(items, deps.random)

  const topicRow = (action: Action, handler: Handler, carrier: 'catalog' | 'orders') =>
    row(deps, action, handler, { carriers: [carrier, 'stream'], sealed: false })
  const flowRow = (action: Action, handler: Handler) =>
    row(deps, action, handler, { carriers: ['orders', 'stream'], sealed: true })

  function buy(wanted: Parameters<Trading['buy']>[0]): TradingOutcome {
    const createdMs = deps.now()
    const search = {
      state: 'searching',
      answered: [],
      searchUntilMs: createdMs + SEARCH_MS,
      ranked: [],
      tried: 0,
    } as const
    const need: Need = { ...wanted, ...search, createdMs }
    return outcome<TradingFact>([{ kind: 'need', need }], [discoverDraft(deps, need)])
  }

  /** A catalog replaces the one before whole, so what is still on offer goes along. */
  function publishCatalog(catalog: Catalog): TradingOutcome {
    const own = store.catalog(deps.self)
    const renewed = new Set(catalog.offers.map(offer => offer.offerId))
    const still = (own?.offers ?? [])
      .filter(offer => !renewed.has(offer.offerId))
      .filter(offer => offer.slot.startMs + offer.slot.durationMs > deps.marketNow())
      .slice(-MAX_OFFERS + catalog.offers.length)
    const merged: Catalog = {
      ...catalog,
      // Two in one millisecond, or a clock set back: the later one still wins.
      version: Math.max(catalog.version, (own?.version ?? 0) + 1),
      validUntilMs: Math.max(catalog.validUntilMs, still.length === 0 ? 0 : (own?.validUntilMs ?? 0)),
      offers: [...still, ...catalog.offers],
    }
    return outcome<TradingFact>([{ kind: 'catalog', catalog: merged }], [publishDraft(deps, merged)])
  }

  return {
    messages: new Map([
      topicRow('catalog/publish', publish, 'catalog'),
      topicRow('discover', discover, 'orders'),
      flowRow('on_discover', onDiscover),
      flowRow('select', select),
      flowRow('on_select', onSelect),
      flowRow('init', init),
      flowRow('on_init', onInit),
      flowRow('confirm', confirm),
      flowRow('on_confirm', onConfirm),
      flowRow('status', status),
      flowRow('on_status', onStatus),
      flowRow('cancel', cancel),
      flowRow('on_cancel', onCancel),
    ]),
    publishCatalog,
    buy,
    buyOnce: wanted => (store.need(wanted.id) === undefined ? buy(wanted) : outcome()),
    cancelTrade(transactionId) {
      const trade = store.trade(transactionId)
      if (trade === undefined)
        return refuse({ code: 'CTX_TRANSACTION_ID_UNKNOWN', message: `no trade ${transactionId} here` })
      return startCancel(deps, trade)
    },
    tick() {
      const now = deps.now()
      const searches = store.needsInState('searching').filter(need => need.searchUntilMs <= now)
      const closed = searches.map(need => closeSearch(deps, need, shuffle))
      const late = (['selecting', 'quoted', 'reserved'] as const)
        .flatMap(state => store.tradesInState(state))
        .filter(trade => trade.deadlineMs <= now)
        .map(trade => runOut(deps, trade))
      const unsure = store
        .tradesInState('confirming')
        .filter(trade => trade.deadlineMs <= now)
        .map(trade => askAgain(deps, trade))
      const all = [...closed, ...late, ...unsure]
      return { facts: all.flatMap(o => o.facts), messages: all.flatMap(o => o.messages), answer: acknowledged }
    },
    nextDeadline() {
      const searches = store.needsInState('searching').map(need => need.searchUntilMs)
      const trades = OPEN_STATES.flatMap(state => store.tradesInState(state))
      const all = [...searches, ...trades.map(trade => trade.deadlineMs)]
      return all.length === 0 ? undefined : Math.min(...all)
    },
  }
}

/** A step that did not come: a buyer goes on with the next offer, a seller frees the energy. */
function runOut(market: Market, trade: Trade): TradingOutcome {
  if (trade.role === 'buyer') return closeTrade(market, trade, 'expired', 'the seller did not answer in time')
  const reason = trade.state === 'reserved' ? 'the buyer did not confirm in time' : 'the buyer did not go on'
  return outcome([tradeFact({ ...trade, state: 'expired', reason })])
}

/** Signed by the buyer, and not a word since: the seller knows whether it binds. */
function askAgain(market: Market, trade: Trade): TradingOutcome {
  if (market.now() - trade.startedMs > GIVE_UP_MS) {
    return closeTrade(market, trade, 'expired', 'the seller never said whether the trade binds', 'stop')
  }
  const asked = tradeFact({ ...trade, deadlineMs: market.now() + ASK_AGAIN_MS })
  return outcome([asked], [statusDraft(market, trade)])
}

function row(
  market: Market,
  action: Action,
  handler: Handler,
  how: Pick<MessageType<TradingFact>, 'carriers' | 'sealed'>,
): [string, MessageType<TradingFact>] {
  const type: MessageType<TradingFact> = {
    ...how,
    kept: true,
    payload: becknSchema,
    handle(envelope, payload) {
      const body = payload as unknown as BecknMessage
      const expected = { action, sender: envelope.sender_id, receiver: envelope.to, transactionId: envelope.task_id }
      const mismatch = contextMismatch(body, expected)
      if (mismatch !== undefined) return refuse(mismatch)
      const trade = market.store.trade(envelope.task_id)
      // A trade has two parties; to anybody else it does not exist.
      const party = trade === undefined || trade.counterparty === envelope.sender_id
      if (!party) return refuse({ code: 'AUT_UNAUTHORIZED_ACTION', message: 'this trade is with somebody else' })
      return handler(market, { envelope, body, trade })
    },
    undelivered: message => unanswered(market, action, message),
  }
  return [typeOf(action), type]
}

/** One of our own steps was refused, or nobody acknowledged it. */
function unanswered(market: Market, action: Action, { envelope, refusal }: Undelivered): TradingOutcome {
  const trade = market.store.trade(envelope.task_id)
  if (trade === undefined || trade.role !== 'buyer') return outcome()
  const expired = refusal.code === 'OUTBOX_EXPIRED'
  if (trade.state === 'confirming') {
    // Whether the seller has it is not known: `tick` asks until it says so.
    if (expired) return outcome()
    return action === 'confirm' || action === 'status'
      ? closeTrade(market, trade, 'refused', refusal.message)
      : outcome()
  }
  if (trade.awaiting !== envelope.id) return outcome()
  return closeTrade(
    market,
    trade,
    expired ? 'expired' : 'refused',
    expired ? 'the seller did not answer' : refusal.message,
  )
}
