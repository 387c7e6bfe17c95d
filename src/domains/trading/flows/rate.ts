import { ratingMessage, readRating, validRating } from '../beckn/after-sales.ts'
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

/** Buyer: one to five stars and, if it likes, a few words, once everything is settled. */
export function startRate(
  trader: Trader,
  trade: Trade,
  { stars, words }: { stars: number; words?: string | undefined },
): TradingOutcome {
  if (trade.role === 'seller')
    return refuse({ code: 'AUT_UNAUTHORIZED_ACTION', message: 'the buyer rates a trade; you are its seller' })
  if (trade.state !== 'settled')
    return refuse({
      code: 'BIZ_INVALID_STATE_TRANSITION',
      message: `the trade is ${trade.state}; rate it once it is settled`,
    })
  const rating = validRating(stars, words)
  if (rating === undefined) return unreadable('a rating is 1 to 5 stars and at most 500 characters')
  const draft = flowDraft(trader, trade, 'rate', { message: ratingMessage('ratingInputs', trade, rating) })
  return answerWith([asks(trade, 'rate', draft)], [draft])
}

/** Seller: keeps it, unless it is tried only; said again, the later one counts. */
export function rate(trader: Trader, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'seller', 'rate')
  if (isRefusal(state)) return refuse(state)
  const rating = readRating(body.message, trade?.terms?.contractId)
  if (trade === undefined || rating === undefined) return unreadable('rating: 1 to 5 stars for this contract')
  const message = ratingMessage('ratings', trade, rating)
  const preview = body.context.try === true
  const draft = flowDraft(trader, trade, 'on_rate', { message, inReplyTo: body, preview })
  return answerWith(preview ? [] : [{ ...trade, rating }], [draft])
}

/** Buyer: what the seller has kept. */
export function onRate(_market: Trader, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'buyer', 'on_rate')
  if (isRefusal(state)) return refuse(state)
  if (trade === undefined || body.context.try === true || !answers(body, trade.asking?.rate)) return refuse(unasked)
  const rating = readRating(body.message, trade.terms?.contractId)
  if (rating === undefined) return unreadable('rating: 1 to 5 stars for this contract')
  return answerWith([{ ...answered(trade, 'rate'), rating }], [])
}
