import { CodedError } from '../kernel/errors.ts'
import type { TaskId } from '../kernel/ids.ts'
import { slotAfter, slotAt } from '../trading/slot.ts'
import type { Catalog, CurtailmentReason, Need, Trade } from '../trading/trade.ts'
import { type CommandDeps, decided } from './deps.ts'

/** How long a person waits for the other side's word. */
const ANSWER_MS = 8_000
const LOOK_MS = 50

/** Energy for the next slot: offered, wanted, agreed. */
export function tradeCommands(deps: CommandDeps) {
  const { config, identity, storage, trading, clock, marketClock } = deps

  return {
    catalogs: (): Catalog[] => storage.trading.catalogs().filter(catalog => catalog.validUntilMs > clock.now()),
    trades: (limit: number): Trade[] => storage.trading.trades(limit),
    trade: (id: string): Trade | undefined => storage.trading.trade(id as TaskId),
    needs: (limit: number): Need[] => storage.trading.needs(limit),
    need: (id: string): Need | undefined => storage.trading.need(id),
    tradesOfNeed: (id: string): Trade[] => storage.trading.tradesOfNeed(id),

    /** Wants energy for the next slot; the search begins. */
    async buy(request: { energyWh: number; maxPriceMicro?: number }): Promise<Need> {
      const id = deps.newId()
      const slot = slotAfter(slotAt(marketClock.now(), config.options.market.slotMs))
      const maxPriceMicro = request.maxPriceMicro ?? config.options.household.maxPriceMicro
      await decided(deps, () =>
        trading.buy({ id, slot, energyWh: request.energyWh, maxPriceMicro, reason: 'you asked for it' }),
      )
      return storage.trading.need(id) as Need
    },

    /** Offers energy for the next slot. */
    async sell(request: { energyWh: number; priceMicro?: number }): Promise<Catalog> {
      const slot = slotAfter(slotAt(marketClock.now(), config.options.market.slotMs))
      const { currency } = config.options.market
      const offerId = `manual-${slot.startMs}`
      // Said again for the same slot, it is what is left to sell now.
      const soldWh = storage.trading
        .tradesOfOffer(offerId)
        .filter(trade => trade.state === 'reserved' || trade.state === 'active')
        .reduce((sum, trade) => sum + trade.energyWh, 0)
      const role = config.options.roles.includes('household') ? 'household' : 'utility'
      const catalog: Catalog = {
        ...{
          seller: identity.peerId,
          version: clock.now(),
          role,
          sourceType: role === 'utility' ? 'GRID' : 'HYBRID',
          currency,
        },
        validUntilMs: clock.now() + 2 * slot.durationMs,
        offers: [
          {
            offerId,
            slot,
            priceMicro: request.priceMicro ?? config.options.household.sellPriceMicro,
            availableWh: request.energyWh + soldWh,
          },
        ],
      }
      await decided(deps, () => trading.publishCatalog(catalog))
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
        const { cancelTerms, asking } = storage.trading.trade(id as TaskId) ?? {}
        if (cancelTerms !== undefined && asking?.cancel === undefined) return cancelTerms
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
