import { z } from 'zod'
import type { PeerId } from '../../kernel/ids.ts'
import { type Draft, outcome } from '../../kernel/outcome.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import { type BookRow, type BooksOutcome, bookDraft, bookRow, refuse } from './book-message.ts'
import type { BooksContext, BooksNeeds } from './context.ts'
import type { BooksFact } from './facts.ts'
import { type Statement, statementId } from './signed-statement.ts'
import { paymentOf } from './statement.ts'

/** Money moves outside of wattmesh; whoever received it says so, and both book it. */
const PAID = 'settlement.paid'
const paidSchema = z.strictObject({ statement: z.string().regex(/^[0-9a-f]{64}$/) })

export interface Payments {
  /**
   * Creditor: the open statement with that peer has been paid, the whole of it; amount in millionths. One that is booked
   * as paid is told again and not booked again: the other side may have missed it.
   */
  paidBy(peer: PeerId, micro: number): BooksOutcome
  readonly row: BookRow
}

export function createPayments(
  { store, self, now, newId }: Pick<BooksContext, 'store' | 'self' | 'now' | 'newId'>,
  { inZone }: Pick<BooksNeeds, 'inZone'>,
): Payments {
  function paidDraft(peer: PeerId, { body }: Statement): Draft {
    return bookDraft({ newId, inZone }, peer, PAID, { statement: statementId(body) })
  }

  /** Debtor: the creditor says that the money came. */
  function paid({ sender_id: peer }: Envelope, id: string): BooksOutcome {
    const statement = store.statementsWith(peer).find(({ body }) => statementId(body) === id)
    if (statement === undefined) return refuse('BIZ_INVALID_STATE_TRANSITION', 'both have signed no such statement')
    if (statement.body.creditor !== peer)
      return refuse('AUT_UNAUTHORIZED_ACTION', 'only the creditor says that it was paid')
    return outcome([booked(statement)])
  }

  function booked(statement: Statement): BooksFact {
    return { kind: 'books.entry', batch: paymentOf(statement, self, now()) }
  }

  /** Statements in this peer's favour that both have signed, the oldest first; those about nothing need no payment. */
  function claims(peer: PeerId): { paid: Statement[]; unpaid: Statement[] } {
    const payments = new Set(
      store
        .batchesWith(peer)
        .filter(({ kind }) => kind === 'payment')
        .map(({ id }) => id),
    )
    const isPaid = ({ body }: Statement): boolean => payments.has(statementId(body))
    const all = store
      .statementsWith(peer)
      .filter(({ body }) => body.creditor === self && body.amountMicro > 0)
      .toSorted((a, b) => a.body.sequence - b.body.sequence)
    return { paid: all.filter(isPaid), unpaid: all.filter(one => !isPaid(one)) }
  }

  return {
    row: bookRow(PAID, paidSchema, (envelope, { statement }) => paid(envelope, statement)),

    paidBy(peer, micro) {
      const { paid: settled, unpaid } = claims(peer)
      const [statement] = unpaid
      const told = settled.findLast(({ body }) => body.amountMicro === micro)
      if (told !== undefined && statement?.body.amountMicro !== micro) return outcome([], [paidDraft(peer, told)])
      if (statement === undefined) {
        const message = 'no statement in your favour is open with that peer; propose one with "wattmesh ledger net"'
        return refuse('BIZ_INVALID_STATE_TRANSITION', message)
      }
      const { amountMicro } = statement.body
      if (amountMicro !== micro) {
        const message = `the statement is about ${amountMicro} millionths, not ${micro}; a statement is paid as a whole`
        return refuse('BIZ_PRICE_MISMATCH', message)
      }
      return outcome([booked(statement)], [paidDraft(peer, statement)])
    },
  }
}
