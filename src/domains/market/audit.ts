import type { Slot } from '../../kernel/slot.ts'
import { canonical } from '../../protocol/canonical.ts'
import { auction } from './auction.ts'
import { rootOf } from './book.ts'
import { byBytes, isOrder, type Order, orderId, type SlotTariff, type Step, tariffId } from './order.ts'
import type { Line } from './pairing.ts'

/** What peers have signed about one slot, from wherever it was gathered. */
export interface MarketDocuments {
  readonly slot: Slot
  readonly utility: string
  readonly orders: readonly Order[]
  readonly tariffs: readonly SlotTariff[]
  readonly books: readonly { readonly ids: readonly string[] }[]
  readonly binds: readonly { readonly peer: string; readonly root: string }[]
  readonly contracts: readonly {
    readonly root: string
    readonly line: Line
    /** Whose signatures are good. */
    readonly signedBy: readonly string[]
  }[]
}

export type FindingCode =
  | 'ORDER_INVALID'
  | 'ORDER_TWICE'
  | 'BIND_TWICE'
  | 'BOOK_UNKNOWN'
  | 'CONTRACT_UNSIGNED'
  | 'CONTRACT_UNBOUND'
  | 'CONTRACT_NOT_IN_RESULT'
  | 'OVERFILLED'

/** Something that should not be, and who or what it is about. */
export type Finding = readonly [code: FindingCode, about: string]

/** Everything wrong with these documents, each once; none for a market whose peers are honest. */
export function audit(documents: MarketDocuments): Finding[] {
  const results = resultsOf(documents)
  const findings = [
    ...invalidOrders(documents),
    ...twoOrders(documents),
    ...twoBinds(documents),
    ...unknownBooks(documents, results),
    ...documents.contracts.flatMap(contract => contractFindings(contract, documents, results)),
    ...overfilled(documents),
  ]
  const each = new Map(findings.map(finding => [JSON.stringify(finding), finding]))
  return [...each].sort(([a], [b]) => byBytes(a, b)).map(([, finding]) => finding)
}

type Contract = MarketDocuments['contracts'][number]

/** The lines of each book's result, by root; undefined: the book is not whole here. */
type Results = ReadonlyMap<string, ReadonlySet<string> | undefined>

function resultsOf({ slot, utility, orders, tariffs, books }: MarketDocuments): Results {
  const ordersById = new Map(orders.map(order => [orderId(order), order]))
  const tariffsById = new Map(tariffs.map(tariff => [tariffId(tariff), tariff]))
  return new Map(
    books.map(({ ids }) => {
      const root = rootOf(slot, [...new Set(ids)].sort(byBytes))
      if (!ids.every(id => ordersById.has(id) || tariffsById.has(id))) return [root, undefined]
      const book = {
        slot,
        utility,
        orders: ids.flatMap(id => ordersById.get(id) ?? []),
        tariffs: ids.flatMap(id => tariffsById.get(id) ?? []),
      }
      return [root, new Set(auction(book).result.contracts.map(canonical))]
    }),
  )
}

function invalidOrders({ orders }: MarketDocuments): Finding[] {
  return orders.filter(order => !isOrder(order)).map(order => ['ORDER_INVALID', orderId(order)])
}

function twoOrders({ orders }: MarketDocuments): Finding[] {
  const bySeq = Map.groupBy(orders, ({ peer, seq }) => `${seq}/${peer}`)
  return [...bySeq.values()]
    .filter(versions => new Set(versions.map(orderId)).size > 1)
    .flatMap(([order]) => (order === undefined ? [] : [['ORDER_TWICE', order.peer] as const]))
}

function twoBinds({ binds }: MarketDocuments): Finding[] {
  const byPeer = Map.groupBy(binds, ({ peer }) => peer)
  return [...byPeer]
    .filter(([, own]) => new Set(own.map(({ root }) => root)).size > 1)
    .map(([peer]) => ['BIND_TWICE', peer])
}

function unknownBooks({ contracts }: MarketDocuments, results: Results): Finding[] {
  const torn = [...results].filter(([, lines]) => lines === undefined).map(([root]) => root)
  const unheard = contracts.filter(({ root }) => !results.has(root)).map(({ root }) => root)
  return [...torn, ...unheard].map(root => ['BOOK_UNKNOWN', root])
}

function contractFindings({ root, line, signedBy }: Contract, { binds }: MarketDocuments, results: Results): Finding[] {
  const [buyer, seller] = line
  const between = `${buyer}→${seller}`
  if (![buyer, seller].every(side => signedBy.includes(side))) return [['CONTRACT_UNSIGNED', between]]
  const hasBound = (side: string): boolean => binds.some(({ peer, root: to }) => peer === side && to === root)
  const unbound = [buyer, seller]
    .filter(side => !hasBound(side))
    .map((side): Finding => ['CONTRACT_UNBOUND', `${between} by ${side}`])
  const result = results.get(root)
  const isLine = result === undefined || result.has(canonical(line))
  return isLine ? unbound : [...unbound, ['CONTRACT_NOT_IN_RESULT', between]]
}

/** More under contract than any one order of the peer offers on that side. */
function overfilled({ orders, contracts }: MarketDocuments): Finding[] {
  const signed = contracts.filter(({ line: [buyer, seller], signedBy }) =>
    [buyer, seller].every(side => signedBy.includes(side)),
  )
  const each = [...new Map(signed.map(one => [`${one.root}/${one.line[0]}→${one.line[1]}`, one.line])).values()]
  return [...Map.groupBy(orders, ({ peer }) => peer)].flatMap(([peer, own]) =>
    (['buy', 'sell'] as const).flatMap((side): Finding[] => {
      const offeredWh = Math.max(0, ...own.map(order => totalWh(order[side])))
      const contractWh = each
        .filter(line => line[side === 'buy' ? 0 : 1] === peer)
        .reduce((sum, [, , energyWh]) => sum + energyWh, 0)
      return contractWh > offeredWh ? [['OVERFILLED', `${peer} ${side}`]] : []
    }),
  )
}

function totalWh(steps: readonly Step[]): number {
  return steps.reduce((sum, [, energyWh]) => sum + energyWh, 0)
}
