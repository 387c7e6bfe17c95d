import type { TaskId } from '../kernel/ids.ts'
import { slotAfter, slotAt } from '../trading/slot.ts'
import type { Catalog, Need, Trade } from '../trading/trade.ts'
import { type CommandDeps, decided } from './deps.ts'

/** Energy for the next slot: offered, wanted, agreed. */
export function tradeCommands(deps: CommandDeps) {
  const { config, identity, storage, trading, clock, marketClock } = deps

  return {
    catalogs: (): Catalog[] => storage.trading.catalogs().filter(catalog => catalog.validUntilMs > clock.now()),
    trades: (limit: number): Trade[] => storage.trading.trades(limit),
    trade: (id: string): Trade | undefined => storage.trading.trade(id as TaskId),
    needs: (limit: number): Need[] => storage.trading.needs(limit),
    need: (id: string): Need | undefined => storage.trading.need(id),

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
          sourceType: role === 'utility' ? 'GRID' : 'SOLAR',
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
  }
}
