import { type CaseVerdict, compared, type Yardstick } from '../../kernel/yardstick.ts'
import { auction, resultHash } from './auction.ts'
import { audit, type Finding, type MarketDocuments } from './audit.ts'
import type { Book } from './book.ts'
import { isOrder } from './order.ts'
import { openSigning, promisedWh, type SigningEvent, standingLines, stepSigning } from './signing.ts'

interface AuctionFile {
  readonly judged?: readonly { readonly name: string; readonly order: unknown; readonly valid: boolean }[]
  readonly cases: readonly { readonly kind: string; readonly book: Book; readonly expected: unknown }[]
}

interface AuditFile {
  readonly cases: readonly {
    readonly kind: string
    readonly documents: MarketDocuments
    readonly expected: readonly Finding[]
  }[]
}

interface SigningFile {
  readonly cases: readonly {
    readonly me: string
    readonly steps: readonly { readonly event: SigningEvent; readonly expected: unknown }[]
  }[]
}

/** Books, and what every peer must make of them, to the byte; and orders by themselves. */
export const auctionYardstick: Yardstick = {
  kind: 'auction',
  fits: file => has(file, 'judged') || casesOf(file).some(one => has(one, 'book')),
  *judge(file) {
    const { judged = [], cases } = file as AuctionFile
    for (const { name, order, valid } of judged) yield compared(`order: ${name}`, valid, isOrder(order))
    for (const [i, { kind, book, expected }] of cases.entries()) {
      yield compared(`book ${i}: ${kind}`, expected, outcomeOf(book))
      yield compared(`book ${i}, other order`, expected, outcomeOf(reversed(book)))
    }
  },
}

function outcomeOf(book: Book) {
  const { result, tradedWh, gainsMicroWh, leftWh } = auction(book)
  return { ...result, hash: resultHash(result), tradedWh, gainsMicroWh: String(gainsMicroWh), leftWh }
}

function reversed({ orders, tariffs, ...rest }: Book): Book {
  return { ...rest, orders: orders.toReversed(), tariffs: tariffs.toReversed() }
}

/** Documents of a slot, and what is wrong with them. */
export const auditYardstick: Yardstick = {
  kind: 'audit',
  fits: file => kindOf(file) === 'audit',
  *judge(file) {
    for (const [i, { kind, documents, expected }] of (file as AuditFile).cases.entries())
      yield compared(`${i}: ${kind}`, expected, audit(documents))
  },
}

/** Sequences of events at one peer, and what it says and has promised after each. */
export const signingYardstick: Yardstick = {
  kind: 'signing',
  fits: file => kindOf(file) === 'signing',
  *judge(file) {
    for (const [i, one] of (file as SigningFile).cases.entries()) yield* signed(i, one)
  },
}

function* signed(place: number, { me, steps }: SigningFile['cases'][number]): Generator<CaseVerdict> {
  let state = openSigning(me)
  for (const [i, { event, expected }] of steps.entries()) {
    const step = stepSigning(state, event)
    state = step.state
    const said = { messages: step.messages, promised: promisedWh(state), contracts: standingLines(state) }
    yield compared(`${place}, step ${i}`, expected, said)
  }
}

function kindOf(file: unknown): unknown {
  return has(file, 'cases') ? (file as { readonly kind?: unknown }).kind : undefined
}

function casesOf(file: unknown): readonly unknown[] {
  const cases = has(file, 'cases') ? (file as { readonly cases: unknown }).cases : []
  return Array.isArray(cases) ? cases : []
}

function has(file: unknown, key: string): boolean {
  return typeof file === 'object' && file !== null && key in file
}
