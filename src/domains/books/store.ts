import type { PeerId } from '../../kernel/ids.ts'
import type { Receipt } from '../../protocol/contract.ts'
import { createDocuments, type Documents } from '../../storage/documents.ts'
import { applyBy, type Db, type Kept, type StoreTools, type Writers } from '../../storage/kept.ts'
import type { AgreedContract, BooksFact } from './facts.ts'
import type { LedgerBatch, Posting } from './ledger.ts'
import type { Statement, StatementProposal } from './signed-statement.ts'

/** What the books are read by. */
export interface BooksRead {
  /** Contracts about the slot that begins then, settled ones too. */
  agreedOfSlot(startMs: number): AgreedContract[]
  /** Contracts that are not settled yet. */
  unsettled(): AgreedContract[]
  /** Those of them whose slot begins in `from ≤ start < before`. */
  unsettledBetween(fromMs: number, beforeMs: number): AgreedContract[]
  batches(limit: number): LedgerBatch[]
  batchesWith(peer: PeerId): LedgerBatch[]
  accounts(): Posting[]
  accountMicro(account: string): number
  receipts(limit: number): Receipt[]
  statements(limit: number): Statement[]
  statementsWith(peer: PeerId): Statement[]
  /** What this peer has proposed to that one last. */
  proposedStatement(peer: PeerId): StatementProposal | undefined
}

/** Receipts that are kept, the newest first: they are everybody's, and strangers make as many as they like. */
const MAX_RECEIPTS = 20_000
const DAY_MS = 24 * 60 * 60_000

/** What was agreed before the books kept it themselves stands in the trades. */
export const booksMigrations: readonly string[] = [
  `INSERT OR IGNORE INTO documents (kind, key, state, owner, rank, updated, body)
   SELECT 'agreed', (body ->> '$.counterparty') || '/' || (body ->> '$.terms.contractId'),
     CASE state WHEN 'active' THEN 'open' ELSE 'settled' END,
     body ->> '$.counterparty', body ->> '$.slot.startMs', updated,
     json_object(
       'contractId', body ->> '$.terms.contractId', 'role', body ->> '$.role', 'counterparty', body ->> '$.counterparty',
       'slot', json(body -> '$.slot'), 'energyWh', body -> '$.energyWh', 'priceMicro', body -> '$.priceMicro')
   FROM documents WHERE kind = 'trade' AND state IN ('active', 'settled') AND body ->> '$.terms.contractId' IS NOT NULL;`,
]

type State = 'open' | 'settled'

interface Books {
  readonly agreed: Documents<AgreedContract>
  readonly batches: Documents<LedgerBatch>
  /** Balances, kept with each entry: adding up years of books at every sale would take too long. */
  readonly accounts: Documents<Posting>
  readonly receipts: Documents<Receipt>
  readonly statements: Documents<Statement>
  readonly proposals: Documents<StatementProposal>
  now(): number
}

/** The ledger, what it is about, and the papers both have signed. */
export function booksStore(
  db: Db,
  { now }: StoreTools,
  { receiptDays }: { readonly receiptDays: number },
): Kept<BooksFact, BooksRead> {
  const books: Books = {
    agreed: createDocuments(db, 'agreed'),
    batches: createDocuments(db, 'ledger'),
    accounts: createDocuments(db, 'account'),
    receipts: createDocuments(db, 'receipt'),
    statements: createDocuments(db, 'statement'),
    proposals: createDocuments(db, 'statement.proposed'),
    now,
  }
  return {
    apply: applyBy(writersOf(books)),
    /** The books and what they are about stay; receipts of others do not. */
    forget(nowMs) {
      books.receipts.prune([''], nowMs - receiptDays * DAY_MS)
      books.receipts.keepNewest(MAX_RECEIPTS)
      return false
    },
    read: readOf(books),
  }
}

function writersOf(books: Books): Writers<BooksFact> {
  const { agreed, receipts, statements, proposals, now } = books
  return {
    'books.agreed': ({ contract }) => keep(contract, 'open', books),
    'books.released': ({ counterparty, contractId }) => agreed.remove(keyOf(counterparty, contractId)),
    'books.entry': ({ batch }) => book(batch, books),
    // The hash alone is not enough: a stranger can put another's contract hash into a receipt of his own.
    'books.receipt': ({ receipt }) => {
      const { contractHash, buyer, seller } = receipt.body
      receipts.put({ key: `${contractHash}/${buyer}/${seller}`, body: receipt }, now())
    },
    'books.statement': ({ counterparty, statement }) => {
      const key = `${counterparty}/${statement.body.sequence}`
      statements.put({ key, owner: counterparty, rank: statement.body.sequence, body: statement }, now())
      proposals.remove(counterparty)
    },
    'books.proposal': ({ counterparty, proposal }) => proposals.put({ key: counterparty, body: proposal }, now()),
  }
}

function keep(contract: AgreedContract, state: State, { agreed, now }: Books): void {
  const { counterparty, contractId, slot } = contract
  const key = keyOf(counterparty, contractId)
  agreed.put({ key, state, owner: counterparty, rank: slot.startMs, body: contract }, now())
}

function book(batch: LedgerBatch, books: Books): void {
  const { agreed, batches, accounts, now } = books
  const key = keyOf(batch.counterparty, batch.id)
  // Nothing is booked twice.
  if (batches.get(key) !== undefined) return
  batches.put({ key, owner: batch.counterparty, rank: batch.atMs, body: batch }, now())
  for (const { account, micro } of batch.postings)
    accounts.put({ key: account, body: { account, micro: (accounts.get(account)?.micro ?? 0) + micro } }, now())
  const contract = agreed.get(key)
  if (contract !== undefined) keep(contract, 'settled', books)
}

/** Contract ids are made by sellers, so they count for their counterparty. */
function keyOf(counterparty: PeerId, contractId: string): string {
  return `${counterparty}/${contractId}`
}

function readOf({ agreed, batches, accounts, receipts, statements, proposals }: Books): BooksRead {
  return {
    agreedOfSlot: startMs => (['open', 'settled'] as const).flatMap(state => agreed.inStateAt(state, startMs)),
    unsettled: () => agreed.inState('open'),
    unsettledBetween: (fromMs, beforeMs) => agreed.inStateBetween('open', fromMs, beforeMs),
    batches: limit => batches.all(limit),
    batchesWith: peer => batches.ownedBy(peer),
    accounts: () => accounts.all(),
    accountMicro: account => accounts.get(account)?.micro ?? 0,
    receipts: limit => receipts.all(limit),
    statements: limit => statements.all(limit),
    statementsWith: peer => statements.ownedBy(peer),
    proposedStatement: peer => proposals.get(peer),
  }
}
