import type { Runs } from '../../daemon/command.ts'
import { found } from '../../daemon/domain.ts'
import { CodedError } from '../../kernel/errors.ts'
import type { TransactionId } from '../../kernel/ids.ts'
import { type Slot, slotAfter, timestamp } from '../../kernel/slot.ts'
import { signedText } from '../../protocol/contract.ts'
import type { tradingCommands } from './commands.ts'
import type { TradingContext } from './context.ts'
import type { Catalog, Offer, Trade } from './trade.ts'
import type { TradeFlows } from './trade-flows.ts'
import type { TradingOutcome } from './trader.ts'

/** How long a person waits for the other side's word. */
const ANSWER_MS = 8_000
/** Traded no further ahead: a week of quarter-hours. */
const MAX_SLOTS_AHEAD = 672

export interface TradingRunsDeps {
  readonly context: TradingContext
  readonly flows: TradeFlows
  /** What is published when a person offers these by hand. @throws TRADE_NOT_DELIVERABLE */
  readonly besides: (byHand: readonly Offer[]) => Offer[]
  readonly open: () => void
  readonly close: () => void
}

/** Energy for the next slot, or a later one: offered, wanted, agreed. */
export function tradingRuns(deps: TradingRunsDeps): Runs<typeof tradingCommands> {
  const { flows } = deps
  const { store, newId, commit, options } = deps.context
  /** What was done has no more to say. */
  const done = async (decide: () => TradingOutcome): Promise<Record<string, never>> => {
    await commit(decide)
    return {}
  }
  return {
    catalogs: () => catalogs(deps),
    needs: ({ limit }) => store.needs(limit),
    need: ({ id }) => found('need', id, store.need(id)),
    needTrades: ({ id }) => store.tradesOfNeed(id),
    async buy({ energyWh, slotStartMs, maxPriceMicro = options.household.maxPriceMicro }) {
      const id = newId()
      const slot = slotOf(slotStartMs, deps)
      await commit(() => flows.buy({ id, slot, energyWh, maxPriceMicro, reason: 'you asked for it' }))
      return found('need', id, store.need(id))
    },
    sell: request => sell(request, deps),
    withdraw: () => done(() => flows.withdraw()),
    open() {
      deps.open()
      return {}
    },
    close() {
      deps.close()
      return {}
    },

    trades: ({ limit }) => store.trades(limit),
    trade: ({ id }) => signed(found('trade', id, store.trade(id)), deps),
    async cancel({ id, try: onlyAsked }, signal) {
      if (onlyAsked === true) return cancelTerms(id, deps, signal)
      return done(() => flows.cancelTrade(id))
    },
    reduce: ({ id, energyWh }) => done(() => flows.reduceTrade(id, energyWh)),
    curtail: ({ id, energyWh, reason }) => done(() => flows.curtailTrade(id, { energyWh, reason })),
    rate: ({ id, stars, words }) => done(() => flows.rateTrade(id, { stars, words })),
    track: ({ id }) => done(() => flows.trackTrade(id)),
    support: ({ id }) => done(() => flows.askSupport(id)),
  }
}

/** What can be bought still: offers of slots that have begun are left out. */
function catalogs({ flows, context: { store, clock, market } }: TradingRunsDeps) {
  const costOf = flows.costs()
  const known = store.catalogs().filter(catalog => catalog.validUntilMs > clock.now())
  return known.map(catalog => {
    const offers = catalog.offers.filter(({ slot }) => slot.startMs > market.now())
    return { ...catalog, offers: offers.map(offer => ({ ...offer, ...costOf({ catalog, offer }) })) }
  })
}

/** A trade with the verdict on its signatures. */
function signed(trade: Trade, { context: { verify } }: TradingRunsDeps) {
  if (trade.contract === undefined) return trade
  const { terms, signatures } = trade.contract
  const good = (side: 'buyer' | 'seller'): boolean => verify(terms[side], signedText(terms), signatures[side])
  return { ...trade, signaturesGood: { buyer: good('buyer'), seller: good('seller') } }
}

/** The slot that begins then, in market time; left out, the next. @throws TRADE_NO_SLOT */
function slotOf(slotStartMs: number | undefined, { context: { market } }: TradingRunsDeps): Slot {
  const next = market.slot(market.slotNumber() + 1)
  const ahead = ((slotStartMs ?? next.startMs) - next.startMs) / next.durationMs
  if (Number.isInteger(ahead) && ahead >= 0 && ahead < MAX_SLOTS_AHEAD) return slotAfter(next, ahead)
  throw new CodedError('TRADE_NO_SLOT', `no slot that can be traded begins at ${timestamp(slotStartMs ?? 0)}`, {
    hint: `the next begins at ${timestamp(next.startMs)}, and then every ${next.durationMs / 60_000} min, ${MAX_SLOTS_AHEAD} slots ahead`,
  })
}

interface ForSale {
  readonly energyWh: number
  readonly priceMicro?: number | undefined
  readonly slotStartMs?: number | undefined
  readonly slots?: number | undefined
}

/** Offers energy for a slot, or as much again for each of so many in a row. */
async function sell(request: ForSale, deps: TradingRunsDeps): Promise<Catalog> {
  const { self, store, clock, market, options, commit } = deps.context
  const first = slotOf(request.slotStartMs, deps)
  const slots = Array.from({ length: request.slots ?? 1 }, (_, i) => slotAfter(first, i))
  const role = roleOf(deps)
  const untilMs = slotAfter(first, slots.length).startMs
  await commit(() =>
    deps.flows.publishCatalog({
      seller: self,
      version: clock.now(),
      role,
      currency: options.market.currency,
      sourceType: role === 'utility' ? 'GRID' : 'HYBRID',
      // Where market time runs faster than life it outlives its slots, which nobody buys from any more.
      validUntilMs: clock.now() + untilMs - market.now(),
      offers: deps.besides(slots.map(slot => handOffer(slot, request, deps))),
    }),
  )
  return found('catalog of', self, store.catalog(self))
}

/** As what this peer sells: a utility, if it is one at all; nobody calls itself one that is none. @throws TRADE_NO_SELLER */
function roleOf({ context: { options } }: TradingRunsDeps): Catalog['role'] {
  const role = (['utility', 'household'] as const).find(one => options.roles.includes(one))
  if (role !== undefined) return role
  throw new CodedError('TRADE_NO_SELLER', 'this peer has no energy to sell: it is neither a household nor a utility', {
    hint: 'start it with --roles household,…',
  })
}

/** What is for sale by hand in a slot. Said again for the same slot, it is what is left to sell now. */
function handOffer(
  slot: Slot,
  { energyWh, priceMicro }: ForSale,
  { context: { store, options } }: TradingRunsDeps,
): Offer {
  const offerId = `manual-${slot.startMs}`
  const soldWh = store
    .tradesOfOffer(offerId)
    .filter(trade => trade.state === 'reserved' || trade.state === 'active')
    .reduce((sum, trade) => sum + trade.energyWh, 0)
  const availableWh = energyWh + soldWh
  return { offerId, slot, priceMicro: priceMicro ?? options.household.sellPriceMicro, availableWh }
}

/** What a cancellation would cost, as the other side says. @throws TRADE_REFUSED, TRADE_SILENT */
async function cancelTerms(
  id: TransactionId,
  { flows, context }: TradingRunsDeps,
  signal: AbortSignal,
): Promise<NonNullable<Trade['cancelTerms']>> {
  const { store, commit, until } = context
  await commit(() => flows.askCancelTerms(id))
  const patience = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
  try {
    return await until(() => termsOf(store.trade(id)), patience)
  } catch (error) {
    if (!patience.aborted || signal.aborted) throw error
    throw new CodedError('TRADE_SILENT', 'the other side has not said what a cancellation costs', {
      hint: 'ask again; it may be away',
    })
  }
}

/** undefined: the question is open. @throws TRADE_REFUSED */
function termsOf({ cancelTerms, asking, refusals }: Partial<Trade> = {}): Trade['cancelTerms'] {
  if (asking?.terms !== undefined) return undefined
  if (cancelTerms !== undefined) return cancelTerms
  throw new CodedError('TRADE_REFUSED', refusals?.terms ?? 'the other side does not say what a cancellation costs')
}
