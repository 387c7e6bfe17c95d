import { kwhOf } from '../../kernel/energy.ts'
import type { PeerId } from '../../kernel/ids.ts'
import { timestamp } from '../../kernel/slot.ts'
import type { Role, Settlement, Terms } from '../../protocol/contract.ts'
import { deliveryOf, type Transfer, transfersOf } from './transfers.ts'

/**
 * What one event does to this peer's books; its postings sum to zero. `id`: the contract settled, or the statement
 * paid, so that neither is ever booked twice.
 */
export interface LedgerBatch {
  readonly id: string
  readonly counterparty: PeerId
  /** Wall-clock time. */
  readonly atMs: number
  readonly kind: 'settlement' | 'payment'
  readonly description: string
  readonly postings: readonly Posting[]
}

/**
 * A change of an account, in millionths. Above zero: others owe this peer more, or it has spent; below: it owes more, or
 * has earned. Accounts: `neighbour:<peer>`, `utility`, `energy bought`, `energy sold`, `grid fee`, `utility share`, `imbalance`, `penalty`,
 * `cash`.
 */
export interface Posting {
  readonly account: string
  readonly micro: number
}

export function neighbourAccount(peer: PeerId): string {
  return `neighbour:${peer}`
}

/**
 * The settlement as `self` books it. The other side's batch has the opposite sum on its account for `self`. Throws when
 * `self` is no party: nobody keeps the books of others.
 */
export function batchOf(terms: Terms, settlement: Settlement, self: PeerId, atMs: number): LedgerBatch {
  if (self !== terms.buyer && self !== terms.seller)
    throw new TypeError(`${self} is no party of contract ${terms.contractId}`)
  const role = self === terms.buyer ? 'buyer' : 'seller'
  const counterparty = role === 'buyer' ? terms.seller : terms.buyer
  const transfers = transfersOf(terms, deliveryOf(terms, settlement.buyer, settlement.seller))
  const postings = transfers
    .filter(({ from, to }) => from === role || to === role)
    .flatMap(transfer => booked(transfer, role, counterparty))
  const verb = role === 'buyer' ? 'bought' : 'sold'
  return {
    id: terms.contractId,
    counterparty,
    atMs,
    kind: 'settlement',
    description: `${verb} ${kwhOf(settlement.finalWh)} kWh, slot of ${timestamp(terms.slot.startMs)}`,
    postings: merged(postings),
  }
}

function booked(transfer: Transfer, self: Role, counterparty: PeerId): Posting[] {
  const { from, to, micro, purpose } = transfer
  const paid = from === self
  const other = paid ? to : from
  const ownAccount = purpose === 'energy' ? (paid ? 'energy bought' : 'energy sold') : purpose
  const spent = paid ? micro : -micro
  return [
    { account: ownAccount, micro: spent },
    { account: other === 'utility' ? 'utility' : neighbourAccount(counterparty), micro: -spent },
  ]
}

/** An account once each, in the order they were first named. */
function merged(postings: readonly Posting[]): Posting[] {
  const sums = new Map<string, number>()
  for (const { account, micro } of postings) sums.set(account, (sums.get(account) ?? 0) + micro)
  return [...sums].map(([account, micro]) => ({ account, micro })).filter(({ micro }) => micro !== 0)
}

/** Every account's balance in millionths; together they are zero. */
export function balances(batches: readonly LedgerBatch[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const { account, micro } of batches.flatMap(batch => batch.postings))
    sums.set(account, (sums.get(account) ?? 0) + micro)
  return sums
}

/** What `peer` owes this peer, in millionths; below zero: this peer owes it. */
export function balanceWith(batches: readonly LedgerBatch[], peer: PeerId): number {
  return balances(batches).get(neighbourAccount(peer)) ?? 0
}
