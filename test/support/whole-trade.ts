import { OK } from './agreed-trade.ts'
import { createTown, type Party, SEARCH_MS, type Sent, SLOT } from './two-markets.ts'

export type Town = ReturnType<typeof createTown>

/** The types of messages in it; the receipt is no action of Beckn. */
export const WHOLE_TRADE: readonly string[] = [
  ...['beckn.catalog_publish', 'beckn.discover', 'beckn.on_discover', 'receipt.published'],
  ...['select', 'init', 'confirm', 'status', 'update', 'cancel', 'track', 'rate', 'support'].flatMap(action => [
    ...[`beckn.${action}`, `beckn.on_${action}`],
  ]),
]

type See = (sent: Sent, to: Party, town: Town) => void

/** A whole trade; `see` looks at the first message of each action of Beckn. */
export function eachAction(see: See) {
  const seen = new Set<string>()
  return wholeTrade((sent, to, town) => {
    const { type } = sent.draft
    if (seen.has(type) || !type.startsWith('beckn.')) return
    seen.add(type)
    see(sent, to, town)
  })
}

/**
 * Three trades from the search to the end, with grid fees: one is tracked, reduced, curtailed, settled and rated, of the
 * other the terms of a cancellation are asked, and it is cancelled; a third is cancelled before there is a contract.
 * `see` looks at each message just before its receiver does.
 */
export function wholeTrade(see: See) {
  const town = createTown(['buyer', 'seller'], { gridFeeMicro: () => 1_000 })
  const [buyer, seller] = town.parties as [Party, Party]
  const run = (holdBack: string = ''): void =>
    town.settle(sent => {
      if (sent.draft.type === holdBack) return true
      const to = town.parties.find(party => party !== sent.from) as Party
      see(sent, to, town)
      return false
    })
  const agreed = (energyWh: number, holdBack?: string) => {
    const need = town.want(buyer, energyWh)
    run()
    town.pass(SEARCH_MS)
    run(holdBack)
    const known = buyer.store.need(need)
    if (known?.transactionId === undefined) throw new Error('nothing was bought')
    return known.transactionId
  }
  town.offer(seller, { availableWh: 3_000 })
  run()
  const id = agreed(1_000)
  town.keep(buyer, buyer.trading.trackTrade(id))
  town.keep(buyer, buyer.trading.askSupport(id))
  run()
  town.keep(buyer, buyer.trading.reduceTrade(id, 800))
  run()
  town.keep(seller, seller.trading.curtailTrade(id, { energyWh: 500, reason: 'CONGESTION' }))
  run()
  const other = agreed(700)
  town.keep(buyer, buyer.trading.askCancelTerms(other))
  run()
  town.keep(buyer, buyer.trading.cancelTrade(other))
  run()
  const early = agreed(300, 'beckn.on_init')
  town.keep(buyer, buyer.trading.cancelTrade(early))
  run()
  buyer.meter = OK(400, 0)
  seller.meter = OK(0, 450)
  town.pass(SLOT.startMs + SLOT.durationMs - town.now())
  run()
  town.pass(60_000)
  run()
  town.keep(buyer, buyer.trading.rateTrade(id, { stars: 4, words: 'sunny' }))
  run()
  return { town, buyer, seller, id, other, early }
}
