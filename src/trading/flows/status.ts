import { type ContractBody, readContract } from '../beckn/contract-body.ts'
import { isRefusal } from '../beckn/error.ts'
import { bought, closeTrade } from '../buying/need.ts'
import { answerWith, type Incoming, type Market, refuse, type TradingOutcome } from '../market.ts'
import { nextState } from '../states.ts'
import type { Trade } from '../trade.ts'
import { agreedContract } from './confirm.ts'
import { standingDraft } from './drafts.ts'
import { takeNewer } from './revision.ts'
import { onSettle, sellerMeasured } from './settle.ts'

/** Seller: says how the trade stands, with both signatures once it binds. */
export function status(market: Market, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'seller', 'status')
  if (isRefusal(state)) return refuse(state)
  return answerWith([], trade === undefined ? [] : [standingDraft(market, trade, 'on_status', body)])
}

/** Buyer: learns how the trade stands, asked or unasked: that it binds, that it has ended, what was delivered. */
export function onStatus(market: Market, incoming: Incoming): TradingOutcome {
  const { body, trade } = incoming
  const state = nextState(trade, 'buyer', 'on_status')
  if (isRefusal(state)) return refuse(state)
  const said = readContract(body.message)
  if (trade === undefined || typeof said === 'string') return answerWith([], [])
  if (trade.state === 'active') return standsNow(market, trade, said)
  if (trade.state !== 'confirming' && trade.state !== 'quoted') return answerWith([], [])
  if (said.status === 'CANCELLED') {
    const reason = 'the reservation ran out before the seller had the confirmation'
    return closeTrade(market, trade, { state: 'expired', reason })
  }
  const contract = trade.state === 'confirming' ? agreedContract(market, trade, said) : undefined
  // Still a draft over there: the confirmation is on its way, or is sent again by the outbox.
  return contract === undefined ? answerWith([], []) : bought(market, { ...trade, state: 'active', contract })
}

function standsNow(market: Market, before: Trade, said: ContractBody): TradingOutcome {
  const { trade, facts } = takeNewer(market, before, said)
  const next = said.status === 'COMPLETE' ? onSettle(market, trade, said) : sellerMeasured(market, trade, said)
  return { ...next, facts: [...facts, ...next.facts] }
}
