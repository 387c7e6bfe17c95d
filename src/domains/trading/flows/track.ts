import { readTracking, trackingMessage } from '../beckn/after-sales.ts'
import { isRefusal } from '../beckn/error.ts'
import {
  answered,
  answers,
  answerWith,
  asks,
  flowDraft,
  hasBegun,
  type Incoming,
  type Market,
  refuse,
  type TradingOutcome,
  unasked,
  unreadable,
} from '../market.ts'
import { nextState } from '../states.ts'
import type { Progress, Trade } from '../trade.ts'
import { standing } from './drafts.ts'
import { isOver } from './settle.ts'

/** Buyer: asks where the delivery stands. */
export function startTrack(market: Market, trade: Trade): TradingOutcome {
  if (trade.role === 'seller')
    return refuse({ code: 'AUT_UNAUTHORIZED_ACTION', message: 'the buyer tracks a delivery; you are its seller' })
  const draft = flowDraft(market, trade, 'track', { message: trackingMessage(standing(market, trade)) })
  return answerWith([asks(trade, 'track', draft)], [draft])
}

/** Seller: says where it stands, and what its meter says once it has spoken. */
export function track(market: Market, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'seller', 'track')
  if (isRefusal(state)) return refuse(state)
  if (trade === undefined) return answerWith([], [])
  const message = trackingMessage(standing(market, trade), progressOf(market, trade))
  return answerWith([], [flowDraft(market, trade, 'on_track', { message, inReplyTo: body })])
}

function progressOf(market: Market, trade: Trade): Omit<Progress, 'atMs'> {
  const meteredWh = trade.allocations?.seller?.energyWh
  const phase =
    trade.state === 'settled'
      ? 'settled'
      : isOver(market, trade)
        ? 'delivered'
        : hasBegun(market, trade.slot)
          ? 'running'
          : 'before'
  return { phase, ...(meteredWh === undefined ? {} : { meteredWh }) }
}

/** Buyer: keeps the answer. */
export function onTrack(market: Market, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'buyer', 'on_track')
  if (isRefusal(state)) return refuse(state)
  if (trade === undefined || !answers(body, trade.asking?.track)) return refuse(unasked)
  const said = readTracking(body.message)
  if (said === undefined) return unreadable('tracking: no phase of a delivery')
  return answerWith([{ ...answered(trade, 'track'), progress: { ...said, atMs: market.now() } }], [])
}
