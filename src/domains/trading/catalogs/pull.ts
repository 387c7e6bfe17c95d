import { z } from 'zod'
import type { Row } from '../../../daemon/domain.ts'
import type { MessageId, PeerId, TransactionId } from '../../../kernel/ids.ts'
import { type Draft, type JsonObject, outcome } from '../../../kernel/outcome.ts'
import { canonical } from '../../../protocol/canonical.ts'
import { decode } from '../../../protocol/decode.ts'
import type { Envelope } from '../../../protocol/envelope.ts'
import { MAX_GOSSIP_BYTES } from '../../../protocol/limits.ts'
import { verify } from '../../../protocol/verify.ts'
import { catalogId, readCatalog } from '../beckn/catalog-body.ts'
import { becknContext, typeOf } from '../beckn/context.ts'
import { readMessage } from '../beckn/context-check.ts'
import { isRefusal } from '../beckn/error.ts'
import type { Pull, TradingFact } from '../trade.ts'
import { type Incoming, type OwnOutcome, refuse, type Trader, type TradingOutcome, transactionOf } from '../trader.ts'
import { keepCatalog, publishDraft } from './publish.ts'

/** The answer to a pull. Not an action of Beckn: there, a server would call back with catalogs it vouches for. */
export const PAGE_TYPE = 'catalog.page'

/** Neighbours asked within that time, however many connect. */
const MAX_PULLS = 3
const PULLS_WITHIN_MS = 10 * 60_000
/** Half of what a stream carries, so that the frame around it always fits. */
const MAX_PAGE_BYTES = 512 * 1024
const MAX_PAGE_CATALOGS = 200
const MAX_PAGES = 100
/** What a request names as known: two hundred kilobytes. */
const MAX_KNOWN = 2_000
/** No forgery: clocks differ a little, and what was good when the neighbour looked may be over. */
const CLOCKS: ReadonlySet<string> = new Set(['ENV_EXPIRED', 'ENV_FROM_FUTURE'])

const pullSchema = z.looseObject({
  mode: z.enum(['FULL', 'INCREMENTAL']),
  limit: z.int().min(1).optional(),
  /** Ours: the catalogs the asker has, and the seller after whom the page begins. */
  knownCatalogIds: z.array(z.string().max(128)).max(MAX_KNOWN).optional(),
  after: z.string().max(64).optional(),
})

const pageSchema = z.strictObject({
  request: z.uuid(),
  /** Signed envelopes of catalog/publish, each as its seller wrote it. */
  envelopes: z.array(z.string().max(MAX_GOSSIP_BYTES)).max(MAX_PAGE_CATALOGS),
  /** There is more after this seller. */
  next: z.string().max(64).optional(),
})

/**
 * How a late joiner gets the catalogs it missed: it asks a neighbour, who answers with what the sellers themselves have
 * signed. So nobody has to trust the neighbour; at worst it leaves something out, and others are asked too. What is
 * under way is kept in memory only: after a restart the next neighbour is asked.
 */
export function createPulls(trader: Trader) {
  const { store } = trader

  function askedLately(): readonly PeerId[] {
    const sinceMs = trader.now() - PULLS_WITHIN_MS
    return store.pulled().flatMap(({ peer, atMs }) => (atMs > sinceMs ? [peer] : []))
  }

  /** Whether that neighbour is to be asked: enough others were not, lately, and it is not asked already. */
  function isWanted(peer: PeerId): boolean {
    return askedLately().length < MAX_PULLS && store.pull(peer) === undefined
  }

  /** A peer of our zone has connected: asks it, unless enough others were asked lately. */
  function joined(peer: PeerId): OwnOutcome {
    if (!isWanted(peer)) return outcome()
    const { fact, draft } = ask(peer, { pagesLeft: MAX_PAGES, after: '' })
    return outcome<TradingFact>([fact, { kind: 'trading.pulled', peer, atMs: trader.now() }], [draft])
  }

  function ask(peer: PeerId, { pagesLeft, after }: Omit<Pull, 'request'>): { fact: TradingFact; draft: Draft } {
    const draft = pullDraft(trader, peer, after)
    const pull: Pull = { request: draft.id as MessageId, pagesLeft: pagesLeft - 1, after }
    return { fact: { kind: 'trading.pull', peer, pull }, draft }
  }

  /** A neighbour asks: a page of what others have signed, and this peer's own catalog as it would publish it. */
  function pull(_: Trader, { envelope, body }: Incoming): TradingOutcome {
    const asker = envelope.sender_id
    if (!trader.rates.pulls.take(asker))
      return refuse({ code: 'AUT_RATE_LIMITED', message: 'too many pulls; go on later' })
    const parsed = pullSchema.safeParse(body.message)
    if (!parsed.success) return refuse({ code: 'SCH_INVALID', message: parsed.error.issues[0]?.message ?? 'no pull' })
    const { knownCatalogIds = [], after = '' } = parsed.data
    const known = new Set(knownCatalogIds)
    const page = pageFor(trader, { asker, known, after })
    const own = store.catalog(trader.self)
    const said = own !== undefined && after === '' && own.validUntilMs > trader.now() && !known.has(catalogId(own))
    return outcome([], [pageDraft(trader, envelope, page), ...(said ? [publishDraft(trader, own, asker)] : [])])
  }

  /** The neighbour's answer: each catalog is checked as if its seller had sent it. */
  function page(envelope: Envelope, payload: JsonObject): TradingOutcome {
    const neighbour = envelope.sender_id
    const asked = store.pull(neighbour)
    const parsed = pageSchema.safeParse(payload)
    if (!parsed.success || asked?.request !== parsed.data.request)
      return refuse({ code: 'CTX_TRANSACTION_ID_UNKNOWN', message: 'this answers no pull of this peer' })
    const { envelopes, next } = parsed.data
    const facts = envelopes.map(text => genuine(trader, text))
    // A neighbour that passes on what nobody has signed is asked nothing more.
    const forged = facts.some(one => one === undefined)
    const catalogs = newest(facts.flatMap(one => one ?? []))
    if (forged || next === undefined || next <= asked.after || asked.pagesLeft <= 0)
      return outcome<TradingFact>([...catalogs, { kind: 'trading.pull', peer: neighbour, pull: undefined }])
    const { fact, draft } = ask(neighbour, { pagesLeft: asked.pagesLeft, after: next })
    return outcome<TradingFact>([...catalogs, fact], [draft])
  }

  const row: Row<TradingFact> = {
    carriers: ['stream'],
    stream: 'peers',
    sealed: false,
    kept: false,
    payload: z.looseObject({}),
    handle: page,
  }
  return {
    isWanted,
    joined,
    pull,
    pageRow: [PAGE_TYPE, row] as const,
    /** The request was refused, or nobody took it: the next that connects is asked in its place. */
    unanswered(peer: PeerId | undefined): OwnOutcome {
      if (peer === undefined || store.pull(peer) === undefined) return outcome()
      return outcome<TradingFact>([
        { kind: 'trading.pull', peer, pull: undefined },
        { kind: 'trading.pulled', peer, atMs: undefined },
      ])
    },
    /** It has left: should it come back, it may be asked again. */
    left(peer: PeerId): OwnOutcome {
      return store.pull(peer) === undefined
        ? outcome()
        : outcome<TradingFact>([{ kind: 'trading.pull', peer, pull: undefined }])
    },
  }
}

/** Of each seller the highest version: every catalog of a page was compared with what was kept before the page. */
function newest(facts: readonly TradingFact[]): TradingFact[] {
  const versions = new Map<PeerId, number>()
  for (const { seller, version } of facts.flatMap(said))
    versions.set(seller, Math.max(version, versions.get(seller) ?? 0))
  return facts.filter(fact => said(fact).every(({ seller, version }) => versions.get(seller) === version))
}

function said(fact: TradingFact): { seller: PeerId; version: number }[] {
  if (fact.kind === 'trading.catalog') return [fact.catalog]
  return fact.kind === 'trading.catalog.signed' ? [fact] : []
}

function pullDraft(trader: Trader, peer: PeerId, after: string): Draft {
  const id = trader.newId() as MessageId
  const transactionId = trader.newId() as TransactionId
  const { self: buyer, networkId } = trader
  const context = becknContext({
    action: 'catalog/pull',
    networkId,
    buyer,
    sender: buyer,
    receiver: peer,
    transactionId,
    messageId: id,
    nowMs: trader.now(),
    ttlMs: trader.stepTimeoutMs,
  })
  const known = knownIds(trader)
  const message = {
    mode: known.length === 0 ? 'FULL' : 'INCREMENTAL',
    filters: { networkIds: [networkId] },
    limit: MAX_PAGE_CATALOGS,
    ...(known.length === 0 ? {} : { knownCatalogIds: known }),
    ...(after === '' ? {} : { after }),
  }
  const payload = { context, message }
  const how = { carrier: 'stream', ttlMs: trader.stepTimeoutMs } as const
  return { id, type: typeOf('catalog/pull'), subjectId: transactionId, to: peer, payload, ...how }
}

/** Known whole, that is: of what was only answered to a search, a part may be missing. */
function knownIds(trader: Trader): string[] {
  return trader.store.index
    .catalogs()
    .filter(({ seller, version }) => trader.store.signedCatalog(seller)?.version === version)
    .slice(0, MAX_KNOWN)
    .map(catalogId)
}

interface Page {
  readonly envelopes: string[]
  readonly next?: string
}

function pageFor(trader: Trader, how: { asker: PeerId; known: ReadonlySet<string>; after: string }): Page {
  const now = trader.now()
  const sellers = trader.store.index
    .catalogs()
    .filter(one => one.seller > how.after && one.validUntilMs > now && !how.known.has(catalogId(one)))
    .map(({ seller }) => seller)
    .filter(seller => seller !== how.asker && seller !== trader.self)
    .sort()
  const envelopes: string[] = []
  let bytes = 0
  for (const [i, seller] of sellers.entries()) {
    const kept = trader.store.signedCatalog(seller)
    if (kept === undefined || kept.envelope.expires <= now) continue
    const text = canonical(kept.envelope)
    bytes += Buffer.byteLength(text)
    const previous = sellers[i - 1]
    if ((bytes > MAX_PAGE_BYTES || envelopes.length >= MAX_PAGE_CATALOGS) && previous !== undefined)
      return { envelopes, next: previous }
    envelopes.push(text)
  }
  return { envelopes }
}

function pageDraft(trader: Trader, asked: Envelope, { envelopes, next }: Page): Draft {
  const payload = { request: asked.id, envelopes, ...(next === undefined ? {} : { next }) }
  const draft = { type: PAGE_TYPE, subjectId: asked.task_id, to: asked.sender_id, replyTo: asked.id, payload }
  return { ...draft, id: trader.newId() as MessageId, carrier: 'stream', ttlMs: trader.stepTimeoutMs }
}

/** What follows from a catalog that came by way of a neighbour; undefined: its seller has not signed it like this. */
function genuine(trader: Trader, text: string): readonly TradingFact[] | undefined {
  const decoded = decode(Buffer.from(text), MAX_GOSSIP_BYTES)
  if (!decoded.ok) return undefined
  const { envelope } = decoded
  const receiver = { peerId: trader.self, network: trader.networkId }
  const rejected = verify(decoded, receiver, trader.now())
  if (rejected !== undefined) return CLOCKS.has(rejected.code) ? [] : undefined
  const { id, sender_id: sender, to: receiverId } = envelope
  const transactionId = transactionOf(envelope)
  const said = { action: 'catalog/publish', id, sender, receiver: receiverId, transactionId } as const
  const body = readMessage(envelope.payload, said, trader)
  if (envelope.type !== typeOf('catalog/publish') || isRefusal(body)) return undefined
  if (sender === trader.self) return []
  return keepCatalog(trader, readCatalog(body.message, sender), envelope).facts
}
