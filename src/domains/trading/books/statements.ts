import { z } from 'zod'
import type { PeerId } from '../../../kernel/ids.ts'
import { type JsonObject, outcome } from '../../../kernel/outcome.ts'
import type { Envelope } from '../../../protocol/envelope.ts'
import { type Market, refuse, type TradingOutcome } from '../market.ts'
import {
  proposalSchema,
  type Statement,
  type StatementProposal,
  statementSchema,
} from '../settlement/signed-statement.ts'
import { agreeStatement, type Books, isNext, objectionToAgreed, proposeStatement } from '../settlement/statement.ts'
import type { TradingFact } from '../trade.ts'
import { bookDraft, bookRow, type Row } from './book-message.ts'

/** Bilateral netting: one side signs what is owed, the other signs it too. */
const PROPOSED = 'settlement.statement'
const AGREED = 'settlement.agreed'

function booksWith(market: Market, counterparty: PeerId): Books {
  const { self, currency, store } = market
  return {
    self,
    counterparty,
    currency,
    batches: store.batchesWith(counterparty),
    statements: store.statementsWith(counterparty),
  }
}

/**
 * Nets everything settled with that peer and not in a statement yet; nothing when there is nothing. What was proposed
 * and not answered is proposed again word for word: the other side may have signed it, and of two of one number each
 * side could keep another.
 */
export function netWith(market: Market, peer: PeerId): TradingOutcome {
  const books = booksWith(market, peer)
  const open = market.store.proposedStatement(peer)
  const again = open !== undefined && isNext(books, open.body)
  const proposal = again ? open : proposeStatement(books, market.now(), market.sign)
  if (proposal === undefined)
    return refuse({ code: 'BIZ_INVALID_STATE_TRANSITION', message: 'nothing is open with that peer' })
  const fact: TradingFact = { kind: 'statement.proposed', counterparty: peer, proposal }
  return outcome([fact], [bookDraft(market, peer, PROPOSED, { proposal: proposal as unknown as JsonObject })])
}

/** The other side: signs it too, if its own books say the same. */
function proposed(market: Market, { sender_id: peer, id }: Envelope, proposal: StatementProposal): TradingOutcome {
  const { sign, verify, store } = market
  const own = store.proposedStatement(peer)
  const statement = agreeStatement(booksWith(market, peer), proposal, { own, sign, verify })
  if (typeof statement === 'string') return refuse({ code: 'BIZ_SETTLEMENT_MISMATCH', message: statement })
  const draft = bookDraft(market, peer, AGREED, { statement: statement as unknown as JsonObject })
  return outcome<TradingFact>([{ kind: 'statement', counterparty: peer, statement }], [{ ...draft, replyTo: id }])
}

/** The proposer: the statement has come back with both signatures. */
function agreed(market: Market, { sender_id: peer }: Envelope, statement: Statement): TradingOutcome {
  const objection = objectionToAgreed(booksWith(market, peer), statement, market.verify)
  if (objection !== undefined) return refuse({ code: 'BIZ_SETTLEMENT_MISMATCH', message: objection })
  return outcome<TradingFact>([{ kind: 'statement', counterparty: peer, statement }])
}

export function statementRows(market: Market): readonly Row[] {
  return [
    bookRow(PROPOSED, z.strictObject({ proposal: proposalSchema }), (envelope, { proposal }) =>
      proposed(market, envelope, proposal),
    ),
    bookRow(AGREED, z.strictObject({ statement: statementSchema }), (envelope, { statement }) =>
      agreed(market, envelope, statement),
    ),
  ]
}
