import { type ContractBody, readContract } from '../beckn/contract-body.ts'
import { isRefusal } from '../beckn/error.ts'
import { AT_YOUR_WISH, bought, closeTrade, isGivenUp } from '../buying/need.ts'
import { nextState } from '../states.ts'
import type { Trade } from '../trade.ts'
import { answerWith, type Incoming, refuse, type Trader, type TradingOutcome } from '../trader.ts'
import { agreedContract } from './confirm.ts'
import { standingDraft } from './drafts.ts'
import { takeNewer } from './revision.ts'
import { onSettle, sellerMeasured } from './settle.ts'

/** Seller: says how the trade stands, with both signatures once it binds. */
export function status(trader: Trader, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'seller', 'status')
  if (isRefusal(state)) return refuse(state)
  return answerWith([], trade === undefined ? [] : [standingDraft(trader, trade, 'on_status', body)])
}

/** Buyer: learns how the trade stands, asked or unasked: that it binds, that it has ended, what was delivered. */
export function onStatus(trader: Trader, incoming: Incoming): TradingOutcome {
  const { body, trade } = incoming
  const state = nextState(trade, 'buyer', 'on_status')
  if (isRefusal(state)) return refuse(state)
  const said = readContract(body.message)
  if (trade === undefined || typeof said === 'string') return answerWith([], [])
  if (trade.state === 'active') return standsNow(trader, trade, said)
  if (said.status === 'CANCELLED') return ranOut(trader, trade)
  // Whoever gave up asking still takes what binds it; whoever was told that it does not, awaits nothing.
  const waits = trade.state === 'confirming' || (trade.state === 'expired' && trade.awaiting !== undefined)
  const contract = waits ? agreedContract(trader, trade, said) : undefined
  // Still a draft over there: the confirmation is on its way, or is sent again by the outbox.
  return contract === undefined ? answerWith([], []) : bought(trader, { ...trade, state: 'active', contract })
}

/** The seller's word is final: it cannot sign after all what it has called off. */
function ranOut(trader: Trader, { awaiting, ...trade }: Trade): TradingOutcome {
  if (trade.state === 'expired') return answerWith(awaiting === undefined ? [] : [trade], [])
  if (trade.state !== 'confirming' && trade.state !== 'quoted') return answerWith([], [])
  const reason = 'the reservation ran out before the seller had the confirmation'
  return closeTrade(trader, trade, { state: 'expired', reason })
}

function standsNow(trader: Trader, before: Trade, said: ContractBody): TradingOutcome {
  // The answer to the cancellation was lost; a seller that ends a contract by itself ends nothing.
  if (said.status === 'CANCELLED' && isGivenUp(before))
    return closeTrade(trader, before, { state: 'cancelled', reason: AT_YOUR_WISH, after: 'stop' })
  const { trade, facts } = takeNewer(trader, before, said)
  const next = said.status === 'COMPLETE' ? onSettle(trader, trade, said) : sellerMeasured(trader, trade, said)
  return { ...next, facts: [...facts, ...next.facts] }
}
