import type { TaskId } from '../kernel/ids.ts'
import { acknowledged, type Draft } from '../kernel/outcome.ts'
import { selectDraft } from './flows/drafts.ts'
import { awaiting, type Market, type TradingOutcome, tradeFact } from './market.ts'
import type { Need, RankedOffer, Trade } from './trade.ts'

/**
 * Ends a trade that came to nothing. A buyer's need goes on with the next cheapest offer unless it is told to stop;
 * when no offer is left, the need has failed.
 */
export function closeTrade(
  market: Market,
  trade: Trade,
  state: 'refused' | 'expired' | 'cancelled',
  reason: string,
  then: 'next' | 'stop' = 'next',
): TradingOutcome {
  const closed = tradeFact({ ...trade, state, reason })
  const need = trade.needId === undefined ? undefined : market.store.need(trade.needId)
  // Only the trade a need is in may move it on: a late refusal of an earlier one changes nothing.
  if (need === undefined || need.transactionId !== trade.transactionId)
    return { facts: [closed], messages: [], answer: acknowledged }
  const next = then === 'stop' ? failed(need, reason) : tryNext(market, need, reason)
  return { ...next, facts: [closed, ...next.facts] }
}

/** Buyer: selects the cheapest offer not tried yet. */
export function tryNext(market: Market, need: Need, because: string): TradingOutcome {
  const offer = need.ranked[need.tried]
  if (offer === undefined) return failed(need, because)
  const { trade, draft } = startSelect(market, need, offer)
  const trading: Need = { ...need, state: 'trading', tried: need.tried + 1, transactionId: trade.transactionId }
  return { facts: [tradeFact(trade), { kind: 'need', need: trading }], messages: [draft], answer: acknowledged }
}

/** Buyer: the trade binds, the need is met. */
export function bought(market: Market, trade: Trade): TradingOutcome {
  const need = trade.needId === undefined ? undefined : market.store.need(trade.needId)
  const met =
    need === undefined
      ? []
      : [{ kind: 'need', need: { ...need, state: 'bought', transactionId: trade.transactionId } } as const]
  return { facts: [tradeFact(trade), ...met], messages: [], answer: acknowledged }
}

function failed(need: Need, reason: string): TradingOutcome {
  return { facts: [{ kind: 'need', need: { ...need, state: 'failed', reason } }], messages: [], answer: acknowledged }
}

/** Buyer: asks the seller of `offer` for a fresh quote. */
function startSelect(market: Market, need: Need, offer: RankedOffer): { trade: Trade; draft: Draft } {
  const now = market.now()
  const trade: Trade = {
    transactionId: market.newId() as TaskId,
    role: 'buyer',
    counterparty: offer.seller,
    offerId: offer.offerId,
    slot: need.slot,
    energyWh: need.energyWh,
    priceMicro: offer.priceMicro,
    gridFeeMicro: offer.gridFeeMicro,
    state: 'selecting',
    deadlineMs: now + market.stepTimeoutMs,
    startedMs: now,
    needId: need.id,
  }
  const draft = selectDraft(market, trade)
  return { trade: { ...trade, ...awaiting(draft) }, draft }
}
