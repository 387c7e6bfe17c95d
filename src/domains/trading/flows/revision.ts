import { type Contract, signedText, type Terms } from '../../../protocol/contract.ts'
import type { ContractBody } from '../beckn/contract-body.ts'
import { wantsLess } from '../buying/need.ts'
import type { CurtailmentReason, Trade, TradingFact } from '../trade.ts'
import { answered, type Trader } from '../trader.ts'

export type Agreed = Trade & { readonly contract: Contract }

export function isAgreed(trade: Trade): trade is Agreed {
  return trade.state === 'active' && trade.contract !== undefined
}

/**
 * A later contract than the one known here, if both have signed it: found in any message, because each side may be the
 * first to hold both signatures. This side's own among them is the proof that it wanted it. When both have proposed at
 * once there are two of the same revision: the one about less stands, on both sides.
 */
export function takeNewer(
  trader: Trader,
  trade: Trade,
  said: ContractBody,
): { readonly trade: Trade; readonly facts: readonly TradingFact[] } {
  if (!isAgreed(trade) || !isLater(said, trade.contract.terms)) return { trade, facts: [] }
  const { buyer = '', seller = '' } = said.signatures ?? {}
  const terms: Terms = { ...trade.contract.terms, energyWh: said.energyWh, revision: said.revision ?? 0 }
  const text = signedText(terms)
  if (!trader.verify(terms.buyer, text, buyer) || !trader.verify(terms.seller, text, seller))
    return { trade, facts: [] }
  const changed = inForce(trade, { terms, signatures: { buyer, seller } }, said.curtailment)
  // The buyer signs a curtailment when it is in force here already: what it finds later it has asked for itself.
  return { trade: changed, facts: wantsLess(trader, changed, trade.energyWh - terms.energyWh) }
}

function isLater(said: ContractBody, { contractId, revision, energyWh }: Terms): boolean {
  if (said.contractId !== contractId || said.revision === undefined) return false
  return said.revision > revision || (said.revision === revision && said.energyWh < energyWh)
}

/** The trade under another wording of its contract. */
export function inForce(trade: Trade, contract: Contract, curtailment: CurtailmentReason | undefined): Trade {
  const { proposal: _, ...rest } = answered(trade, 'update')
  const { terms } = contract
  const why = curtailment === undefined ? {} : { curtailment }
  return { ...rest, contract, terms, energyWh: terms.energyWh, ...why }
}
