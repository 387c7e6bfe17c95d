import { type ContractBody, readContract } from '../beckn/contract-body.ts'
import { type BecknRefusal, isRefusal } from '../beckn/error.ts'
import { bought } from '../buying/need.ts'
import { type Contract, signedText } from '../contract.ts'
import {
  answers,
  answerWith,
  hasBegun,
  type Incoming,
  type Market,
  refuse,
  slotHasBegun,
  type TradingOutcome,
  unasked,
} from '../market.ts'
import { nextState } from '../states.ts'
import { AGREED_STATES, type Trade } from '../trade.ts'
import { standingDraft, statusDraft } from './drafts.ts'

/** Seller: checks the buyer's signature over its own terms, signs too, and commits the energy, all in one durable write. */
export function confirm(market: Market, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'seller', 'confirm')
  if (isRefusal(state)) return refuse(state)
  const asked = readContract(body.message)
  const terms = trade?.terms
  if (trade === undefined || terms === undefined || typeof asked === 'string')
    return refuse({ code: 'SCH_INVALID', message: typeof asked === 'string' ? asked : 'nothing was initialised' })
  const buyer = asked.signatures?.buyer ?? ''
  if (AGREED_STATES.includes(trade.state)) {
    // Signatures of Ed25519 are the same for the same terms: so is the answer, whatever became of the contract since.
    if (buyer === trade.confirmedWith) return answerWith([], [standingDraft(market, trade, 'on_confirm', body)])
    return refuse({ code: 'BIZ_ALREADY_CONFIRMED', message: 'this trade was confirmed with other terms' })
  }
  const refusal = confirmRefusal(market, trade, asked)
  if (refusal !== undefined) return refuse(refusal)
  const contract: Contract = { terms, signatures: { buyer, seller: market.sign(signedText(terms)) } }
  const active: Trade = { ...trade, state, contract, confirmedWith: buyer }
  return answerWith([active], [standingDraft(market, active, 'on_confirm', body)])
}

function confirmRefusal(market: Market, trade: Trade, asked: ContractBody): BecknRefusal | undefined {
  const { terms } = trade
  const signed =
    terms !== undefined &&
    asked.contractId === terms.contractId &&
    market.verify(trade.counterparty, signedText(terms), asked.signatures?.buyer ?? '')
  if (!signed)
    return { code: 'BIZ_QUOTE_EXPIRED_OR_CHANGED', message: 'the signature is not over the terms of on_init' }
  if (hasBegun(market, trade.slot)) return slotHasBegun
  if (trade.deadlineMs >= market.now()) return undefined
  return { code: 'BIZ_QUOTE_EXPIRED_OR_CHANGED', message: 'the reservation has run out; select again' }
}

/** Buyer: the contract binds once the seller's signature is good; then the status is asked, as Beckn's flow ends. */
export function onConfirm(market: Market, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'buyer', 'on_confirm')
  if (isRefusal(state)) return refuse(state)
  if (trade === undefined || AGREED_STATES.includes(trade.state)) return answerWith([], [])
  if (!answers(body, trade.awaiting)) return refuse(unasked)
  const contract = agreedContract(market, trade, readContract(body.message))
  if (contract === undefined)
    return refuse({
      code: 'AUT_UNAUTHORIZED_ACTION',
      message: 'the contract is not signed by both over the agreed terms',
    })
  const active: Trade = { ...trade, state, contract }
  const { facts, messages } = bought(market, active)
  return { facts, messages: [statusDraft(market, active), ...messages], answer: { status: 'ACK' } }
}

/** The contract in a message, if both signatures are good over the terms this side knows. */
export function agreedContract(market: Market, trade: Trade, said: ContractBody | string): Contract | undefined {
  const { terms } = trade
  if (terms === undefined || typeof said === 'string' || said.contractId !== terms.contractId) return undefined
  const { buyer = '', seller = '' } = said.signatures ?? {}
  const text = signedText(terms)
  return market.verify(terms.buyer, text, buyer) && market.verify(terms.seller, text, seller)
    ? { terms, signatures: { buyer, seller } }
    : undefined
}
