import { energyText } from '../../../kernel/energy.ts'
import { type PeerId, peerText, type TransactionId } from '../../../kernel/ids.ts'
import { priceText } from '../../../kernel/money.ts'
import { acknowledged, type Draft } from '../../../kernel/outcome.ts'
import { selectDraft } from '../flows/drafts.ts'
import { AGREED_STATES, type Need, type RankedOffer, type Trade, type TradingFact } from '../trade.ts'
import { asked, hasBegun, type OwnOutcome, type Trader, type TradingOutcome, tradeFact } from '../trader.ts'

/** What is remembered of a need's way; what was decided last explains most. */
const MAX_STEPS = 64
/** How often one seller is asked for one need: who was overtaken at its reservation asks again for what is left. */
const MAX_TRIES_EACH = 3

/** How a trade that came to nothing ended. */
export interface Ending {
  readonly state: 'refused' | 'expired' | 'cancelled'
  readonly reason: string
  /** `again`: the same seller may have less; `stop`: the need ends with it. By default the next seller is tried. */
  readonly after?: 'next' | 'again' | 'stop'
  /** The same offer as it is quoted now: it is tried again when it is the cheapest, a few times. */
  readonly requoted?: RankedOffer
}

export const AT_YOUR_WISH = 'cancelled at your wish'

/** Whether the buyer has asked to cancel the trade: what comes of it, it is not bought elsewhere. */
export function isGivenUp({ asking }: Trade): boolean {
  return asking?.cancel !== undefined
}

/** The need with one more decision written down. */
export function noted(trader: Trader, need: Need, ...texts: readonly string[]): Need {
  const atMs = trader.now()
  return { ...need, steps: [...need.steps, ...texts.map(text => ({ atMs, text }))].slice(-MAX_STEPS) }
}

/**
 * Ends a trade that came to nothing. A buyer's need goes on with the next seller's cheapest offer unless it is told to
 * stop; when no offer is left, the need has ended with what it has.
 */
export function closeTrade(trader: Trader, trade: Trade, ending: Ending): TradingOutcome {
  const { state, reason } = ending
  const closed = tradeFact({ ...trade, state, reason })
  const before = trade.needId === undefined ? undefined : trader.store.need(trade.needId)
  if (before === undefined) return { facts: [closed], messages: [], answer: acknowledged }
  const lostWh = AGREED_STATES.includes(trade.state) ? trade.energyWh : 0
  const need = noted(
    trader,
    { ...before, boughtWh: Math.max(0, before.boughtWh - lostWh) },
    `${peerText(trade.counterparty)} ${state}: ${reason}`,
  )
  const { facts, messages } = afterwards(trader, need, { trade, ending })
  return { facts: [closed, ...facts], messages, answer: acknowledged }
}

function afterwards(trader: Trader, need: Need, { trade, ending }: { trade: Trade; ending: Ending }): TradingOutcome {
  const { reason, after } = ending
  const agreed = AGREED_STATES.includes(trade.state)
  // It had all it wanted, or as much as there was; now an agreed trade of it is gone.
  if (!isBuying(need)) return kept(agreed ? ended(trader, need, reason) : need)
  // Only the trade a need is in may move it on: a late refusal of an earlier one changes nothing.
  if (need.transactionId !== trade.transactionId) return kept(agreed ? wantingLess(need, trade.energyWh) : need)
  if (after === 'stop' || isGivenUp(trade)) return kept(ended(trader, need, reason))
  const seller = trade.counterparty
  const tries = trader.store.tradesOfNeed(need.id).filter(one => one.counterparty === seller).length
  return tryNext(trader, tries < MAX_TRIES_EACH ? retried(need, seller, ending) : without(need, seller), reason)
}

/** What the buyer has given up itself is not bought again elsewhere. */
function wantingLess(need: Need, lessWh: number): Need {
  return { ...need, energyWh: need.energyWh - lessWh }
}

function retried(need: Need, seller: PeerId, { after, requoted }: Ending): Need {
  if (requoted !== undefined)
    return { ...need, ranked: [...need.ranked.slice(0, need.tried), ...waiting(need, requoted)] }
  return after === 'again' ? { ...need, tried: need.tried - 1 } : without(need, seller)
}

/** The need without the offers of that seller that were not tried: who is silent once is not waited for at each of them. */
export function without(need: Need, seller: PeerId): Need {
  return { ...need, ranked: need.ranked.filter((offer, i) => i < need.tried || offer.seller !== seller) }
}

/**
 * The offers not tried yet, with this one where its price puts it: among equals it comes first, unless it is a utility's,
 * and before whoever has not answered the search.
 */
export function waiting(need: Need, offer: RankedOffer): RankedOffer[] {
  const silent = ({ seller }: RankedOffer): boolean => !need.answered.includes(seller)
  const costs = (other: RankedOffer): boolean =>
    other.landedMicro > offer.landedMicro || (other.landedMicro === offer.landedMicro && offer.role !== 'utility')
  const rest = need.ranked.slice(need.tried)
  const at = rest.findIndex(other => (silent(other) === silent(offer) ? costs(other) : silent(other)))
  return at < 0 ? [...rest, offer] : rest.toSpliced(at, 0, offer)
}

/** Buyer: selects the cheapest offer not tried yet, for as much of what is missing as it has. */
export function tryNext(trader: Trader, need: Need, because: string): TradingOutcome {
  const missingWh = need.energyWh - need.boughtWh
  if (missingWh <= 0) return kept(ended(trader, need, because))
  if (hasBegun(trader, need.slot)) return kept(ended(trader, need, 'the slot has begun'))
  const offer = need.ranked[need.tried]
  if (offer === undefined) return kept(ended(trader, need, because))
  const { trade, draft } = startSelect(trader, need, offer)
  const trading: Need = { ...need, state: 'trading', tried: need.tried + 1, transactionId: trade.transactionId }
  const why = need.boughtWh === 0 ? '' : `, for the ${energyText(missingWh)} still missing`
  const price = priceText(offer.landedMicro, trader.currency)
  const step = `selects ${energyText(trade.energyWh)} of ${peerText(offer.seller)} at ${price}: the cheapest not tried yet${why}`
  const facts: TradingFact[] = [tradeFact(trade), { kind: 'trading.need', need: noted(trader, trading, step) }]
  return { facts, messages: [draft], answer: acknowledged }
}

/** Buyer: the trade binds. What is missing is bought from the next, unless nothing more is wanted. */
export function bought(trader: Trader, trade: Trade): TradingOutcome {
  const before = trade.needId === undefined ? undefined : trader.store.need(trade.needId)
  if (before === undefined) return { facts: [tradeFact(trade)], messages: [], answer: acknowledged }
  const need = noted(
    trader,
    { ...before, boughtWh: before.boughtWh + trade.energyWh },
    `bought ${energyText(trade.energyWh)} of ${peerText(trade.counterparty)}`,
  )
  const { facts, messages } = onwards(trader, need, trade)
  return { facts: [tradeFact(trade), ...facts], messages, answer: acknowledged }
}

function onwards(trader: Trader, need: Need, trade: Trade): TradingOutcome {
  // It had ended without this one, which turns out to bind after all.
  if (!isBuying(need)) return kept(ended(trader, need, need.reason))
  if (need.transactionId !== trade.transactionId) return kept(need)
  return isGivenUp(trade) ? kept(ended(trader, need, AT_YOUR_WISH)) : tryNext(trader, need, 'no other offer is left')
}

/** The need of an agreed trade that is about less than it was; undefined: it serves none. */
export function lessened(
  trader: Trader,
  trade: Trade,
  { lessWh, why }: { lessWh: number; why: string },
): Need | undefined {
  const need = trade.needId === undefined ? undefined : trader.store.need(trade.needId)
  if (need === undefined || lessWh <= 0) return undefined
  return noted(
    trader,
    { ...need, boughtWh: Math.max(0, need.boughtWh - lessWh) },
    `${peerText(trade.counterparty)} delivers ${energyText(lessWh)} less: ${why}`,
  )
}

/** Buyer: an agreed trade is about less, as it has asked for itself: that is not missing while its need still buys. */
export function wantsLess(trader: Trader, trade: Trade, lessWh: number): readonly TradingFact[] {
  const why = 'you asked for less'
  const need = lessened(trader, trade, { lessWh, why })
  if (need === undefined) return []
  if (isBuying(need)) return kept(wantingLess(need, lessWh)).facts
  return kept(need.state === 'bought' ? ended(trader, need, why) : need).facts
}

/** Whether a need buys still, and goes on by itself. */
export function isBuying({ state }: Need): boolean {
  return state === 'searching' || state === 'trading'
}

/** The need with nothing more to come. */
function ended(trader: Trader, need: Need, because: string): Need {
  const { energyWh, boughtWh } = need
  if (boughtWh >= energyWh)
    return noted(trader, { ...need, state: 'bought' }, `has all it wanted: ${energyText(energyWh)}`)
  if (boughtWh === 0) return noted(trader, { ...need, state: 'failed', reason: because }, `bought nothing: ${because}`)
  const reason = `${energyText(energyWh - boughtWh)} of ${energyText(energyWh)} are missing: ${because}`
  return noted(trader, { ...need, state: 'part', reason }, reason)
}

export function kept(need: Need): OwnOutcome {
  return { facts: [{ kind: 'trading.need', need }], messages: [], answer: acknowledged }
}

/** Buyer: asks the seller of `offer` for a fresh quote. */
function startSelect(trader: Trader, need: Need, offer: RankedOffer): { trade: Trade; draft: Draft } {
  const now = trader.now()
  const trade: Trade = {
    transactionId: trader.newId() as TransactionId,
    role: 'buyer',
    counterparty: offer.seller,
    offerId: offer.offerId,
    slot: need.slot,
    energyWh: Math.min(need.energyWh - need.boughtWh, offer.availableWh),
    priceMicro: offer.priceMicro,
    gridFeeMicro: offer.gridFeeMicro,
    ...(offer.utilityShareMicro === undefined ? {} : { utilityShareMicro: offer.utilityShareMicro }),
    state: 'selecting',
    deadlineMs: now + trader.stepTimeoutMs,
    startedMs: now,
    needId: need.id,
  }
  const draft = selectDraft(trader, trade)
  return { trade: { ...trade, awaiting: asked(draft) }, draft }
}
