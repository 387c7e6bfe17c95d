import type { PeerId, TransactionId } from '../../kernel/ids.ts'
import { slotEndMs } from '../../kernel/slot.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import { createDocuments, type Documents } from '../../storage/documents.ts'
import { applyBy, type Db, type Kept, type StoreTools, type Writers } from '../../storage/kept.ts'
import { type CatalogIndex, createCatalogIndex } from './catalog-index.ts'
import {
  type Catalog,
  type Need,
  OPEN_STATES,
  type Pull,
  type SignedCatalog,
  type Trade,
  type TradingFact,
} from './trade.ts'

/** What the flows read. */
export interface TradingStore {
  catalog(seller: PeerId): Catalog | undefined
  catalogs(): Catalog[]
  /** The seller's own signed announcement of the catalog kept last. */
  signedCatalog(seller: PeerId): { readonly version: number; readonly envelope: Envelope } | undefined
  purchase(transactionId: TransactionId): Trade | undefined
  /** A sale belongs to its buyer: nobody occupies a transaction id he has overheard. */
  sale(transactionId: TransactionId, buyer: PeerId): Trade | undefined
  /** Either, for a person who knows the id; a purchase first. */
  trade(transactionId: TransactionId): Trade | undefined
  tradesInState(state: Trade['state']): Trade[]
  tradesOfSlot(state: Trade['state'], startMs: number): Trade[]
  /** This peer's sales from that offer that hold its energy: reserved, agreed or settled. */
  tradesOfOffer(offerId: string): Trade[]
  /** This peer's purchases for that need. */
  tradesOfNeed(needId: string): Trade[]
  /** When the first open trade runs out that is not moved on by then. */
  firstDeadlineMs(): number | undefined
  /** Open trades whose deadline has passed, the oldest first. */
  overdue(nowMs: number, limit: number): Trade[]
  /** Agreed trades that nobody has begun to settle, those whose slot begins first, first. */
  unsettled(limit: number): Trade[]
  /** Agreed trades being settled, those due first, first. */
  settling(limit: number): Trade[]
  need(id: string): Need | undefined
  needsInState(state: Need['state']): Need[]
  /** The catalogs in memory, found by slot. */
  readonly index: Pick<CatalogIndex, 'query' | 'catalog' | 'catalogs' | 'firstEndMs' | 'size'>
  /** Whether a cancellation has come before the trade it ends. */
  isOvertaken(transactionId: TransactionId, buyer: PeerId): boolean
  /** Pulls under way, by the neighbour asked. */
  pull(peer: PeerId): Pull | undefined
  /** Neighbours asked for what was missed, and when. */
  pulled(): readonly { readonly peer: PeerId; readonly atMs: number }[]
}

/** What people are told, beside what the flows read. */
export interface TradingRead extends TradingStore {
  catalogCount(): number
  trades(limit: number): Trade[]
  needs(limit: number): Need[]
  counts(): { readonly trades: Record<string, number>; readonly needs: Record<string, number> }
}

const DAY_MS = 24 * 60 * 60_000
/** Longer than a select is valid anywhere, clocks that disagree counted. */
const OVERTAKEN_MS = 10 * 60_000
/** Strangers choose the ids: the oldest is forgotten first. */
const MAX_OVERTAKEN = 1_000
const MAX_PULLED = 256

type TradingWriters = Writers<TradingFact>

/** An open trade's deadline, found by the moment: strangers open trades, and after each change it is asked which is first. */
interface TradeDeadline {
  readonly key: string
  readonly atMs: number
}

export const tradingMigrations: readonly string[] = [
  `INSERT OR IGNORE INTO documents (kind, key, rank, updated, body)
   SELECT 'deadline', key, body ->> '$.deadlineMs', updated, json_object('key', key, 'atMs', body -> '$.deadlineMs')
   FROM documents WHERE kind = 'trade' AND state IN ('selecting', 'quoted', 'reserved', 'confirming');`,
]

/** The market as this peer knows it, and its own trades and needs. */
export function tradingStore(
  db: Db,
  tools: StoreTools,
  { journalDays }: { readonly journalDays: number },
): Kept<TradingFact, TradingRead> {
  const tables = tradingTables(db, tools)
  const { catalogs, signedCatalogs, trades, needs } = tables
  return {
    apply: applyBy<TradingFact>(writersOf(tables, tools)),
    /** Forgets what ended long ago, and what came to nothing yesterday; agreed contracts stay. */
    forget(nowMs) {
      const endedMs = nowMs - journalDays * DAY_MS
      trades.prune(['expired', 'refused'], nowMs - DAY_MS)
      trades.prune(['cancelled'], endedMs)
      needs.prune(['bought', 'part', 'failed'], endedMs)
      catalogs.prune([''], nowMs - DAY_MS)
      signedCatalogs.prune([''], nowMs - DAY_MS)
      return false
    },
    read: {
      ...catalogReads(tables),
      ...tradeReads(tables, db),
      need: id => needs.get(id),
      needs: limit => needs.all(limit),
      needsInState: state => needs.inState(state),
      counts: () => ({ trades: trades.countByState(), needs: needs.countByState() }),
      isOvertaken: (id, buyer) => (tables.overtaken.get(saleKey(id, buyer)) ?? 0) > tools.now(),
    },
  }
}

type Tables = ReturnType<typeof tradingTables>

function tradingTables(db: Db, tools: StoreTools) {
  const catalogs = createDocuments<Catalog>(db, 'catalog')
  return {
    catalogs,
    signedCatalogs: createDocuments<SignedCatalog>(db, 'catalog.signed'),
    trades: createDocuments<Trade>(db, 'trade'),
    deadlines: createDocuments<TradeDeadline>(db, 'deadline'),
    deliveries: createDocuments<string>(db, 'delivery'),
    needs: createDocuments<Need>(db, 'need'),
    overtaken: tools.memory<string, number>(MAX_OVERTAKEN),
    pulls: tools.memory<PeerId, Pull>(MAX_PULLED),
    pulledAt: tools.memory<PeerId, number>(MAX_PULLED),
    index: createKeptIndex(catalogs, tools),
  }
}

function writersOf(tables: Tables, { now }: StoreTools): TradingWriters {
  const { catalogs, signedCatalogs, trades, deadlines, deliveries, needs, overtaken, pulls, pulledAt, index } = tables
  return {
    'trading.catalog': ({ catalog }) => {
      // The index first: should it be read from the rows now, they are still those it goes back to.
      index.put(catalog)
      catalogs.put({ key: catalog.seller, body: catalog }, now())
    },
    'trading.catalog.signed': ({ seller, version, envelope }) =>
      signedCatalogs.put({ key: seller, body: { version, envelope } }, now()),
    'trading.catalog.over': ({ seller }) => index.remove(seller),
    'trading.trade': ({ trade }) => {
      const key = keyOf(trade)
      trades.put({ key, state: trade.state, owner: ownerOf(trade), rank: trade.slot.startMs, body: trade }, now())
      const { deadlineMs: atMs } = trade
      if (OPEN_STATES.includes(trade.state)) deadlines.put({ key, rank: atMs, body: { key, atMs } }, now())
      else deadlines.remove(key)
      if (trade.state === 'active') deliveries.put({ key, ...whenToSettle(trade), body: key }, now())
      else deliveries.remove(key)
    },
    'trading.need': ({ need }) => needs.put({ key: need.id, state: need.state, body: need }, now()),
    'trading.overtaken': ({ transactionId, buyer }) =>
      void overtaken.set(saleKey(transactionId, buyer), now() + OVERTAKEN_MS),
    'trading.pull': ({ peer, pull }) => {
      if (pull === undefined) pulls.delete(peer)
      else pulls.set(peer, pull)
    },
    'trading.pulled': ({ peer, atMs }) => {
      if (atMs === undefined) pulledAt.delete(peer)
      else pulledAt.set(peer, atMs)
    },
  }
}

function catalogReads({ catalogs, signedCatalogs, pulls, pulledAt, index }: Tables) {
  return {
    catalog: (seller: PeerId) => catalogs.get(seller),
    catalogs: () => catalogs.all(),
    catalogCount: () => catalogs.count(),
    signedCatalog: (seller: PeerId) => signedCatalogs.get(seller),
    index,
    pull: (peer: PeerId) => pulls.get(peer),
    pulled: () => [...pulledAt].map(([peer, atMs]) => ({ peer, atMs })),
  }
}

function tradeReads({ trades, deadlines, deliveries }: Tables, db: Db) {
  // '0' follows '/': every sale of that transaction id, whoever buys.
  const saleOf = db.prepare(
    `SELECT body FROM documents WHERE kind = 'trade' AND key > ? || '/' AND key < ? || '0' LIMIT 1`,
  )
  const inDelivery = (state: 'waiting' | 'settling', limit: number): Trade[] =>
    deliveries.inState(state, limit).flatMap(key => trades.get(key) ?? [])

  /** Whichever this peer has of that id, a purchase first: for people, who do not say which. */
  function trade(id: TransactionId): Trade | undefined {
    const purchase = trades.get(id)
    if (purchase !== undefined) return purchase
    const row = saleOf.get(id, id)
    return row === undefined ? undefined : (JSON.parse(String(row['body'])) as Trade)
  }

  return {
    purchase: (id: TransactionId) => trades.get(id),
    sale: (id: TransactionId, buyer: PeerId) => trades.get(saleKey(id, buyer)),
    trade,
    trades: (limit: number) => trades.all(limit),
    tradesInState: (state: Trade['state']) => trades.inState(state),
    tradesOfSlot: (state: Trade['state'], startMs: number) => trades.inStateAt(state, startMs),
    tradesOfOffer: (offerId: string) => trades.ownedBy(`offer/${offerId}`),
    tradesOfNeed: (needId: string) => trades.ownedBy(`need/${needId}`),
    firstDeadlineMs: () => deadlines.inState('', 1)[0]?.atMs,
    overdue: (nowMs: number, limit: number) =>
      deadlines
        .inState('', limit)
        .filter(({ atMs }) => atMs <= nowMs)
        .flatMap(({ key }) => trades.get(key) ?? []),
    unsettled: (limit: number) => inDelivery('waiting', limit),
    settling: (limit: number) => inDelivery('settling', limit),
  }
}

/** The catalogs in memory; they are read when they are first needed, and change with their rows. */
function createKeptIndex(catalogs: Documents<Catalog>, { undo }: StoreTools): CatalogIndex {
  let index: CatalogIndex | undefined
  const opened = (): CatalogIndex => {
    index ??= createCatalogIndex(catalogs.all())
    return index
  }
  /** Puts back what was known of a seller before. */
  function restoring(seller: PeerId): void {
    const before = opened().catalog(seller)
    undo(() => (before === undefined ? opened().remove(seller) : opened().put(before)))
  }
  return {
    put(catalog) {
      restoring(catalog.seller)
      opened().put(catalog)
    },
    remove(seller) {
      restoring(seller)
      opened().remove(seller)
    },
    query: filter => opened().query(filter),
    catalog: seller => opened().catalog(seller),
    catalogs: () => opened().catalogs(),
    firstEndMs: () => opened().firstEndMs(),
    size: () => opened().size(),
  }
}

/** Of one transaction id there is one purchase, and a sale for each buyer that names it. */
function keyOf(trade: Trade): string {
  return trade.role === 'buyer' ? trade.transactionId : saleKey(trade.transactionId, trade.counterparty)
}

function saleKey(id: TransactionId, buyer: PeerId): string {
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
    ? { state: 'waiting', rank: slotEndMs(slot) }
    : { state: 'settling', rank: settling.nextMs }
}
