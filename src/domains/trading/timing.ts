import { acknowledged, outcome } from '../../kernel/outcome.ts'
import { slotEndMs } from '../../kernel/slot.ts'
import { closeTrade, tryNext } from './buying/need.ts'
import { closeSearch } from './buying/search.ts'
import { announceAgain, announceAtMs } from './catalogs/own.ts'
import { standingDraft, statusDraft } from './flows/drafts.ts'
import { isOver, pursueSettlement } from './flows/settle.ts'
import { type Need, OPEN_STATES, type Trade, type TradingFact } from './trade.ts'
import { type Trader, type TradingOutcome, tradeFact } from './trader.ts'

/** How often a buyer asks about a trade it has signed and heard nothing of. */
const ASK_AGAIN_MS = 60_000
const GIVE_UP_MS = 24 * 60 * 60_000
/** Trades looked at in one turn; the others follow in the next. */
const AT_A_TIME = 64

/** What the passing of time brings: searches close, silent steps end, reservations run out, deliveries are settled. */
export function passTime(trader: Trader): TradingOutcome {
  const { store } = trader
  const now = trader.now()
  const all = [
    ...store
      .needsInState('searching')
      .filter(need => need.searchUntilMs <= now)
      .map(need => closeSearch(trader, need)),
    ...store
      .overdue(now, AT_A_TIME)
      .map(trade => (trade.state === 'confirming' ? askAgain(trader, trade) : runOut(trader, trade))),
    ...orphans(trader).map(need => tryNext(trader, need, 'its trade is gone')),
    ...toSettle(trader).map(trade => pursueSettlement(trader, trade)),
    ...(isDue(announceAtMs(trader), now) ? [announceAgain(trader)] : []),
  ]
  const over = trader.store.index
    .catalogs()
    .filter(({ validUntilMs }) => validUntilMs <= now)
    .map(({ seller }): TradingFact => ({ kind: 'trading.catalog.over', seller }))
  return {
    facts: [...all.flatMap(o => o.facts), ...over],
    messages: all.flatMap(o => o.messages),
    answer: acknowledged,
  }
}

/** When there is something to do next: by the wall's clock, and by the market's, where deliveries end. */
export interface Deadline {
  readonly wallMs: number | undefined
  readonly marketMs: number | undefined
}

export function nextDeadline(trader: Trader): Deadline {
  const { store } = trader
  const [settling] = store.settling(1)
  const wall = [
    ...store.needsInState('searching').map(need => need.searchUntilMs),
    store.firstDeadlineMs(),
    ...(orphans(trader).length > 0 ? [0] : []),
    settling?.settling?.nextMs,
    announceAtMs(trader),
    store.index.firstEndMs(),
  ].filter(ms => ms !== undefined)
  const [unsettled] = store.unsettled(1)
  return {
    wallMs: wall.length === 0 ? undefined : Math.min(...wall),
    marketMs: unsettled === undefined ? undefined : slotEndMs(unsettled.slot),
  }
}

const isDue = (atMs: number | undefined, now: number): boolean => atMs !== undefined && atMs <= now

/** Needs that are in a trade which is not there any more, or has ended without them: they go on with the next offer. */
function orphans(trader: Trader): Need[] {
  return trader.store.needsInState('trading').filter(need => {
    const trade = need.transactionId === undefined ? undefined : trader.store.purchase(need.transactionId)
    return trade === undefined || !OPEN_STATES.includes(trade.state)
  })
}

function toSettle(trader: Trader): Trade[] {
  const { store } = trader
  const fresh = store.unsettled(AT_A_TIME).filter(trade => isOver(trader, trade))
  const again = store.settling(AT_A_TIME).filter(trade => isDue(trade.settling?.nextMs, trader.now()))
  return [...fresh, ...again]
}

/** A step that did not come: a buyer goes on with the next offer, a seller frees the energy and says so. */
function runOut(trader: Trader, trade: Trade): TradingOutcome {
  if (trade.role === 'buyer')
    return closeTrade(trader, trade, { state: 'expired', reason: 'the seller did not answer in time' })
  const reserved = trade.state === 'reserved'
  const reason = reserved ? 'the buyer did not confirm in time' : 'the buyer did not go on'
  const expired: Trade = { ...trade, state: 'expired', reason }
  return outcome([tradeFact(expired)], reserved ? [standingDraft(trader, expired, 'on_status')] : [])
}

/** Signed by the buyer, and not a word since: the seller knows whether it binds. */
function askAgain(trader: Trader, trade: Trade): TradingOutcome {
  if (trader.now() - trade.startedMs > GIVE_UP_MS) {
    const reason = 'the seller never said whether the trade binds'
    return closeTrade(trader, trade, { state: 'expired', reason, after: 'stop' })
  }
  const again = tradeFact({ ...trade, deadlineMs: trader.now() + ASK_AGAIN_MS })
  return outcome([again], [statusDraft(trader, trade)])
}
