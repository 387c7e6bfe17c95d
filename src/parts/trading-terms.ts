import type { Options } from '../config/options.ts'
import type { TradeLimits } from '../domains/trading/market.ts'
import { creditLeftMicro } from '../domains/trading/settlement/credit.ts'
import { neighbourAccount } from '../domains/trading/settlement/ledger.ts'
import type { Tariff } from '../domains/trading/trade.ts'
import type { Trading } from '../domains/trading/trading.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Storage } from '../storage/storage.ts'

/** Whether a peer that says it is a utility is believed: by a household that names its own, only those. */
export function isBelieved(peer: PeerId, { household }: Options): boolean {
  return household.utilities.length === 0 || household.utilities.includes(peer)
}

/** The tariff of the utility that is heard here, cheapest first where there are several; else this peer's own idea of it. */
export function tariffHeard(trading: Trading, options: Options): Tariff {
  const heard = trading
    .offers({ sourceTypes: ['GRID'] })
    .flatMap(({ catalog: { seller, role, tariff } }) =>
      role === 'utility' && tariff !== undefined && isBelieved(seller, options) ? [tariff] : [],
    )
  const cheapest = heard.toSorted((a, b) => a.retailMicro - b.retailMicro)[0]
  return cheapest ?? ownTariff(options)
}

/** What this peer takes and gives as a utility. */
export function ownTariff({ utility }: Options): Tariff {
  const { priceMicro: retailMicro, feedInMicro, gridFeeMicro, shareMicro } = utility
  return { retailMicro, feedInMicro, gridFeeMicro, ...(shareMicro === 0 ? {} : { utilityShareMicro: shareMicro }) }
}

/** Whom this peer trades with, and how much it buys, as it was told. */
export function limitsOf({ household }: Options): TradeLimits {
  const { maxBuyWh, neighbours, avoidPeers } = household
  return { maxBuyWh, neighbours: neighbours as PeerId[], avoidPeers: avoidPeers as PeerId[] }
}

/** What a neighbour may still buy on credit: sales that are reserved or agreed, and not settled yet, count. */
export function creditLeft(store: Storage['trading'], limitMicro: number, buyer: PeerId): number {
  const open = (['reserved', 'active'] as const)
    .flatMap(state => store.tradesInState(state))
    .filter(trade => trade.role === 'seller' && trade.counterparty === buyer)
  return creditLeftMicro(limitMicro, store.accountMicro(neighbourAccount(buyer)), open)
}
