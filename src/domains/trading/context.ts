import { z } from 'zod'
import type { Context } from '../../daemon/domain.ts'
import { tradingOptions as own } from './options.ts'
import type { TradingRead } from './store.ts'
import type { TradingFact } from './trade.ts'

/** What trading is told: its own options, and some of others. */
export const options = own.extend({
  name: z.string(),
  roles: z.array(z.string()),
  network: z.object({ name: z.string() }),
  market: own.shape.market.unwrap().extend({ currency: z.string() }),
  storage: z.object({ journalDays: z.number() }),
})
export type TradingContext = Context<z.output<typeof options>, TradingRead, TradingFact>
