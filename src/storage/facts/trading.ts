import type { DatabaseSync } from 'node:sqlite'
import type { LedgerBatch, Posting } from '../../domains/trading/settlement/ledger.ts'
import type { Receipt } from '../../domains/trading/settlement/receipt.ts'
import type { Statement, StatementProposal } from '../../domains/trading/settlement/signed-statement.ts'
import type { Catalog, Need, Trade, TradingFact } from '../../domains/trading/trade.ts'
import type { PeerId, TaskId } from '../../kernel/ids.ts'
import { createDocuments } from '../documents.ts'

type Fact<Kind extends TradingFact['kind']> = Extract<TradingFact, { kind: Kind }>

/** Receipts that are kept, the newest first: they are everybody's, and strangers make as many as they like. */
const MAX_RECEIPTS = 20_000

/** What `trading` writes and reads: the market, its trades, and the books they end in. */
export function tradingFacts(db: DatabaseSync, now: () => number) {
  const catalogs = createDocuments<Catalog>(db, 'catalog')
  const signedCatalogs = createDocuments<Pick<Fact<'catalog.signed'>, 'version' | 'envelope'>>(db, 'catalog.signed')
  const trades = createDocuments<Trade>(db, 'trade')
  const deliveries = createDocuments<string>(db, 'delivery')
  const needs = createDocuments<Need>(db, 'need')
  const batches = createDocuments<LedgerBatch>(db, 'ledger')
  /** Balances, kept with each entry: adding up years of books at every sale would take too long. */
  const accounts = createDocuments<Posting>(db, 'account')
  const receipts = createDocuments<Receipt>(db, 'receipt')
  const statements = createDocuments<Statement>(db, 'statement')
  const proposals = createDocuments<StatementProposal>(db, 'statement.proposed')
  // '0' follows '/': every sale of that transaction id, whoever buys.
  const saleOf = db.prepare(
    `SELECT body FROM documents WHERE kind = 'trade' AND key > ? || '/' AND key < ? || '0' LIMIT 1`,
  )

  const inDelivery = (state: 'waiting' | 'settling', limit: number): Trade[] =>
    deliveries.inState(state, limit).flatMap(key => trades.get(key) ?? [])

  return {
    writers: {
      catalog: ({ catalog }: Fact<'catalog'>) => catalogs.put({ key: catalog.seller, body: catalog }, now()),
      'catalog.signed': ({ seller, version, envelope }: Fact<'catalog.signed'>) =>
        signedCatalogs.put({ key: seller, body: { version, envelope } }, now()),
      trade({ trade }: Fact<'trade'>) {
        const key = keyOf(trade)
        trades.put({ key, state: trade.state, owner: ownerOf(trade), rank: trade.slot.startMs, body: trade }, now())
        if (trade.state === 'active') deliveries.put({ key, ...whenToSettle(trade), body: key }, now())
        else deliveries.remove(key)
      },
      need: ({ need }: Fact<'need'>) => needs.put({ key: need.id, state: need.state, body: need }, now()),
      // Contract ids are made by sellers, so they count for their counterparty; and nothing is booked twice.
      ledger({ batch }: Fact<'ledger'>) {
        const key = `${batch.counterparty}/${batch.id}`
        if (batches.get(key) !== undefined) return
        batches.put({ key, owner: batch.counterparty, rank: batch.atMs, body: batch }, now())
        for (const { account, micro } of batch.postings)
          accounts.put({ key: account, body: { account, micro: (accounts.get(account)?.micro ?? 0) + micro } }, now())
      },
      // The hash alone is not enough: a stranger can put another's contract hash into a receipt of his own.
      receipt({ receipt }: Fact<'receipt'>) {
        const { contractHash, buyer, seller } = receipt.body
        receipts.put({ key: `${contractHash}/${buyer}/${seller}`, body: receipt }, now())
      },
      statement({ counterparty, statement }: Fact<'statement'>) {
        const key = `${counterparty}/${statement.body.sequence}`
        statements.put({ key, owner: counterparty, rank: statement.body.sequence, body: statement }, now())
        proposals.remove(counterparty)
      },
      'statement.proposed': ({ counterparty, proposal }: Fact<'statement.proposed'>) =>
        proposals.put({ key: counterparty, body: proposal }, now()),
    },
    /** Forgets what ended before `ended`, and what came to nothing before `fruitless`; agreed contracts and the books stay. */
    forget({ ended, fruitless }: { ended: number; fruitless: number }): void {
      trades.prune(['expired', 'refused'], fruitless)
      trades.prune(['cancelled'], ended)
      needs.prune(['bought', 'part', 'failed'], ended)
      receipts.prune([''], ended)
      receipts.keepNewest(MAX_RECEIPTS)
    },
    readers: {
      catalog: (seller: PeerId) => catalogs.get(seller),
      catalogs: () => catalogs.all(),
      catalogCount: () => catalogs.count(),
      signedCatalog: (seller: PeerId) => signedCatalogs.get(seller),
      forgetCatalogs(beforeMs: number): void {
        catalogs.prune([''], beforeMs)
        signedCatalogs.prune([''], beforeMs)
      },
      purchase: (id: TaskId) => trades.get(id),
      sale: (id: TaskId, buyer: PeerId) => trades.get(saleKey(id, buyer)),
      /** Whichever this peer has of that id, a purchase first: for people, who do not say which. */
      trade(id: TaskId): Trade | undefined {
        const row = trades.get(id) === undefined ? saleOf.get(id, id) : undefined
        return row === undefined ? trades.get(id) : (JSON.parse(String(row['body'])) as Trade)
      },
      trades: (limit: number) => trades.all(limit),
      tradesInState: (state: Trade['state']) => trades.inState(state),
      tradesOfSlot: (state: Trade['state'], startMs: number) => trades.inStateAt(state, startMs),
      tradesOfOffer: (offerId: string) => trades.ownedBy(`offer/${offerId}`),
      tradesOfNeed: (needId: string) => trades.ownedBy(`need/${needId}`),
      unsettled: (limit: number) => inDelivery('waiting', limit),
      settling: (limit: number) => inDelivery('settling', limit),
      need: (id: string) => needs.get(id),
      needs: (limit: number) => needs.all(limit),
      needsInState: (state: Need['state']) => needs.inState(state),
      batches: (limit: number) => batches.all(limit),
      accounts: () => accounts.all(),
      accountMicro: (account: string) => accounts.get(account)?.micro ?? 0,
      batchesWith: (peer: PeerId) => batches.ownedBy(peer),
      receipts: (limit: number) => receipts.all(limit),
      statements: (limit: number) => statements.all(limit),
      statementsWith: (peer: PeerId) => statements.ownedBy(peer),
      proposedStatement: (peer: PeerId) => proposals.get(peer),
      counts: () => ({ trades: trades.countByState(), needs: needs.countByState() }),
    },
  }
}

/** Of one transaction id there is one purchase, and a sale for each buyer that names it. */
function keyOf(trade: Trade): string {
  return trade.role === 'buyer' ? trade.transactionId : saleKey(trade.transactionId, trade.counterparty)
}

function saleKey(id: TaskId, buyer: PeerId): string {
  return `${id}/${buyer}`
}

/** States in which a sale holds energy of its offer. */
const HOLDING: ReadonlySet<Trade['state']> = new Set(['reserved', 'active', 'settled'])

/**
 * A seller looks for what holds the energy of an offer, a buyer for what it tried for a need. What came to nothing is
 * not found by its offer: of that, strangers make as much as they like.
 */
function ownerOf(trade: Trade): string {
  if (trade.role === 'buyer') return `need/${trade.needId ?? ''}`
  return HOLDING.has(trade.state) ? `offer/${trade.offerId}` : ''
}

/** First when the slot ends, in market time; then whenever it is tried again, in wall-clock time. */
function whenToSettle({ slot, settling }: Trade): { state: 'waiting' | 'settling'; rank: number } {
  return settling === undefined
    ? { state: 'waiting', rank: slot.startMs + slot.durationMs }
    : { state: 'settling', rank: settling.nextMs }
}
