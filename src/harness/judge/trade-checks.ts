import type { NeedAnswer, TradeAnswer } from '../../domains/trading/commands.ts'
import { AGREED_STATES } from '../../domains/trading/offline.ts'
import { landedMicro } from '../../kernel/money.ts'
import { isSameSlot, slotKey } from '../../kernel/slot.ts'
import { canonical } from '../../protocol/canonical.ts'
import type { Death } from '../scenario/kill-plan.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * Purchases that cost more than an offer somebody made for that very search, unless its seller was asked before and had
 * no more, refused or fell silent. Read from the buyer's journal, not from its own ranking.
 */
export function aboveCheapest(snapshots: readonly Snapshot[]): number {
  return snapshots.flatMap(one =>
    one.trades.filter(trade => trade.role === 'buyer' && agreed(trade) && overpaid(one, trade)),
  ).length
}

function overpaid({ trades, answers, needs }: Snapshot, bought: TradeAnswer): boolean {
  const need = needs.find(one => one.id === bought.needId)
  if (need === undefined) return false
  const asked = new Set(
    trades
      .filter(trade => trade.needId === need.id && trade.startedMs <= bought.startedMs)
      .map(trade => trade.counterparty),
  )
  const open = answers
    .filter(
      ({ needId, atMs, catalog }) => needId === need.id && atMs <= need.searchUntilMs && !asked.has(catalog.seller),
    )
    .flatMap(answer => answer.catalog.offers)
    .filter(offer => isSameSlot(offer.slot, need.slot) && offer.availableWh > 0)
  return open.some(offer => offer.priceMicro < landedMicro(bought))
}

/**
 * Searches nobody answered though somebody who could be reached had something for the slot. A buyer killed in the middle
 * of its search was not there to be answered.
 */
export function unanswered(snapshots: readonly Snapshot[], online: Online, deaths: readonly Death[]): number {
  return snapshots.flatMap(buyer =>
    buyer.needs.filter(
      need =>
        need.answered.length === 0 &&
        !diedSearching(buyer, need, deaths) &&
        snapshots.some(one => couldAnswer(one, buyer, need, online)),
    ),
  ).length
}

function diedSearching(
  { peerId }: Snapshot,
  { createdMs, searchUntilMs }: NeedAnswer,
  deaths: readonly Death[],
): boolean {
  return deaths.some(death => death.peerId === peerId && death.atMs >= createdMs && death.atMs <= searchUntilMs)
}

/** Whether a peer could be reached for a search. */
export type Online = (peerId: string, search: string) => boolean

function couldAnswer(seller: Snapshot, buyer: Snapshot, need: NeedAnswer, online: Online): boolean {
  return (
    seller !== buyer &&
    online(seller.peerId, need.id) &&
    seller.published.some(
      catalog => catalog.version <= need.createdMs && catalog.offers.some(offer => isSameSlot(offer.slot, need.slot)),
    )
  )
}

/**
 * Energy a household has sold of a slot beyond what it had on offer of it at any one time, over all its offers, or what
 * it had to take from the grid to deliver it: that it did not have. A utility has as much as it is asked for.
 */
export function oversoldWh(snapshots: readonly Snapshot[]): number {
  return snapshots.filter(({ roles }) => !roles.includes('utility')).reduce((sum, one) => sum + oversoldBy(one), 0)
}

function oversoldBy({ trades, published, slots }: Snapshot): number {
  const offered = new Map<string, number>()
  for (const { offers } of published)
    for (const [key, together] of Map.groupBy(offers, ({ slot }) => slotKey(slot)))
      offered.set(
        key,
        Math.max(
          offered.get(key) ?? 0,
          sumOf(together, offer => offer.availableWh),
        ),
      )
  const sold = Map.groupBy(trades.filter(sale), ({ slot }) => slotKey(slot))
  const beyondOffer = [...sold].map(([key, sales]) =>
    Math.max(0, sumOf(sales, trade => trade.energyWh) - (offered.get(key) ?? 0)),
  )
  const notThere = slots.map(slot => Math.min(slot.soldWh, slot.importedWh))
  return sumOf([...beyondOffer, ...notThere], wh => wh)
}

function sumOf<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0)
}

function sale(trade: TradeAnswer): boolean {
  return trade.role === 'seller' && agreed(trade)
}

function agreed(trade: TradeAnswer): boolean {
  return AGREED_STATES.includes(trade.state)
}

/** Contracts by transaction, and a sentence for each that the two sides do not hold alike. */
export function contracts(snapshots: readonly Snapshot[]): { total: number; unequal: string[] } {
  const held = new Map<string, { name: string; trade: TradeAnswer }[]>()
  for (const { name, trades } of snapshots) {
    for (const trade of trades.filter(t => agreed(t) || t.contract !== undefined)) {
      held.set(trade.transactionId, [...(held.get(trade.transactionId) ?? []), { name, trade }])
    }
  }
  const unequal = [...held].flatMap(([id, sides]) => {
    const difference = differ(sides)
    return difference === undefined ? [] : [`${id.slice(0, 8)} ${difference}`]
  })
  return { total: held.size, unequal }
}

function differ(sides: readonly { name: string; trade: TradeAnswer }[]): string | undefined {
  const [one, other] = sides
  if (one === undefined || other === undefined) return `is held by ${one?.name ?? 'nobody'} alone`
  if (one.trade.state !== other.trade.state)
    return `is ${one.trade.state} for ${one.name}, ${other.trade.state} for ${other.name}`
  const [a, b] = [one.trade.contract, other.trade.contract]
  if (a === undefined || b === undefined) return `has one signature`
  return canonical(a) === canonical(b) ? undefined : `differs between ${one.name} and ${other.name}`
}
