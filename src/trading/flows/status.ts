import { contractMessage, readContract } from '../beckn/contract-body.ts'
import { isRefusal } from '../beckn/error.ts'
import { answerWith, flowDraft, type Incoming, type Market, refuse, requestId, type TradingOutcome } from '../market.ts'
import { bought, closeTrade } from '../need.ts'
import { nextState } from '../states.ts'
import { agreedContract } from './confirm.ts'
import { agreedDraft, draftBody } from './drafts.ts'

/** Seller: says how the trade stands, with both signatures once it binds. */
export function status(market: Market, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'seller', 'status')
  if (isRefusal(state)) return refuse(state)
  if (trade === undefined) return answerWith([], [])
  if (trade.terms !== undefined) return answerWith([], [agreedDraft(market, trade, 'on_status', body)])
  const message = contractMessage({
    ...draftBody(market, trade),
    status: trade.state === 'quoted' ? 'DRAFT' : 'CANCELLED',
  })
  return answerWith([], [flowDraft(market, trade, 'on_status', { message, inReplyTo: requestId(body) })])
}

/** Buyer: learns how the trade ended, when on_confirm was lost; otherwise nothing changes. */
export function onStatus(market: Market, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'buyer', 'on_status')
  if (isRefusal(state)) return refuse(state)
  const said = readContract(body.message)
  if (trade?.state !== 'confirming' || typeof said === 'string') return answerWith([], [])
  if (said.status === 'CANCELLED')
    return closeTrade(market, trade, 'expired', 'the reservation ran out before the seller had the confirmation')
  const contract = agreedContract(market, trade, said)
  // Still a draft over there: the confirmation is on its way, or is sent again by the outbox.
  return contract === undefined ? answerWith([], []) : bought(market, { ...trade, state: 'active', contract })
}
