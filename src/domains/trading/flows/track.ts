import { readTracking, trackingMessage } from '../beckn/after-sales.ts'
import { isRefusal } from '../beckn/error.ts'
import { nextState } from '../states.ts'
import type { Progress, Trade } from '../trade.ts'
import {
  answered,
  answers,
  answerWith,
  asks,
  flowDraft,
  hasBegun,
  type Incoming,
  refuse,
  type Trader,
  type TradingOutcome,
  unasked,
  unreadable,
} from '../trader.ts'
import { standing } from './drafts.ts'
import { isOver } from './settle.ts'

/** Buyer: asks where the delivery stands. */
export function startTrack(trader: Trader, trade: Trade): TradingOutcome {
  if (trade.role === 'seller')
    return refuse({ code: 'AUT_UNAUTHORIZED_ACTION', message: 'the buyer tracks a delivery; you are its seller' })
  const draft = flowDraft(trader, trade, 'track', { message: trackingMessage(standing(trader, trade)) })
  return answerWith([asks(trade, 'track', draft)], [draft])
}

/** Seller: says where it stands, and what its meter says once it has spoken. */
export function track(trader: Trader, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'seller', 'track')
  if (isRefusal(state)) return refuse(state)
  if (trade === undefined) return answerWith([], [])
  const message = trackingMessage(standing(trader, trade), progressOf(trader, trade))
  return answerWith([], [flowDraft(trader, trade, 'on_track', { message, inReplyTo: body })])
}

function progressOf(trader: Trader, trade: Trade): Omit<Progress, 'atMs'> {
  const meteredWh = trade.allocations?.seller?.energyWh
  const phase =
    trade.state === 'settled'
      ? 'settled'
      : isOver(trader, trade)
        ? 'delivered'
        : hasBegun(trader, trade.slot)
          ? 'running'
          : 'before'
  return { phase, ...(meteredWh === undefined ? {} : { meteredWh }) }
}

/** Buyer: keeps the answer. */
export function onTrack(trader: Trader, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'buyer', 'on_track')
  if (isRefusal(state)) return refuse(state)
  if (trade === undefined || !answers(body, trade.asking?.track)) return refuse(unasked)
  const said = readTracking(body.message)
  if (said === undefined) return unreadable('tracking: no phase of a delivery')
  return answerWith([{ ...answered(trade, 'track'), progress: { ...said, atMs: trader.now() } }], [])
}
