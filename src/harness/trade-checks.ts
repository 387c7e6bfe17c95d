import { canonical } from '../protocol/canonical.ts'
import { slotKey } from '../trading/slot.ts'
import type { Trade } from '../trading/trade.ts'
import type { Snapshot } from './snapshot.ts'

/** Purchases that cost more than an offer the buyer knew and had not tried. */
export function aboveCheapest(snapshots: readonly Snapshot[]): number {
  return snapshots
    .flatMap(({ needs, trades }) =>
      needs.map(need => ({ need, trade: trades.find(t => t.transactionId === need.transactionId) })),
    )
    .filter(({ need, trade }) => {
      if (need.state !== 'bought' || trade === undefined) return false
      const open = need.ranked.slice(Math.max(0, need.tried - 1)).map(offer => offer.landedMicro)
      return trade.priceMicro + trade.gridFeeMicro > Math.min(...open)
    }).length
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
