import { z } from 'zod'
import type { PeerId } from '../../../kernel/ids.ts'
import { type Draft, outcome } from '../../../kernel/outcome.ts'
import type { Envelope } from '../../../protocol/envelope.ts'
import { type Market, refuse, type TradingOutcome } from '../market.ts'
import { type Statement, statementId } from '../settlement/signed-statement.ts'
import { paymentOf } from '../settlement/statement.ts'
import type { TradingFact } from '../trade.ts'
import { bookDraft, bookRow, type Row } from './book-message.ts'

/** Money moves outside of wattmesh; whoever received it says so, and both book it. */
const PAID = 'settlement.paid'
const paidSchema = z.strictObject({ statement: z.string().regex(/^[0-9a-f]{64}$/) })

/**
 * Creditor: the open statement with that peer has been paid, the whole of it. One that is booked as paid is told again
 * and not booked again: the other side may have missed it.
 */
export function paidBy(market: Market, peer: PeerId, micro: number): TradingOutcome {
  const { paid, unpaid } = claims(market, peer)
  const [statement] = unpaid
  const told = paid.findLast(({ body }) => body.amountMicro === micro)
  if (told !== undefined && statement?.body.amountMicro !== micro) return outcome([], [paidDraft(market, peer, told)])
  if (statement === undefined) {
    const message = 'no statement in your favour is open with that peer; propose one with "wattmesh ledger net"'
    return refuse({ code: 'BIZ_INVALID_STATE_TRANSITION', message })
  }
  const { amountMicro } = statement.body
  if (amountMicro !== micro) {
    const message = `the statement is about ${amountMicro} millionths, not ${micro}; a statement is paid as a whole`
    return refuse({ code: 'BIZ_PRICE_MISMATCH', message })
  }
  return outcome([booked(market, statement)], [paidDraft(market, peer, statement)])
}

function paidDraft(market: Market, peer: PeerId, { body }: Statement): Draft {
  return bookDraft(market, peer, PAID, { statement: statementId(body) })
}

/** Debtor: the creditor says that the money came. */
function paid(market: Market, { sender_id: peer }: Envelope, id: string): TradingOutcome {
  const statement = market.store.statementsWith(peer).find(({ body }) => statementId(body) === id)
  if (statement === undefined)
    return refuse({ code: 'BIZ_INVALID_STATE_TRANSITION', message: 'both have signed no such statement' })
  if (statement.body.creditor !== peer)
    return refuse({ code: 'AUT_UNAUTHORIZED_ACTION', message: 'only the creditor says that it was paid' })
  return outcome([booked(market, statement)])
}

function booked(market: Market, statement: Statement): TradingFact {
  return { kind: 'ledger', batch: paymentOf(statement, market.self, market.now()) }
}

/** Statements in this peer's favour that both have signed, the oldest first; those about nothing need no payment. */
function claims(market: Market, peer: PeerId): { paid: Statement[]; unpaid: Statement[] } {
  const payments = new Set(
    market.store
      .batchesWith(peer)
      .filter(({ kind }) => kind === 'payment')
      .map(({ id }) => id),
  )
  const { true: paid = [], false: unpaid = [] } = Object.groupBy(
    market.store
      .statementsWith(peer)
      .filter(({ body }) => body.creditor === market.self && body.amountMicro > 0)
      .toSorted((a, b) => a.body.sequence - b.body.sequence),
    ({ body }) => `${payments.has(statementId(body))}` as const,
  )
  return { paid, unpaid }
}

export function paymentRow(market: Market): Row {
  return bookRow(PAID, paidSchema, (envelope, { statement }) => paid(market, envelope, statement))
}
