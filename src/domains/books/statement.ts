import type { PeerId } from '../../kernel/ids.ts'
import type { Verify } from '../../protocol/contract.ts'
import { balanceWith, type LedgerBatch, neighbourAccount } from './ledger.ts'
import {
  FIRST,
  MAX_CONTRACTS,
  type Statement,
  type StatementBody,
  type StatementProposal,
  statementId,
  statementIsGood,
  statementText,
} from './signed-statement.ts'

/** What a peer's books say about one neighbour. */
export interface Books {
  readonly self: PeerId
  readonly counterparty: PeerId
  readonly currency: string
  /** Everything booked with that neighbour, in any order. */
  readonly batches: readonly LedgerBatch[]
  /** Every statement agreed with it, in any order. */
  readonly statements: readonly Statement[]
}

/** The statement agreed last; undefined: none yet. */
export function lastStatement(statements: readonly Statement[]): Statement | undefined {
  return statements.toSorted((a, b) => a.body.sequence - b.body.sequence).at(-1)
}

/** Settlements no statement covers yet, the oldest first. */
export function openSettlements({ batches, statements }: Pick<Books, 'batches' | 'statements'>): LedgerBatch[] {
  const covered = new Set(statements.flatMap(statement => statement.body.contracts))
  return batches
    .filter(batch => batch.kind === 'settlement' && !covered.has(batch.id))
    .toSorted((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1))
}

/** Nets what is open with a neighbour; undefined when nothing is. Either side may propose. */
export function proposeStatement(
  books: Books,
  atMs: number,
  sign: (text: string) => string,
): StatementProposal | undefined {
  const { self, counterparty, currency } = books
  const open = openSettlements(books).slice(0, MAX_CONTRACTS)
  if (open.length === 0) return undefined
  const owedMicro = balanceWith(open, counterparty)
  const owed = owedMicro === 0 ? self < counterparty : owedMicro > 0
  const [creditor, debtor] = owed ? [self, counterparty] : [counterparty, self]
  const contracts = open.map(batch => batch.id).toSorted()
  const body = { ...following(books), creditor, debtor, amountMicro: Math.abs(owedMicro), currency, contracts, atMs }
  return { body, by: self, signature: sign(statementText(body)) }
}

/** Whether that is the statement that comes next between these two. */
export function isNext(books: Books, { sequence, previous }: StatementBody): boolean {
  const next = following(books)
  return sequence === next.sequence && previous === next.previous
}

function following({ statements }: Books): Pick<StatementBody, 'sequence' | 'previous'> {
  const last = lastStatement(statements)
  return last === undefined
    ? { sequence: 1, previous: FIRST }
    : { sequence: last.body.sequence + 1, previous: statementId(last.body) }
}

/**
 * What stands in the way of a statement that is not among the agreed ones, seen from these books: undefined when it
 * follows the last one, names only settlements both have and no statement covers, and gets the sum right.
 */
function objection(books: Books, body: StatementBody): string | undefined {
  const { self, counterparty } = books
  const parties = [body.creditor, body.debtor]
  if (!parties.includes(self) || !parties.includes(counterparty) || body.creditor === body.debtor)
    return 'it is between other peers'
  if (body.currency !== books.currency) return `it is in ${body.currency}, the books here are in ${books.currency}`
  const { sequence, previous } = following(books)
  if (body.sequence !== sequence) return `statement ${sequence} comes next, this is ${body.sequence}`
  if (body.previous !== previous) return 'it does not follow the statement agreed last'
  const open = new Map(openSettlements(books).map(batch => [batch.id, batch]))
  const named = body.contracts.map(id => open.get(id))
  const unknown = named.indexOf(undefined)
  if (unknown !== -1) return `contract ${body.contracts[unknown]} is not settled here, or in a statement already`
  if (new Set(body.contracts).size !== body.contracts.length) return 'it names a contract twice'
  const owedMicro = balanceWith(named as LedgerBatch[], counterparty)
  const claimedMicro = body.creditor === self ? body.amountMicro : -body.amountMicro
  return owedMicro === claimedMicro ? undefined : `the books here say ${owedMicro}, it says ${claimedMicro} millionths`
}

/**
 * Answers a neighbour's proposal: the statement with both signatures, or the sentence that says why not. A proposal
 * agreed before gets the same statement again. `own`: what this peer has proposed and heard nothing of; of two
 * proposals that cross, the one of the smaller peer id stands, so that both sides keep the same.
 */
export function agreeStatement(
  books: Books,
  proposal: StatementProposal,
  {
    own,
    sign,
    verify,
  }: { readonly own?: StatementProposal | undefined; readonly sign: (text: string) => string; readonly verify: Verify },
): Statement | string {
  const { body, by, signature } = proposal
  const text = statementText(body)
  if (by !== books.counterparty || !verify(by, text, signature)) return 'its signature is not the proposer’s'
  const agreed = books.statements.find(statement => statementText(statement.body) === text)
  if (agreed !== undefined) return agreed
  const why = objection(books, body)
  if (why !== undefined) return why
  const crossed = own?.body.sequence === body.sequence && statementText(own.body) !== text
  if (crossed && books.self < by) return 'another proposal is on its way to you, and stands'
  const mine = sign(text)
  return {
    body,
    signatures: by === body.creditor ? { creditor: signature, debtor: mine } : { creditor: mine, debtor: signature },
  }
}

/**
 * Proposer: takes the statement that came back with both signatures. The same one a second time is fine; undefined: it
 * may be kept, else the sentence that says why not.
 */
export function objectionToAgreed(books: Books, statement: Statement, verify: Verify): string | undefined {
  if (!statementIsGood(statement, verify)) return 'a signature is wrong'
  const text = statementText(statement.body)
  if (books.statements.some(known => statementText(known.body) === text)) return undefined
  return objection(books, statement.body)
}

/**
 * The payment of a statement, as `self` books it once its creditor has said that the money came. Both sides book it,
 * which brings what the statement covers to zero. Throws when `self` is no party.
 */
export function paymentOf({ body }: Statement, self: PeerId, atMs: number): LedgerBatch {
  if (self !== body.creditor && self !== body.debtor) throw new TypeError(`${self} is no party of this statement`)
  const received = self === body.creditor
  const counterparty = received ? body.debtor : body.creditor
  const micro = received ? body.amountMicro : -body.amountMicro
  const postings =
    micro === 0
      ? []
      : [
          { account: 'cash', micro },
          { account: neighbourAccount(counterparty), micro: -micro },
        ]
  const description = `statement ${body.sequence} ${received ? 'paid by the neighbour' : 'paid'}`
  return { id: statementId(body), counterparty, atMs, kind: 'payment', description, postings }
}
