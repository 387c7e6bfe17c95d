import { readSupport, supportMessage } from '../beckn/after-sales.ts'
import { isRefusal } from '../beckn/error.ts'
import { nextState } from '../states.ts'
import type { Trade } from '../trade.ts'
import {
  answered,
  answers,
  answerWith,
  asks,
  flowDraft,
  type Incoming,
  refuse,
  type Trader,
  type TradingOutcome,
  unasked,
  unreadable,
} from '../trader.ts'

/** Buyer: asks whom to turn to. */
export function startSupport(trader: Trader, trade: Trade): TradingOutcome {
  if (trade.role === 'seller')
    return refuse({ code: 'AUT_UNAUTHORIZED_ACTION', message: 'the buyer asks for support; you are its seller' })
  const draft = flowDraft(trader, trade, 'support', { message: supportMessage(trade) })
  return answerWith([asks(trade, 'support', draft)], [draft])
}

/** Seller: the daemon's name and peer id, which its operator can be asked by. */
export function support(trader: Trader, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'seller', 'support')
  if (isRefusal(state)) return refuse(state)
  if (trade === undefined) return answerWith([], [])
  const message = supportMessage(trade, { name: trader.name, peer: trader.self })
  const preview = body.context.try === true
  return answerWith([], [flowDraft(trader, trade, 'on_support', { message, inReplyTo: body, preview })])
}

/** Buyer: keeps the answer. */
export function onSupport(_market: Trader, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'buyer', 'on_support')
  if (isRefusal(state)) return refuse(state)
  if (trade === undefined || body.context.try === true || !answers(body, trade.asking?.support)) return refuse(unasked)
  const contact = readSupport(body.message, trade.counterparty)
  if (contact === undefined) return unreadable('support: nobody is named')
  return answerWith([{ ...answered(trade, 'support'), support: contact }], [])
}
