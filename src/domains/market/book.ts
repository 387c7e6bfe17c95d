import type { Slot } from '../../kernel/slot.ts'
import { byBytes, hashOf, type Order, orderId, type SlotTariff, sha256, tariffId } from './order.ts'

/** The orders and tariffs of one slot that name one utility. */
export interface Book {
  readonly slot: Slot
  readonly utility: string
  readonly orders: readonly Order[]
  readonly tariffs: readonly SlotTariff[]
}

/** Different versions of one author; one who has said more is out of the slot. */
export const MAX_VERSIONS = 3

/** The names of all that stands in a book, those too that do not count, each once, in order. */
export function idsOf({ orders, tariffs }: Pick<Book, 'orders' | 'tariffs'>): string[] {
  return [...new Set([...orders.map(orderId), ...tariffs.map(tariffId)])].sort(byBytes)
}

/** What all who hold the same book compute alike. */
export function rootOf(slot: Slot, ids: readonly string[]): string {
  return hashOf('wattmesh/book/1', { slot, ids })
}

/** A draw that nobody steers, for what cannot be divided. */
export function tieOf(root: string, peer: string): string {
  return sha256(`${root}\n${peer}`)
}

/** Of each peer the order that counts. */
export function standingOrders({ orders }: Pick<Book, 'orders'>): Order[] {
  return [...Map.groupBy(orders, ({ peer }) => peer).values()].flatMap(own => standing(own, orderId) ?? [])
}

/** The tariff of the book's utility; undefined: it has none that counts. */
export function standingTariff({ tariffs, utility }: Pick<Book, 'tariffs' | 'utility'>): SlotTariff | undefined {
  return standing(
    tariffs.filter(one => one.utility === utility),
    tariffId,
  )
}

/**
 * Of one author's versions that with the highest number. Two different ones of that number, or too many in all: none,
 * for whoever saw others of them would compute something else.
 */
function standing<Version extends { readonly seq: number }>(
  versions: readonly Version[],
  idOf: (version: Version) => string,
): Version | undefined {
  // As nearly all have it: then its name need not be worked out again.
  if (versions.length === 1) return versions[0]
  const different = [...new Map(versions.map(version => [idOf(version), version])).values()]
  if (different.length > MAX_VERSIONS) return undefined
  const highest = Math.max(...different.map(({ seq }) => seq))
  const [version, ...others] = different.filter(({ seq }) => seq === highest)
  return others.length === 0 ? version : undefined
}
