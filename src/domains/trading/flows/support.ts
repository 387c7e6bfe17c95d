import { readSupport, supportMessage } from '../beckn/after-sales.ts'
import { isRefusal } from '../beckn/error.ts'
import {
  answered,
  answers,
  answerWith,
  asks,
  flowDraft,
  type Incoming,
  type Market,
  refuse,
  type TradingOutcome,
  unasked,
  unreadable,
} from '../market.ts'
import { nextState } from '../states.ts'
import type { Trade } from '../trade.ts'

/** Buyer: asks whom to turn to. */
export function startSupport(market: Market, trade: Trade): TradingOutcome {
  if (trade.role === 'seller')
    return refuse({ code: 'AUT_UNAUTHORIZED_ACTION', message: 'the buyer asks for support; you are its seller' })
  const draft = flowDraft(market, trade, 'support', { message: supportMessage(trade) })
  return answerWith([asks(trade, 'support', draft)], [draft])
}

/** Seller: the daemon's name and peer id, which its operator can be asked by. */
export function support(market: Market, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'seller', 'support')
  if (isRefusal(state)) return refuse(state)
  if (trade === undefined) return answerWith([], [])
  const message = supportMessage(trade, { name: market.name, peer: market.self })
  const preview = body.context.try === true
  return answerWith([], [flowDraft(market, trade, 'on_support', { message, inReplyTo: body, preview })])
}

/** Buyer: keeps the answer. */
export function onSupport(_market: Market, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'buyer', 'on_support')
  if (isRefusal(state)) return refuse(state)
  if (trade === undefined || body.context.try === true || !answers(body, trade.asking?.support)) return refuse(unasked)
  const contact = readSupport(body.message, trade.counterparty)
  if (contact === undefined) return unreadable('support: nobody is named')
  return answerWith([{ ...answered(trade, 'support'), support: contact }], [])
}
