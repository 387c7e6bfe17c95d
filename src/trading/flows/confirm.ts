import { type ContractBody, readContract } from '../beckn/contract-body.ts'
import { isRefusal } from '../beckn/error.ts'
import { type Contract, signedText } from '../contract.ts'
import { answerWith, type Incoming, type Market, refuse, type TradingOutcome } from '../market.ts'
import { bought } from '../need.ts'
import { nextState } from '../states.ts'
import type { Trade } from '../trade.ts'
import { agreedDraft, statusDraft } from './drafts.ts'

/** Seller: checks the buyer's signature over its own terms, signs too, and commits the energy, all in one durable write. */
export function confirm(market: Market, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'seller', 'confirm')
  if (isRefusal(state)) return refuse(state)
  const asked = readContract(body.message)
  const terms = trade?.terms
  if (trade === undefined || terms === undefined || typeof asked === 'string') {
    return refuse({ code: 'SCH_INVALID', message: typeof asked === 'string' ? asked : 'nothing was initialised' })
  }
  const buyer = asked.signatures?.buyer ?? ''
  const differs = asked.contractId !== terms.contractId || !market.verify(trade.counterparty, signedText(terms), buyer)
  if (trade.state === 'active') {
    if (differs) return refuse({ code: 'BIZ_ALREADY_CONFIRMED', message: 'this trade was confirmed with other terms' })
    return answerWith([], [agreedDraft(market, trade, 'on_confirm', body)])
  }
  if (differs)
    return refuse({ code: 'BIZ_QUOTE_EXPIRED_OR_CHANGED', message: 'the signature is not over the terms of on_init' })
  if (trade.deadlineMs < market.now()) {
    return refuse({ code: 'BIZ_QUOTE_EXPIRED_OR_CHANGED', message: 'the reservation has run out; select again' })
  }
  const contract: Contract = { terms, signatures: { buyer, seller: market.sign(signedText(terms)) } }
  const active: Trade = { ...trade, state, contract }
  return answerWith([active], [agreedDraft(market, active, 'on_confirm', body)])
}

/** Buyer: the contract binds once the seller's signature is good; then the status is asked, as Beckn's flow ends. */
export function onConfirm(market: Market, incoming: Incoming): TradingOutcome {
  const { body, trade } = incoming
  const state = nextState(trade, 'buyer', 'on_confirm')
  if (isRefusal(state)) return refuse(state)
  if (trade === undefined || trade.state === 'active') return answerWith([], [])
  const contract = agreedContract(market, trade, readContract(body.message))
  if (contract === undefined)
    return refuse({
      code: 'AUT_UNAUTHORIZED_ACTION',
      message: 'the contract is not signed by both over the agreed terms',
    })
  const active: Trade = { ...trade, state, contract }
  const { facts, messages } = bought(market, active)
  return { facts, messages: [...messages, statusDraft(market, active)], answer: { status: 'ACK' } }
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
