import { energyText } from '../../../kernel/energy.ts'
import { type Draft, outcome } from '../../../kernel/outcome.ts'
import { type Contract, signedText, type Terms } from '../../../protocol/contract.ts'
import { type ContractBody, contractMessage, readContract } from '../beckn/contract-body.ts'
import { type BecknRefusal, isRefusal } from '../beckn/error.ts'
import { buyElsewhere } from '../buying/search.ts'
import { nextState } from '../states.ts'
import type { CurtailmentReason, Proposal, Trade } from '../trade.ts'
import {
  answered,
  answerWith,
  asks,
  flowDraft,
  hasBegun,
  type Incoming,
  refuse,
  slotHasBegun,
  type Trader,
  type TradingOutcome,
  tradeFact,
  unasked,
} from '../trader.ts'
import { standing, standingDraft } from './drafts.ts'
import { type Agreed, inForce, isAgreed, takeNewer } from './revision.ts'
import { onSettle, settleUpdate } from './settle.ts'

/** Either side wants an agreed trade to be about less; the contract stands as it is until both have signed. */
export function startUpdate(
  trader: Trader,
  trade: Trade,
  { energyWh, reason }: { energyWh: number; reason?: CurtailmentReason },
): TradingOutcome {
  const refusal = changeRefusal(trader, trade, energyWh)
  if (refusal !== undefined || !isAgreed(trade)) return refuse(refusal ?? notAgreed(trade))
  const { terms } = trade.contract
  const next: Terms = { ...terms, energyWh, revision: terms.revision + 1 }
  const by = trade.role
  const why = by === 'seller' ? { reason: reason ?? 'OTHER' } : {}
  const proposal: Proposal = { terms: next, by, signature: trader.sign(signedText(next)), ...why }
  const action = by === 'buyer' ? 'update' : 'on_update'
  const draft = flowDraft(trader, trade, action, { message: contractMessage(proposed(proposal)) })
  const told = by === 'buyer' ? asks(trade, 'update', draft) : answered(trade, 'update')
  return answerWith([{ ...told, proposal }], [draft])
}

function proposed({ terms, by, signature, reason }: Proposal): ContractBody {
  const curtailment = reason === undefined ? {} : { curtailment: reason }
  return { ...terms, status: 'ACTIVE', quoted: true, signatures: { [by]: signature }, ...curtailment }
}

function notAgreed({ state }: Trade): BecknRefusal {
  return { code: 'BIZ_INVALID_STATE_TRANSITION', message: `the trade is ${state}; only an agreed one can be changed` }
}

function changeRefusal(trader: Trader, trade: Trade, energyWh: number): BecknRefusal | undefined {
  if (!isAgreed(trade)) return notAgreed(trade)
  if (hasBegun(trader, trade.slot)) return slotHasBegun
  const least = trade.role === 'buyer' ? 1 : 0
  if (Number.isSafeInteger(energyWh) && energyWh >= least && energyWh < trade.energyWh) return undefined
  const message = `a change leaves less than the ${energyText(trade.energyWh)} agreed; to give it up, cancel it`
  return { code: 'BIZ_QUANTITY_UNAVAILABLE', message }
}

/** Seller: the buyer wants less, or signs what the seller proposed, or settles what was delivered. */
export function update(trader: Trader, incoming: Incoming): TradingOutcome {
  const { body, trade } = incoming
  const asked = readContract(body.message)
  if (typeof asked === 'string') return refuse({ code: 'SCH_INVALID', message: asked })
  const preview = body.context.try === true
  if (asked.finalWh !== undefined) return preview ? refuse(NO_PREVIEW) : settleUpdate(trader, incoming, asked)
  const state = nextState(trade, 'seller', 'update')
  if (isRefusal(state)) return refuse(state)
  if (trade === undefined || !isAgreed(trade))
    return refuse({ code: 'SCH_INVALID', message: 'no contract is in force' })
  const { terms, signatures } = trade.contract
  // Said again: the same answer again.
  if (asked.revision === terms.revision && asked.signatures?.buyer === signatures.buyer)
    return answerWith([], [answer(trader, trade, body)])
  const newer = takeNewer(trader, trade, asked).trade
  const changed = newer === trade ? countersigned(trader, trade, { asked, preview }) : newer
  if (isRefusal(changed)) return refuse(changed)
  return answerWith(preview ? [] : [changed], [answer(trader, changed, body)])
}

const NO_PREVIEW: BecknRefusal = {
  code: 'BIZ_INVALID_STATE_TRANSITION',
  message: 'a settlement is signed or not; there is no preview of it',
}

/** A preview names the terms, and nobody's signature: one of the seller's would bind it. */
function answer(trader: Trader, trade: Trade, body: Incoming['body']): Draft {
  if (body.context.try !== true) return standingDraft(trader, trade, 'on_update', body)
  const { signatures: _, ...terms } = standing(trader, trade)
  return flowDraft(trader, trade, 'on_update', { message: contractMessage(terms), inReplyTo: body, preview: true })
}

const OTHER_TERMS: BecknRefusal = {
  code: 'BIZ_PRICE_MISMATCH',
  message: 'a change is the next revision, about less energy, and nothing else',
}

/** Seller: the trade under the terms the buyer has signed, or (`preview`) would sign. */
function countersigned(
  trader: Trader,
  trade: Agreed,
  { asked, preview }: { asked: ContractBody; preview: boolean },
): Trade | BecknRefusal {
  const terms = changedTerms(trade, asked)
  if (terms === undefined) return OTHER_TERMS
  const buyer = asked.signatures?.buyer ?? ''
  if (!preview && !trader.verify(trade.counterparty, signedText(terms), buyer))
    return { code: 'AUT_SIGNATURE_INVALID', message: 'the buyer has not signed these terms' }
  const own = sameTerms(trade.proposal, terms, 'seller')
  // What the seller has proposed binds it whenever the buyer's signature comes; anything else only before the slot.
  if (!own && hasBegun(trader, trade.slot)) return slotHasBegun
  if (!own && terms.energyWh < 1) return OTHER_TERMS
  const contract: Contract = { terms, signatures: { buyer, seller: trader.sign(signedText(terms)) } }
  return inForce(trade, contract, own ? trade.proposal?.reason : undefined)
}

/** Buyer: its change is agreed, or the seller must deliver less, or everything is settled. */
export function onUpdate(trader: Trader, { body, trade }: Incoming): TradingOutcome {
  const said = readContract(body.message)
  const settles = typeof said !== 'string' && said.status === 'COMPLETE'
  const state = nextState(trade, 'buyer', settles ? 'on_settle' : 'on_update')
  if (isRefusal(state)) return refuse(state)
  if (typeof said === 'string') return refuse({ code: 'SCH_INVALID', message: said })
  if (body.context.try === true) return refuse(unasked)
  if (trade === undefined || trade.state === 'settled') return answerWith([], [])
  if (settles) return onSettle(trader, trade, said)
  const { trade: newer, facts } = takeNewer(trader, trade, said)
  if (newer !== trade) return { ...answerWith([newer], []), facts: [tradeFact(newer), ...facts] }
  return curtailed(trader, trade, said)
}

/**
 * Buyer: signs that the seller delivers less, until the slot begins; what is missing now is bought elsewhere.
 */
function curtailed(trader: Trader, trade: Trade, said: ContractBody): TradingOutcome {
  const current = trade.contract?.terms.revision ?? 0
  if (!isAgreed(trade) || (said.revision ?? 0) <= current) return answerWith([], [])
  const terms = changedTerms(trade, said)
  if (terms === undefined) return refuse(OTHER_TERMS)
  const seller = said.signatures?.seller ?? ''
  if (!trader.verify(trade.counterparty, signedText(terms), seller))
    return refuse({ code: 'AUT_SIGNATURE_INVALID', message: 'the seller has not signed these terms' })
  if (hasBegun(trader, trade.slot)) return refuse(slotHasBegun)
  const contract: Contract = { terms, signatures: { buyer: trader.sign(signedText(terms)), seller } }
  const changed = inForce(trade, contract, said.curtailment ?? 'OTHER')
  const draft = flowDraft(trader, changed, 'update', { message: contractMessage(standing(trader, changed)) })
  const kept = asks(changed, 'update', draft)
  const why = `curtailed, ${said.curtailment ?? 'OTHER'}`
  const { facts, messages } = buyElsewhere(trader, kept, { lessWh: trade.energyWh - terms.energyWh, why })
  return outcome([tradeFact(kept), ...facts], [draft, ...messages])
}

/** The contract with a smaller quantity, one revision on; undefined when a body says anything else. */
function changedTerms({ contract }: Agreed, said: ContractBody): Terms | undefined {
  const { terms } = contract
  const next: Terms = { ...terms, energyWh: said.energyWh, revision: terms.revision + 1 }
  const same = (
    ['contractId', 'revision', 'priceMicro', 'gridFeeMicro', 'utilityShareMicro', 'currency'] as const
  ).every(key => said[key] === next[key])
  return same && said.energyWh < terms.energyWh ? next : undefined
}

function sameTerms(proposal: Proposal | undefined, terms: Terms, by: Proposal['by']): boolean {
  return proposal?.by === by && signedText(proposal.terms) === signedText(terms)
}
