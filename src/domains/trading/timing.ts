import { acknowledged, outcome } from '../../kernel/outcome.ts'
import { closeTrade, tryNext } from './buying/need.ts'
import { closeSearch } from './buying/search.ts'
import { announceAgain, announceAtMs } from './catalogs/own.ts'
import { standingDraft, statusDraft } from './flows/drafts.ts'
import { isOver, pursueSettlement } from './flows/settle.ts'
import { type Market, type TradingOutcome, tradeFact } from './market.ts'
import { type Need, OPEN_STATES, type Trade } from './trade.ts'

/** How often a buyer asks about a trade it has signed and heard nothing of. */
const ASK_AGAIN_MS = 60_000
const GIVE_UP_MS = 24 * 60 * 60_000
/** Agreed trades looked at in one turn; the others follow in the next. */
const AT_A_TIME = 64

/** What the passing of time brings: searches close, silent steps end, reservations run out, deliveries are settled. */
export function passTime(market: Market): TradingOutcome {
  const { store } = market
  const now = market.now()
  const late = (states: readonly Trade['state'][]): Trade[] =>
    states.flatMap(state => store.tradesInState(state)).filter(trade => trade.deadlineMs <= now)
  const all = [
    ...store
      .needsInState('searching')
      .filter(need => need.searchUntilMs <= now)
      .map(need => closeSearch(market, need)),
    ...late(['selecting', 'quoted', 'reserved']).map(trade => runOut(market, trade)),
    ...late(['confirming']).map(trade => askAgain(market, trade)),
    ...orphans(market).map(need => tryNext(market, need, 'its trade is gone')),
    ...toSettle(market).map(trade => pursueSettlement(market, trade)),
    ...(isDue(announceAtMs(market), now) ? [announceAgain(market)] : []),
  ]
  for (const { seller, validUntilMs } of market.index.catalogs()) if (validUntilMs <= now) market.index.remove(seller)
  return { facts: all.flatMap(o => o.facts), messages: all.flatMap(o => o.messages), answer: acknowledged }
}

/** When there is something to do next, in wall-clock time; what waits for market time is due when that has come. */
export function nextDeadline(market: Market): number | undefined {
  const { store } = market
  const searches = store.needsInState('searching').map(need => need.searchUntilMs)
  const trades = OPEN_STATES.flatMap(state => store.tradesInState(state)).map(trade => trade.deadlineMs)
  const [settling] = store.settling(1)
  const announceMs = announceAtMs(market)
  const now =
    orphans(market).length > 0 || store.unsettled(1).some(trade => isOver(market, trade)) ? [market.now()] : []
  const all = [
    ...searches,
    ...trades,
    ...now,
    ...(settling?.settling === undefined ? [] : [settling.settling.nextMs]),
    ...(announceMs === undefined ? [] : [announceMs]),
  ]
  return all.length === 0 ? undefined : Math.min(...all)
}

const isDue = (atMs: number | undefined, now: number): boolean => atMs !== undefined && atMs <= now

/** Needs that are in a trade which is not there any more, or has ended without them: they go on with the next offer. */
function orphans(market: Market): Need[] {
  return market.store.needsInState('trading').filter(need => {
    const trade = need.transactionId === undefined ? undefined : market.store.purchase(need.transactionId)
    return trade === undefined || !OPEN_STATES.includes(trade.state)
  })
}

function toSettle(market: Market): Trade[] {
  const { store } = market
  const fresh = store.unsettled(AT_A_TIME).filter(trade => isOver(market, trade))
  const again = store.settling(AT_A_TIME).filter(trade => isDue(trade.settling?.nextMs, market.now()))
  return [...fresh, ...again]
}

/** A step that did not come: a buyer goes on with the next offer, a seller frees the energy and says so. */
function runOut(market: Market, trade: Trade): TradingOutcome {
  if (trade.role === 'buyer')
    return closeTrade(market, trade, { state: 'expired', reason: 'the seller did not answer in time' })
  const reserved = trade.state === 'reserved'
  const reason = reserved ? 'the buyer did not confirm in time' : 'the buyer did not go on'
  const expired: Trade = { ...trade, state: 'expired', reason }
  return outcome([tradeFact(expired)], reserved ? [standingDraft(market, expired, 'on_status')] : [])
}

/** Signed by the buyer, and not a word since: the seller knows whether it binds. */
function askAgain(market: Market, trade: Trade): TradingOutcome {
  if (market.now() - trade.startedMs > GIVE_UP_MS) {
    const reason = 'the seller never said whether the trade binds'
    return closeTrade(market, trade, { state: 'expired', reason, after: 'stop' })
  }
  const again = tradeFact({ ...trade, deadlineMs: market.now() + ASK_AGAIN_MS })
  return outcome([again], [statusDraft(market, trade)])
}
