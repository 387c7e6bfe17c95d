import type { Tells } from '../../daemon/domain.ts'
import type { TradingFact } from './trade.ts'

/** What observers hear of trades: enough to know what to ask about. */
export const tradingTells: Tells<TradingFact> = {
  'trading.catalog': ({ catalog: { seller, role, version, offers } }) => ({
    event: 'catalog.heard',
    data: { seller, role, version, offers: offers.length },
  }),
  'trading.need': ({ need: { id, state, energyWh, boughtWh, steps } }) => ({
    event: 'need.changed',
    data: { id, state, energyWh, boughtWh, step: steps.at(-1)?.text ?? '' },
  }),
  'trading.trade': ({ trade: { transactionId, role, counterparty, state, energyWh, priceMicro, slot, needId } }) => ({
    event: 'trade.changed',
    data: {
      id: transactionId,
      role,
      counterparty,
      state,
      energyWh,
      priceMicro,
      slotStartMs: slot.startMs,
      ...(needId === undefined ? {} : { needId }),
    },
  }),
}
