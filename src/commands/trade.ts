import type { Cost } from '../domains/trading/buying/choose.ts'
import { type Slot, slotAfter, slotAt, timestamp } from '../domains/trading/slot.ts'
import type { Catalog, CurtailmentReason, Need, Offer, Trade } from '../domains/trading/trade.ts'
import { CodedError } from '../kernel/errors.ts'
import type { TaskId } from '../kernel/ids.ts'
import { type CommandDeps, decided } from './deps.ts'

/** How long a person waits for the other side's word. */
const ANSWER_MS = 8_000
const LOOK_MS = 50
/** Traded no further ahead: a week of quarter-hours. */
const MAX_SLOTS_AHEAD = 672

/** Of which slot: the one that begins at `slotStartMs` of market time; left out, the next. */
interface When {
  readonly slotStartMs?: number | undefined
}

/** As what this peer sells: a utility, if it is one at all; nobody calls itself one that is none. @throws TRADE_NO_SELLER */
function roleOf({ roles }: CommandDeps['config']['options']): Catalog['role'] {
  const role = (['utility', 'household'] as const).find(one => roles.includes(one))
  if (role !== undefined) return role
  throw new CodedError('TRADE_NO_SELLER', 'this peer has no energy to sell: it is neither a household nor a utility', {
    hint: 'start it with --roles household,…',
  })
}

/** An offer as this peer sees it: with what a kWh of it costs here, fees included. */
export type OfferHere = Offer & Cost
export type CatalogHere = Omit<Catalog, 'offers'> & { readonly offers: readonly OfferHere[] }

/** Energy for the next slot, or a later one: offered, wanted, agreed. */
export function tradeCommands(deps: CommandDeps) {
  const { config, identity, storage, trading, clock, marketClock, marketDay } = deps

  /** @throws TRADE_NO_SLOT */
  function slotOf({ slotStartMs }: When): Slot {
    const { slotMs } = config.options.market
    const next = slotAfter(slotAt(marketClock.now(), slotMs))
    const ahead = ((slotStartMs ?? next.startMs) - next.startMs) / slotMs
    if (Number.isInteger(ahead) && ahead >= 0 && ahead < MAX_SLOTS_AHEAD)
      return { ...next, startMs: next.startMs + ahead * slotMs }
    throw new CodedError('TRADE_NO_SLOT', `no slot that can be traded begins at ${timestamp(slotStartMs ?? 0)}`, {
      hint: `the next begins at ${timestamp(next.startMs)}, and then every ${slotMs / 60_000} min, ${MAX_SLOTS_AHEAD} slots ahead`,
    })
  }

  /** What is for sale by hand in a slot. Said again for the same slot, it is what is left to sell now. */
  function handOffer(
    slot: Slot,
    { energyWh, priceMicro }: { energyWh: number; priceMicro?: number | undefined },
  ): Offer {
    const offerId = `manual-${slot.startMs}`
    const soldWh = storage.trading
      .tradesOfOffer(offerId)
      .filter(trade => trade.state === 'reserved' || trade.state === 'active')
      .reduce((sum, trade) => sum + trade.energyWh, 0)
    const availableWh = energyWh + soldWh
    return { offerId, slot, priceMicro: priceMicro ?? config.options.household.sellPriceMicro, availableWh }
  }

  return {
    /** What can be bought still: offers of slots that have begun are left out. */
    catalogs(): CatalogHere[] {
      const costOf = trading.costs()
      const known = storage.trading.catalogs().filter(catalog => catalog.validUntilMs > clock.now())
      return known.map(catalog => {
        const offers = catalog.offers.filter(({ slot }) => slot.startMs > marketClock.now())
        return { ...catalog, offers: offers.map(offer => ({ ...offer, ...costOf({ catalog, offer }) })) }
      })
    },
    trades: (limit: number): Trade[] => storage.trading.trades(limit),
    trade: (id: string): Trade | undefined => storage.trading.trade(id as TaskId),
    needs: (limit: number): Need[] => storage.trading.needs(limit),
    need: (id: string): Need | undefined => storage.trading.need(id),
    tradesOfNeed: (id: string): Trade[] => storage.trading.tradesOfNeed(id),

    /** Wants energy for a slot; the search begins. */
    async buy(request: When & { energyWh: number; maxPriceMicro?: number | undefined }): Promise<Need> {
      const id = deps.newId()
      const slot = slotOf(request)
      const maxPriceMicro = request.maxPriceMicro ?? config.options.household.maxPriceMicro
      await decided(deps, () =>
        trading.buy({ id, slot, energyWh: request.energyWh, maxPriceMicro, reason: 'you asked for it' }),
      )
      return storage.trading.need(id) as Need
    },

    /** Offers energy for a slot, or as much again for each of so many in a row. */
    async sell(
      request: When & { energyWh: number; priceMicro?: number | undefined; slots?: number | undefined },
    ): Promise<Catalog> {
      const first = slotOf(request)
      const slots = Array.from(
        { length: request.slots ?? 1 },
        (_, i): Slot => ({
          ...first,
          startMs: first.startMs + i * first.durationMs,
        }),
      )
      const { currency } = config.options.market
      const role = roleOf(config.options)
      const untilMs = first.startMs + slots.length * first.durationMs
      await decided(deps, () =>
        trading.publishCatalog({
          seller: identity.peerId,
          version: clock.now(),
          role,
          currency,
          sourceType: role === 'utility' ? 'GRID' : 'HYBRID',
          // Where market time runs faster than life it outlives its slots, which nobody buys from any more.
          validUntilMs: clock.now() + untilMs - marketClock.now(),
          offers: marketDay.besideOwn(slots.map(slot => handOffer(slot, request))),
        }),
      )
      return storage.trading.catalog(identity.peerId) as Catalog
    },

    openMarket: () => deps.marketDay.open(),
    closeMarket: () => deps.marketDay.close(),
    cancelTrade: (id: string) => decided(deps, () => trading.cancelTrade(id as TaskId)),

    /** What a cancellation would cost, as the other side says. */
    async cancelTerms(id: string): Promise<NonNullable<Trade['cancelTerms']>> {
      await decided(deps, () => trading.askCancelTerms(id as TaskId))
      const untilMs = clock.now() + ANSWER_MS
      while (clock.now() < untilMs) {
        const { cancelTerms, asking, refusals } = storage.trading.trade(id as TaskId) ?? {}
        if (cancelTerms !== undefined && asking?.terms === undefined) return cancelTerms
        if (asking?.terms === undefined)
          throw new CodedError(
            'TRADE_REFUSED',
            refusals?.terms ?? 'the other side does not say what a cancellation costs',
          )
        await clock.sleep(LOOK_MS)
      }
      throw new CodedError('TRADE_SILENT', 'the other side has not said what a cancellation costs', {
        hint: 'ask again; it may be away',
      })
    },
    reduceTrade: (id: string, energyWh: number) => decided(deps, () => trading.reduceTrade(id as TaskId, energyWh)),
    curtailTrade: (id: string, how: { energyWh: number; reason: CurtailmentReason }) =>
      decided(deps, () => trading.curtailTrade(id as TaskId, how)),
    trackTrade: (id: string) => decided(deps, () => trading.trackTrade(id as TaskId)),
    rateTrade: (id: string, rating: { stars: number; words?: string | undefined }) =>
      decided(deps, () => trading.rateTrade(id as TaskId, rating)),
    askSupport: (id: string) => decided(deps, () => trading.askSupport(id as TaskId)),
    withdraw: () => decided(deps, () => trading.withdraw()),
  }
}
