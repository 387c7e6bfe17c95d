import { peerText } from '../../../kernel/ids.ts'
import { priceText } from '../../../kernel/money.ts'
import type { Need, RankedOffer, Trade } from '../trade.ts'
import type { Trader } from '../trader.ts'
import { type Ending, noted, waiting } from './need.ts'

/**
 * Buyer: what its need makes of a quote at another price than the offer's. Lower, or still the cheapest of what was not
 * tried, it is taken, and the need that remembers it is returned. Otherwise the trade ends, and the offer waits for its
 * turn at the new price, unless that is more than the buyer pays.
 */
export function requoted(trader: Trader, trade: Trade, priceMicro: number): Need | Ending {
  const need = trade.needId === undefined ? undefined : trader.store.need(trade.needId)
  const before = need?.ranked[need.tried - 1]
  const [was, now] = [trade.priceMicro, priceMicro].map(micro => priceText(micro, trader.currency))
  const refused: Ending = {
    state: 'refused',
    reason: `the seller asks ${now} now, fees not included, instead of ${was}`,
  }
  if (need === undefined || before === undefined || need.transactionId !== trade.transactionId) return refused
  const offer: RankedOffer = {
    ...before,
    priceMicro,
    landedMicro: before.landedMicro + priceMicro - trade.priceMicro,
  }
  if (offer.landedMicro > need.maxPriceMicro) return refused
  if (offer.landedMicro > before.landedMicro && waiting(need, offer)[0] !== offer)
    return { ...refused, requoted: offer }
  const [old, asked] = [before, offer].map(one => priceText(one.landedMicro, trader.currency))
  const verdict = priceMicro < trade.priceMicro ? '' : ', still the cheapest'
  return noted(trader, need, `${peerText(offer.seller)} quotes ${asked} instead of ${old}${verdict}`)
}
