import { isSameSlot } from '../../../kernel/slot.ts'
import { type Contract, signedText, type Terms } from '../../../protocol/contract.ts'
import { type ContractBody, readContract } from '../beckn/contract-body.ts'
import { type BecknRefusal, isRefusal } from '../beckn/error.ts'
import { bought } from '../buying/need.ts'
import { nextState } from '../states.ts'
import { AGREED_STATES, type Trade } from '../trade.ts'
import {
  answers,
  answerWith,
  hasBegun,
  type Incoming,
  refuse,
  slotHasBegun,
  type Trader,
  type TradingOutcome,
  unasked,
} from '../trader.ts'
import { standingDraft, statusDraft } from './drafts.ts'

/** Seller: checks the buyer's signature over its own terms, signs too, and commits the energy, all in one durable write. */
export function confirm(trader: Trader, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'seller', 'confirm')
  if (isRefusal(state)) return refuse(state)
  const asked = readContract(body.message)
  const terms = trade?.terms
  if (trade === undefined || terms === undefined || typeof asked === 'string')
    return refuse({ code: 'SCH_INVALID', message: typeof asked === 'string' ? asked : 'nothing was initialised' })
  const buyer = asked.signatures?.buyer
  if (buyer === undefined) return refuse(notSigned('buyer'))
  if (AGREED_STATES.includes(trade.state)) {
    // Signatures of Ed25519 are the same for the same terms: so is the answer, whatever became of the contract since.
    if (buyer === trade.confirmedWith) return answerWith([], [standingDraft(trader, trade, 'on_confirm', body)])
    return refuse({ code: 'BIZ_ALREADY_CONFIRMED', message: 'this trade was confirmed with other terms' })
  }
  const refusal = signatureRefusal(trader, terms, asked, ['buyer']) ?? tooLate(trader, trade)
  if (refusal !== undefined) return refuse(refusal)
  const contract: Contract = { terms, signatures: { buyer, seller: trader.sign(signedText(terms)) } }
  const active: Trade = { ...trade, state, contract, confirmedWith: buyer }
  return answerWith([active], [standingDraft(trader, active, 'on_confirm', body)])
}

function tooLate(trader: Trader, trade: Trade): BecknRefusal | undefined {
  if (hasBegun(trader, trade.slot)) return slotHasBegun
  if (trade.deadlineMs >= trader.now()) return undefined
  return { code: 'BIZ_QUOTE_EXPIRED_OR_CHANGED', message: 'the reservation has run out; select again' }
}

type Side = keyof Contract['signatures']

function notSigned(side: Side): BecknRefusal {
  return { code: 'AUT_SIGNATURE_MISSING', message: `the ${side} has not signed` }
}

/** What speaks against a contract as a message has it: a signature that is not there, other terms, a forged signature. */
function signatureRefusal(
  trader: Trader,
  terms: Terms,
  said: ContractBody,
  sides: readonly Side[],
): BecknRefusal | undefined {
  const missing = sides.find(side => said.signatures?.[side] === undefined)
  if (missing !== undefined) return notSigned(missing)
  if (!sameTerms(terms, said))
    return { code: 'BIZ_QUOTE_EXPIRED_OR_CHANGED', message: 'other terms than those of on_init' }
  const text = signedText(terms)
  const forged = sides.find(side => !trader.verify(terms[side], text, said.signatures?.[side] ?? ''))
  if (forged === undefined) return undefined
  return {
    code: 'AUT_SIGNATURE_INVALID',
    message: `what stands for the ${forged}'s signature is none over these terms`,
  }
}

const TOLD = ['contractId', 'offerId', 'energyWh', 'priceMicro', 'gridFeeMicro', 'currency', 'revision'] as const

/** Of the rest the signatures tell. */
function sameTerms(terms: Terms, said: ContractBody): boolean {
  return TOLD.every(key => said[key] === terms[key]) && isSameSlot(said.slot, terms.slot)
}

/** Buyer: the contract binds once the seller's signature is good; then the status is asked, as Beckn's flow ends. */
export function onConfirm(trader: Trader, { body, trade }: Incoming): TradingOutcome {
  const state = nextState(trade, 'buyer', 'on_confirm')
  if (isRefusal(state)) return refuse(state)
  if (trade === undefined || AGREED_STATES.includes(trade.state)) return answerWith([], [])
  if (!answers(body, trade.awaiting)) return refuse(unasked)
  const contract = contractIn(trader, trade, readContract(body.message))
  if (isRefusal(contract)) return refuse(contract)
  const active: Trade = { ...trade, state, contract }
  const { facts, messages } = bought(trader, active)
  return { facts, messages: [statusDraft(trader, active), ...messages], answer: { status: 'ACK' } }
}

/** The contract in a message, if both signatures are good over the terms this side knows. */
export function agreedContract(trader: Trader, trade: Trade, said: ContractBody | string): Contract | undefined {
  const contract = contractIn(trader, trade, said)
  return isRefusal(contract) ? undefined : contract
}

function contractIn(trader: Trader, { terms }: Trade, said: ContractBody | string): Contract | BecknRefusal {
  if (terms === undefined || typeof said === 'string')
    return { code: 'SCH_INVALID', message: typeof said === 'string' ? said : 'nothing was initialised' }
  const { buyer = '', seller = '' } = said.signatures ?? {}
  return signatureRefusal(trader, terms, said, ['buyer', 'seller']) ?? { terms, signatures: { buyer, seller } }
}
