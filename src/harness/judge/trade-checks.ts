import { canonical } from '../../protocol/canonical.ts'
import { slotKey } from '../../trading/slot.ts'
import type { Need, Trade } from '../../trading/trade.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * Purchases that cost more than an offer somebody made for that very search, unless its seller was tried first and
 * refused or fell silent. Read from the buyer's journal, not from its own ranking.
 */
export function aboveCheapest(snapshots: readonly Snapshot[]): number {
  return snapshots.flatMap(one => one.needs.filter(need => need.state === 'bought' && overpaid(one, need))).length
}

function overpaid({ trades, answers }: Snapshot, need: Need): boolean {
  const mine = trades.filter(trade => trade.needId === need.id)
  const bought = mine.find(trade => trade.transactionId === need.transactionId)
  if (bought === undefined) return false
  const tried = new Set(mine.filter(trade => trade !== bought).map(trade => trade.counterparty))
  const open = answers
    .filter(answer => answer.needId === need.id && answer.atMs <= bought.startedMs && !tried.has(answer.catalog.seller))
    .flatMap(answer => answer.catalog.offers)
    .filter(offer => slotKey(offer.slot) === slotKey(need.slot) && offer.availableWh >= need.energyWh)
  return open.some(offer => offer.priceMicro < bought.priceMicro)
}

/** Energy agreed beyond what its seller ever offered for the slot. */
export function oversoldWh(snapshots: readonly Snapshot[]): number {
  let total = 0
  for (const { trades, published } of snapshots) {
    const offered = new Map<string, number>()
    for (const offer of published.flatMap(catalog => catalog.offers)) {
      const key = `${offer.offerId}/${slotKey(offer.slot)}`
      offered.set(key, Math.max(offered.get(key) ?? 0, offer.availableWh))
    }
    const sold = Map.groupBy(trades.filter(sale), trade => `${trade.offerId}/${slotKey(trade.slot)}`)
    for (const [key, sales] of sold) {
      const soldWh = sales.reduce((sum, trade) => sum + trade.energyWh, 0)
      total += Math.max(0, soldWh - (offered.get(key) ?? 0))
    }
  }
  return total
}

function sale(trade: Trade): boolean {
  return trade.role === 'seller' && trade.state === 'active'
}

/** Contracts by transaction, and a sentence for each that the two sides do not hold alike. */
export function contracts(snapshots: readonly Snapshot[]): { total: number; unequal: string[] } {
  const held = new Map<string, { name: string; trade: Trade }[]>()
  for (const { name, trades } of snapshots) {
    for (const trade of trades.filter(t => t.state === 'active' || t.contract !== undefined)) {
      held.set(trade.transactionId, [...(held.get(trade.transactionId) ?? []), { name, trade }])
    }
  }
  const unequal = [...held].flatMap(([id, sides]) => {
    const difference = differ(sides)
    return difference === undefined ? [] : [`${id.slice(0, 8)} ${difference}`]
  })
  return { total: held.size, unequal }
}

function differ(sides: readonly { name: string; trade: Trade }[]): string | undefined {
  const [one, other] = sides
  if (one === undefined || other === undefined) return `is held by ${one?.name ?? 'nobody'} alone`
  if (one.trade.state !== other.trade.state)
    return `is ${one.trade.state} for ${one.name}, ${other.trade.state} for ${other.name}`
  const [a, b] = [one.trade.contract, other.trade.contract]
  if (a === undefined || b === undefined) return `has one signature`
  return canonical(a) === canonical(b) ? undefined : `differs between ${one.name} and ${other.name}`
}
