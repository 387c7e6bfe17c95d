import type { PeerId } from '../../kernel/ids.ts'
import type { Listing, OfferFilter } from './catalog-index.ts'
import type { TradingOptions } from './options.ts'
import type { Tariff } from './trade.ts'

/** Whether a peer that says it is a utility is believed: by a household that names its own, only those. */
export function isBelieved(peer: PeerId, { utilities }: Pick<TradingOptions['household'], 'utilities'>): boolean {
  return utilities.length === 0 || utilities.includes(peer)
}

/** The tariff of the utility that is heard here, cheapest first where there are several; else this peer's own idea of it. */
export function tariffHeard(offers: (filter: OfferFilter) => Listing[], options: TradingOptions): Tariff {
  const heard = offers({ sourceTypes: ['GRID'] }).flatMap(({ catalog: { seller, role, tariff } }) =>
    role === 'utility' && tariff !== undefined && isBelieved(seller, options.household) ? [tariff] : [],
  )
  const cheapest = heard.toSorted((a, b) => a.retailMicro - b.retailMicro)[0]
  return cheapest ?? ownTariff(options)
}

/** What this peer takes and gives as a utility. */
export function ownTariff({ utility }: Pick<TradingOptions, 'utility'>): Tariff {
  const { priceMicro: retailMicro, feedInMicro, gridFeeMicro, shareMicro } = utility
  return { retailMicro, feedInMicro, gridFeeMicro, ...(shareMicro === 0 ? {} : { utilityShareMicro: shareMicro }) }
}
