import { z } from 'zod'
import type { PeerId } from '../../kernel/ids.ts'
import { type JsonObject, outcome } from '../../kernel/outcome.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import { type BookRow, type BooksOutcome, bookDraft, bookRow, refuse } from './book-message.ts'
import type { BooksContext, BooksNeeds } from './context.ts'
import type { BooksFact } from './facts.ts'
import { proposalSchema, type Statement, type StatementProposal, statementSchema } from './signed-statement.ts'
import { agreeStatement, type Books, isNext, objectionToAgreed, proposeStatement } from './statement.ts'

/** Bilateral netting: one side signs what is owed, the other signs it too. */
const PROPOSED = 'settlement.statement'
const AGREED = 'settlement.agreed'

export interface Statements {
  /**
   * Nets everything settled with that peer and not in a statement yet; refuses when there is nothing. What was proposed
   * and not answered is proposed again word for word: the other side may have signed it, and of two of one number each
   * side could keep another.
   */
  netWith(peer: PeerId): BooksOutcome
  readonly rows: readonly BookRow[]
}

type Deps = Pick<BooksContext, 'store' | 'self' | 'options' | 'now' | 'newId' | 'sign' | 'verify'>

export function createStatements(deps: Deps, { inZone }: Pick<BooksNeeds, 'inZone'>): Statements {
  const { store, self, now, newId, sign, verify } = deps
  const { currency } = deps.options.market
  const sender = { newId, inZone }

  function booksWith(counterparty: PeerId): Books {
    return {
      self,
      counterparty,
      currency,
      batches: store.batchesWith(counterparty),
      statements: store.statementsWith(counterparty),
    }
  }

  /** The other side: signs it too, if its own books say the same. */
  function proposed({ sender_id: peer, id }: Envelope, proposal: StatementProposal): BooksOutcome {
    const own = store.proposedStatement(peer)
    const statement = agreeStatement(booksWith(peer), proposal, { own, sign, verify })
    if (typeof statement === 'string') return refuse('BIZ_SETTLEMENT_MISMATCH', statement)
    const draft = bookDraft(sender, peer, AGREED, { statement: statement as unknown as JsonObject })
    return outcome<BooksFact>([{ kind: 'books.statement', counterparty: peer, statement }], [{ ...draft, replyTo: id }])
  }

  /** The proposer: the statement has come back with both signatures. */
  function agreed({ sender_id: peer }: Envelope, statement: Statement): BooksOutcome {
    const objection = objectionToAgreed(booksWith(peer), statement, verify)
    if (objection !== undefined) return refuse('BIZ_SETTLEMENT_MISMATCH', objection)
    return outcome<BooksFact>([{ kind: 'books.statement', counterparty: peer, statement }])
  }

  return {
    netWith(peer) {
      const books = booksWith(peer)
      const open = store.proposedStatement(peer)
      const again = open !== undefined && isNext(books, open.body)
      const proposal = again ? open : proposeStatement(books, now(), sign)
      if (proposal === undefined) return refuse('BIZ_INVALID_STATE_TRANSITION', 'nothing is open with that peer')
      const fact: BooksFact = { kind: 'books.proposal', counterparty: peer, proposal }
      return outcome([fact], [bookDraft(sender, peer, PROPOSED, { proposal: proposal as unknown as JsonObject })])
    },
    rows: [
      bookRow(PROPOSED, z.strictObject({ proposal: proposalSchema }), (envelope, { proposal }) =>
        proposed(envelope, proposal),
      ),
      bookRow(AGREED, z.strictObject({ statement: statementSchema }), (envelope, { statement }) =>
        agreed(envelope, statement),
      ),
    ],
  }
}
