import { backoffMs } from '../../../kernel/backoff.ts'
import { acknowledged, outcome } from '../../../kernel/outcome.ts'
import { slotEndMs } from '../../../kernel/slot.ts'
import type { Allocation, Receipt, Settlement } from '../../../protocol/contract.ts'
import { type ContractBody, contractMessage } from '../beckn/contract-body.ts'
import { type BecknRefusal, isRefusal } from '../beckn/error.ts'
import { nextState } from '../states.ts'
import type { Trade } from '../trade.ts'
import {
  answerWith,
  asked as askedWith,
  flowDraft,
  type Incoming,
  refuse,
  type Trader,
  type TradingOutcome,
  tradeFact,
} from '../trader.ts'
import { standing, standingDraft, statusDraft } from './drafts.ts'
import { takeNewer } from './revision.ts'

/** How a silent side is asked again; the cap of each step, not its length. */
const AGAIN = { baseMs: 2_000, maxMs: 60 * 60_000 }
const LEAST_WAIT_MS = 500
const METER_SILENT = 'this peer’s meter has not spoken yet'

/** The slot is over: the seller says what it delivered, the buyer asks for it or settles. Nobody settles alone. */
export function pursueSettlement(trader: Trader, trade: Trade): TradingOutcome {
  const own = ownAllocation(trader, trade)
  if (own === undefined) return answerWith([postponed(trader, trade, METER_SILENT)], [])
  if (trade.role === 'seller') {
    const told: Trade = { ...trade, allocations: { ...trade.allocations, seller: own } }
    const waiting = postponed(trader, told, 'the buyer has not answered what was delivered')
    return answerWith([waiting], [standingDraft(trader, told, 'on_status')])
  }
  const seller = trade.allocations?.seller
  if (seller === undefined) {
    const waiting = postponed(trader, trade, 'the seller has not said what it delivered')
    // It says so by itself; only when it does not, it is asked.
    return answerWith([waiting], trade.settling === undefined ? [] : [statusDraft(trader, trade)])
  }
  return proposeSettlement(trader, trade, { buyer: own, seller })
}

/** Buyer: the seller's meter has spoken. If its own has too, it signs what follows; otherwise it waits for it. */
export function sellerMeasured(trader: Trader, trade: Trade, said: ContractBody): TradingOutcome {
  const seller = said.allocations?.seller
  if (seller === undefined || !isOver(trader, trade)) return answerWith([trade], [])
  // Said again while the settlement is on its way to the seller.
  if (trade.asking?.settle !== undefined && sameAllocation(seller, trade.allocations?.seller))
    return answerWith([trade], [])
  const known: Trade = { ...trade, allocations: { ...trade.allocations, seller } }
  const buyer = ownAllocation(trader, known)
  if (buyer === undefined) return answerWith([known], [])
  return proposeSettlement(trader, known, { buyer, seller })
}

interface Both {
  readonly buyer: Allocation
  readonly seller: Allocation
}

/** Buyer: its signature over what both meters make of the contract. */
function proposeSettlement(trader: Trader, trade: Trade, allocations: Both): TradingOutcome {
  const { contract } = trade
  if (contract === undefined) return answerWith([trade], [])
  const { settlement, text } = trader.books.reckon(contract, allocations)
  const { finalWh } = settlement
  const body = { ...standing(trader, trade), allocations, finalWh, receipt: { buyer: trader.sign(text) } }
  const draft = flowDraft(trader, trade, 'update', { message: contractMessage(body) })
  const asking = { ...trade.asking, settle: askedWith(draft) }
  const waiting = postponed(trader, { ...trade, allocations, asking }, 'the seller has not signed the settlement')
  return answerWith([waiting], [draft])
}

/** Seller: signs the settlement if it is what its own meter and the contract make of it, and closes the trade. */
export function settleUpdate(trader: Trader, { body, trade: before }: Incoming, asked: ContractBody): TradingOutcome {
  const state = nextState(before, 'seller', 'settle')
  if (isRefusal(state)) return refuse(state)
  const trade = before === undefined ? undefined : takeNewer(trader, before, asked).trade
  const contract = trade?.contract
  if (trade === undefined || contract === undefined)
    return refuse({ code: 'SCH_INVALID', message: 'no contract is in force' })
  const allocations = bothMeasured(trader, trade, asked)
  if (isRefusal(allocations)) return refuse(allocations)
  const { settlement, receipt, text } = trader.books.reckon(contract, allocations)
  if (!sameSettlement(asked, { here: settlement, own: allocations.seller, known: trade.settlement }))
    return refuse({ code: 'BIZ_SETTLEMENT_MISMATCH', message: mismatch(asked, settlement) })
  const signed = asked.receipt?.buyer ?? ''
  if (!trader.verify(trade.counterparty, text, signed))
    return refuse({ code: 'AUT_SIGNATURE_INVALID', message: 'the buyer has not signed this settlement' })
  // Said again: the same answer again.
  if (trade.settlement !== undefined) return answerWith([], [standingDraft(trader, trade, 'on_update', body)])
  const signatures = { buyer: signed, seller: trader.sign(text) }
  const settled = settledTrade(trade, { settlement, allocations, receipt: { body: receipt, signatures } })
  const { facts, messages } = closed(trader, settled)
  return outcome(facts, [standingDraft(trader, settled, 'on_update', body), ...messages])
}

/** What the buyer's meter vouches for, as it says, and what this peer's does. */
function bothMeasured(trader: Trader, trade: Trade, { allocations }: ContractBody): Both | BecknRefusal {
  if (allocations?.buyer === undefined || allocations.seller === undefined)
    return { code: 'CTX_MISSING_FIELD', message: 'a settlement names what both meters vouch for' }
  if (!isOver(trader, trade)) return { code: 'BIZ_INVALID_STATE_TRANSITION', message: 'the slot is not over' }
  const own = ownAllocation(trader, trade)
  if (own === undefined) return { code: 'BIZ_INVALID_STATE_TRANSITION', message: METER_SILENT }
  return { buyer: allocations.buyer, seller: own }
}

/** Whether a settling message says what is reckoned here: this peer's own meter echoed, and FINAL_ALLOC as it follows. */
function sameSettlement(
  said: ContractBody,
  { here, own, known }: { here: Settlement; own: Allocation; known: Settlement | undefined },
): boolean {
  return (
    said.finalWh === here.finalWh &&
    sameAllocation(said.allocations?.seller, own) &&
    (known === undefined || sameAllocation(known.buyer, here.buyer))
  )
}

/** Buyer: the seller has signed too. The trade closes, the books are written, and everybody may see the receipt. */
export function onSettle(trader: Trader, trade: Trade, said: ContractBody): TradingOutcome {
  const { contract, allocations } = trade
  const { buyer, seller } = allocations ?? {}
  if (contract === undefined || buyer === undefined || seller === undefined)
    return refuse({ code: 'BIZ_INVALID_STATE_TRANSITION', message: 'this peer has proposed no settlement' })
  const { settlement, receipt, text } = trader.books.reckon(contract, { buyer, seller })
  const theirs = said.allocations
  const agrees = sameAllocation(theirs?.buyer, buyer) && sameAllocation(theirs?.seller, seller)
  if (!agrees || said.finalWh !== settlement.finalWh)
    return refuse({ code: 'BIZ_SETTLEMENT_MISMATCH', message: mismatch(said, settlement) })
  const signed = said.receipt?.seller ?? ''
  if (!trader.verify(trade.counterparty, text, signed))
    return refuse({ code: 'AUT_SIGNATURE_INVALID', message: 'the seller has not signed this settlement' })
  const whole: Receipt = { body: receipt, signatures: { buyer: trader.sign(text), seller: signed } }
  const settled = settledTrade(trade, { settlement, allocations: { buyer, seller }, receipt: whole })
  const { facts, messages } = closed(trader, settled)
  return outcome(facts, messages)
}

interface Settled {
  readonly settlement: Settlement
  readonly allocations: Both
  readonly receipt: Receipt
}

function settledTrade(trade: Trade, how: Settled): Trade & Settled {
  const { settling: _, asking: __, ...rest } = trade
  return { ...rest, state: 'settled', ...how }
}

/** The books are written in the same transaction that closes the trade: never twice, never not. */
function closed(trader: Trader, trade: Trade & Settled): Pick<TradingOutcome, 'facts' | 'messages'> {
  const { contract, settlement, receipt } = trade
  if (contract === undefined) throw new TypeError(`trade ${trade.transactionId} has no contract`)
  const { facts, messages } = trader.books.settled(contract, settlement, receipt)
  return { facts: [tradeFact(trade), ...facts], messages }
}

/** What this peer's meter vouches for of the trade: its share of the slot. undefined: not known yet. */
function ownAllocation(trader: Trader, trade: Trade): Allocation | undefined {
  const { role, slot, contract } = trade
  const known = trade.allocations?.[role]
  if (known !== undefined || contract === undefined) return known
  const reading = trader.metered(slot)
  // A purchase that may yet turn out to bind would take its share of the meter.
  if (reading === undefined || isConfirming(trader, trade)) return undefined
  return trader.books.allocated({ contractId: contract.terms.contractId, role, slot }, reading)
}

function isConfirming({ store }: Trader, { role, slot }: Trade): boolean {
  return store
    .tradesOfSlot('confirming', slot.startMs)
    .some(one => one.role === role && one.slot.durationMs === slot.durationMs)
}

export function isOver(trader: Trader, { slot }: Pick<Trade, 'slot'>): boolean {
  return slotEndMs(slot) <= trader.marketNow()
}

/** Not settled yet: why, and when it is tried again. */
export function postponed(trader: Trader, trade: Trade, reason: string): Trade {
  const attempts = (trade.settling?.attempts ?? 0) + 1
  const waitMs = Math.max(LEAST_WAIT_MS, backoffMs(attempts, AGAIN, 0.5 + trader.random() / 2))
  return { ...trade, settling: { attempts, nextMs: trader.now() + waitMs, reason } }
}

function sameAllocation(a: Allocation | undefined, b: Allocation | undefined): boolean {
  return a !== undefined && b !== undefined && a.energyWh === b.energyWh && a.quality === b.quality
}

function mismatch(said: ContractBody, { finalWh, buyer, seller }: Settlement): string {
  const of = (allocation?: Allocation): string => (allocation === undefined ? 'nothing' : `${allocation.energyWh} Wh`)
  const { allocations } = said
  return `said: seller ${of(allocations?.seller)}, buyer ${of(allocations?.buyer)}, final ${said.finalWh} Wh; here: seller ${of(seller)}, buyer ${of(buyer)}, final ${finalWh} Wh`
}

/** One of the buyer's own settling messages was refused: it is tried again later, and the trade says why. */
export function settlementRefused(trader: Trader, trade: Trade, reason: string): TradingOutcome {
  return { ...answerWith([postponed(trader, trade, reason)], []), answer: acknowledged }
}
