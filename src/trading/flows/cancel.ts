import { type ContractBody, contractMessage, readContract } from '../beckn/contract-body.ts'
import { isRefusal } from '../beckn/error.ts'
import { answerWith, flowDraft, type Incoming, type Market, refuse, requestId, type TradingOutcome } from '../market.ts'
import { closeTrade } from '../need.ts'
import { nextState } from '../states.ts'
import { OPEN_STATES, type Trade } from '../trade.ts'
import { draftBody } from './drafts.ts'

/** Either side gives a trade up before its slot starts; the other is told and answers. */
export function startCancel(market: Market, trade: Trade): TradingOutcome {
  const started = trade.slot.startMs <= market.marketNow()
  if (trade.role === 'seller')
    return refuse({ code: 'AUT_UNAUTHORIZED_ACTION', message: 'only the buyer cancels a trade' })
  if (![...OPEN_STATES, 'active'].includes(trade.state)) {
    return refuse({ code: 'BIZ_INVALID_STATE_TRANSITION', message: `the trade is ${trade.state} already` })
  }
  if (trade.state === 'active' && started) {
    return refuse({
      code: 'BIZ_INVALID_STATE_TRANSITION',
      message: 'delivery has begun; an agreed trade is cancelled before its slot',
    })
  }
  const message = contractMessage(cancelBody(market, trade, trade.state === 'active' ? 'ACTIVE' : 'DRAFT'))
  const draft = flowDraft(market, trade, 'cancel', { message })
  return answerWith([{ ...trade, ...(draft.id === undefined ? {} : { cancelling: draft.id }) }], [draft])
}

/** Seller: frees the energy. */
export function cancel(market: Market, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'seller', 'cancel')
  if (isRefusal(state)) return refuse(state)
  if (trade === undefined) return answerWith([], [])
  if (trade.state === 'active' && trade.slot.startMs <= market.marketNow()) {
    return refuse({ code: 'BIZ_INVALID_STATE_TRANSITION', message: 'delivery has begun' })
  }
  const message = contractMessage(cancelBody(market, trade, 'CANCELLED'))
  const draft = flowDraft(market, trade, 'on_cancel', { message, inReplyTo: requestId(body) })
  return answerWith([{ ...trade, state, reason: 'cancelled by the buyer' }], [draft])
}

/** Buyer: the trade has ended, if it asked for that. */
export function onCancel(market: Market, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'buyer', 'on_cancel')
  if (isRefusal(state)) return refuse(state)
  if (trade?.cancelling !== requestId(body))
    return refuse({ code: 'BIZ_INVALID_STATE_TRANSITION', message: 'no cancellation was asked for' })
  const said = readContract(body.message)
  if (typeof said === 'string' || said.status !== 'CANCELLED') return answerWith([], [])
  return closeTrade(market, trade, 'cancelled', 'cancelled at your wish', 'stop')
}

function cancelBody(market: Market, trade: Trade, status: ContractBody['status']): ContractBody {
  const id = trade.terms === undefined ? {} : { contractId: trade.terms.contractId }
  return { ...draftBody(market, trade), ...id, status }
}
