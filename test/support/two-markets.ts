import { createHash } from 'node:crypto'
import { createCatalogIndex } from '../../src/domains/trading/catalog-index.ts'
import { publishDraft } from '../../src/domains/trading/catalogs/publish.ts'
import type { Market, TradingDeps, TradingStore } from '../../src/domains/trading/market.ts'
import { createMarketMemory } from '../../src/domains/trading/memory/market-memory.ts'
import type { Metered } from '../../src/domains/trading/settlement/allocation.ts'
import type { LedgerBatch } from '../../src/domains/trading/settlement/ledger.ts'
import type { Receipt } from '../../src/domains/trading/settlement/receipt.ts'
import type { Statement, StatementProposal } from '../../src/domains/trading/settlement/signed-statement.ts'
import type { Slot } from '../../src/domains/trading/slot.ts'
import type { Catalog, Need, Offer, Trade, TradingFact } from '../../src/domains/trading/trade.ts'
import { createTrading, type Trading } from '../../src/domains/trading/trading.ts'
import type { MessageId, PeerId, TaskId } from '../../src/kernel/ids.ts'
import type { Draft, Outcome } from '../../src/kernel/outcome.ts'
import { seededRandom } from '../../src/kernel/random.ts'
import { decode } from '../../src/protocol/decode.ts'
import type { Envelope, UnsignedEnvelope } from '../../src/protocol/envelope.ts'
import { type Identity, identityFromSeed, verifySignature } from '../../src/protocol/keys.ts'
import { signEnvelope } from '../../src/protocol/sign.ts'

export const START_MS = Date.UTC(2026, 5, 1, 12)
export const SLOT: Slot = { startMs: START_MS + 900_000, durationMs: 900_000 }
export const STEP_MS = 10_000
export const RESERVATION_MS = 30_000
export const SEARCH_MS = 1_000
export const NETWORK = 'test'
/** As a daemon passes its options: with more in them than a contract may hold. */
const SHORTFALL = { penaltyMicro: 50_000, tolerancePercent: 5, slotMs: 900_000 }

/** A message on its way between two parties. */
export interface Sent {
  readonly from: Party
  readonly draft: Draft
}

export interface Party {
  readonly identity: Identity
  readonly self: PeerId
  readonly name: string
  /** For drafts that no honest domain would send. */
  readonly market: Market
  readonly trading: Trading
  readonly store: ReturnType<typeof memoryStore>
  /** What its meter says of a slot; undefined: nothing yet. Every slot reads the same. */
  meter: Metered | undefined
}

export type TownOptions = Partial<Pick<TradingDeps, 'gridFeeMicro' | 'creditLeftMicro'>> & {
  /** By name of the party. */
  readonly limits?: Readonly<Record<string, Partial<TradingDeps['limits']>>>
  /** Peers of other zones, as each party sees them. */
  readonly beyondZone?: (name: string) => readonly PeerId[]
  /** By default everybody is connected to everybody. */
  readonly isConnected?: (peer: PeerId) => boolean
  /** The utilities each party believes, by its name; left out: everybody who says so. */
  readonly utilities?: Readonly<Record<string, readonly PeerId[]>>
}

export const idOf = (name: string): PeerId => identityNamed(name).peerId
const identityNamed = (name: string): Identity => identityFromSeed(createHash('sha256').update(name).digest())

export type Refusals = { to: PeerId; type: string; code: string }[]

/** Peers of one market without a network: drafts are handed from one trading domain to the other, when the test says so. */
export function createTown(names: readonly string[], options: TownOptions = {}) {
  let nowMs = START_MS
  let ids = 0
  const newId = (): string => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`
  const random = seededRandom(7)
  const underWay: Sent[] = []
  const sent: Sent[] = []
  const refusals: Refusals = []
  const clockOffsets = new Map<string, number>()
  const marketOffsets = new Map<string, number>()

  const parties = names.map((name): Party => {
    const identity = identityNamed(name)
    const store = memoryStore()
    const market = {
      self: identity.peerId,
      name,
      networkId: NETWORK,
      currency: 'USD',
      reservationMs: RESERVATION_MS,
      stepTimeoutMs: STEP_MS,
      searchMs: SEARCH_MS,
      store,
      newId,
      random,
      limits: { maxBuyWh: 1_000_000, neighbours: [], avoidPeers: [], ...options.limits?.[name] },
      shortfall: SHORTFALL,
      now: () => nowMs + (clockOffsets.get(name) ?? 0),
      marketNow: () => nowMs + (marketOffsets.get(name) ?? 0),
      sign: identity.sign,
      verify: (peer: PeerId, text: string, signature: string) => verifySignature(peer, text, signature) === true,
      isBelieved: peer => options.utilities?.[name]?.includes(peer) ?? true,
      gridFeeMicro: options.gridFeeMicro ?? (() => 0),
      creditLeftMicro: options.creditLeftMicro ?? (() => Number.MAX_SAFE_INTEGER),
      beyondZone: () => options.beyondZone?.(name) ?? [],
      isConnected: (peer: PeerId) => options.isConnected?.(peer) ?? true,
      metered: () => party.meter,
    } satisfies TradingDeps
    const announcing: Market = { ...market, index: createCatalogIndex(), ...createMarketMemory(market.now) }
    const party: Party = {
      identity,
      self: identity.peerId,
      name,
      market: announcing,
      store,
      meter: undefined,
      trading: createTrading(market),
    }
    return party
  })

  /** Keeps an outcome of a party and puts its messages on the way. */
  function keep(from: Party, { facts, messages, answer }: Outcome<TradingFact>): Outcome<TradingFact>['answer'] {
    from.store.apply(facts)
    for (const draft of messages) {
      underWay.push({ from, draft })
      sent.push({ from, draft })
    }
    return answer
  }

  /** Hands a message to one party and returns its answer; a refusal goes back to the sender, as the outbox would. */
  function deliver({ from, draft }: Sent, to: Party): Outcome<TradingFact>['answer'] {
    const envelope = envelopeOf(from, draft)
    const type = to.trading.messages.get(draft.type)
    if (type === undefined) throw new Error(`no row for ${draft.type}`)
    const parsed = type.payload.safeParse(draft.payload)
    if (!parsed.success) throw new Error(`${draft.type} does not fit its schema: ${parsed.error.message}`)
    const answer = keep(to, type.handle(envelope, envelope.payload))
    if (answer.status === 'NACK') {
      refusals.push({ to: from.self, type: draft.type, code: answer.error.code })
      const row = from.trading.messages.get(draft.type)
      if (row?.undelivered !== undefined && draft.to !== undefined)
        keep(from, row.undelivered({ envelope, refusal: answer.error }))
    }
    return answer
  }

  /** As its sender signs it. */
  function envelopeOf(from: Party, draft: Draft): Envelope {
    const unsigned: UnsignedEnvelope = {
      v: 1,
      type: draft.type,
      id: draft.id ?? (newId() as MessageId),
      task_id: draft.taskId,
      network: NETWORK,
      sender_id: from.self,
      created: nowMs,
      expires: nowMs + draft.ttlMs,
      payload: draft.payload,
      ...(draft.to === undefined ? {} : { to: draft.to }),
      ...(draft.replyTo === undefined ? {} : { reply_to: draft.replyTo }),
    }
    const decoded = decode(signEnvelope(unsigned, from.identity), 2 ** 20)
    if (!decoded.ok) throw new Error(`${draft.type} cannot travel: ${decoded.reason}`)
    return decoded.envelope
  }

  function catalogOf(seller: Party, offer: Partial<Offer>, catalog: Partial<Catalog>): Catalog {
    return {
      seller: seller.self,
      version: nowMs,
      role: 'household',
      sourceType: 'SOLAR',
      currency: 'USD',
      validUntilMs: nowMs + 3_600_000,
      offers: [{ offerId: 'noon', slot: SLOT, priceMicro: 100_000, availableWh: 1_000, ...offer }],
      ...catalog,
    }
  }

  return {
    parties,
    sent,
    refusals,
    keep,
    deliver,
    envelopeOf,
    now: () => nowMs,
    /** The wall clock of one party goes wrong. */
    setClock: (party: Party, offsetMs: number): void => void clockOffsets.set(party.name, offsetMs),
    /** The market clock of one party goes wrong: it takes slots to begin and end at other moments. */
    setMarketClock: (party: Party, offsetMs: number): void => void marketOffsets.set(party.name, offsetMs),
    /** The same party after a restart: what was in memory only is gone. */
    restart(party: Party): void {
      ;(party as { trading: Trading }).trading = createTrading({ ...party.market })
    },
    /** Delivers everything under way, and what follows from it. `lose` says what never arrives. */
    settle(lose: (sent: Sent) => boolean = () => false): void {
      for (let count = 0; underWay.length > 0; count++) {
        if (count > 1_000) throw new Error('the parties never come to an end')
        const message = underWay.shift() as Sent
        if (lose(message)) continue
        const receivers = parties.filter(party =>
          message.draft.to === undefined ? party !== message.from : party.self === message.draft.to,
        )
        for (const party of receivers) deliver(message, party)
      }
    },
    /** What is under way, taken off the way. */
    take(): Sent[] {
      return underWay.splice(0)
    },
    /** Lets time pass; whoever has something due does it. */
    pass(ms: number): void {
      nowMs += ms
      for (const party of parties) {
        const due = party.trading.nextDeadline()
        if (due !== undefined && due <= nowMs) keep(party, party.trading.tick())
      }
    },
    /** The outbox of `from` gave up on a message. */
    expire({ from, draft }: Sent): void {
      const refusal = { code: 'OUTBOX_EXPIRED', message: 'not acknowledged in time' }
      const row = from.trading.messages.get(draft.type)
      if (row?.undelivered !== undefined) keep(from, row.undelivered({ envelope: envelopeOf(from, draft), refusal }))
    },
    offer(seller: Party, offer: Partial<Offer> = {}, catalog: Partial<Catalog> = {}): void {
      keep(seller, seller.trading.publishCatalog(catalogOf(seller, offer, catalog)))
    },
    /** Says what no honest seller of ours would: a catalog as it stands here. */
    announce(seller: Party, offer: Partial<Offer>, catalog: Partial<Catalog>): void {
      const said = catalogOf(seller, offer, catalog)
      keep(seller, { facts: [], messages: [publishDraft(seller.market, said)], answer: { status: 'ACK' } })
    },
    want(buyer: Party, energyWh = 1_000, maxPriceMicro = 300_000): string {
      const id = newId()
      keep(buyer, buyer.trading.buy({ id, slot: SLOT, energyWh, maxPriceMicro, reason: 'a test' }))
      return id
    },
  }
}

export function memoryStore() {
  const catalogs = new Map<string, Catalog>()
  const signed = new Map<string, { version: number; envelope: Envelope }>()
  const trades = new Map<string, Trade>()
  const needs = new Map<string, Need>()
  const batches: LedgerBatch[] = []
  const receipts = new Map<string, Receipt>()
  const statements: { peer: PeerId; statement: Statement }[] = []
  const proposals = new Map<PeerId, StatementProposal>()
  const keyOf = ({ role, transactionId, counterparty }: Trade): string =>
    role === 'buyer' ? transactionId : `${transactionId}/${counterparty}`
  const all = (): Trade[] => [...trades.values()]
  const active = (settling: boolean): Trade[] =>
    all().filter(trade => trade.state === 'active' && (trade.settling !== undefined) === settling)

  function keep(fact: TradingFact): void {
    switch (fact.kind) {
      case 'catalog':
        return void catalogs.set(fact.catalog.seller, fact.catalog)
      case 'catalog.signed':
        return void signed.set(fact.seller, { version: fact.version, envelope: fact.envelope })
      case 'trade':
        return void trades.set(keyOf(fact.trade), fact.trade)
      case 'need':
        return void needs.set(fact.need.id, fact.need)
      case 'ledger':
        return void batches.push(fact.batch)
      case 'receipt':
        return void receipts.set(receiptKey(fact.receipt), fact.receipt)
      case 'statement':
        proposals.delete(fact.counterparty)
        return void statements.push({ peer: fact.counterparty, statement: fact.statement })
      case 'statement.proposed':
        return void proposals.set(fact.counterparty, fact.proposal)
    }
  }

  return {
    apply: (facts: readonly TradingFact[]): void => facts.forEach(keep),
    catalog: (seller: PeerId) => catalogs.get(seller),
    catalogs: () => [...catalogs.values()],
    signedCatalog: (seller: PeerId) => signed.get(seller),
    purchase: (id: TaskId) => trades.get(id),
    sale: (id: TaskId, buyer: PeerId) => trades.get(`${id}/${buyer}`),
    trade: (id: TaskId) => trades.get(id) ?? all().find(trade => trade.transactionId === id),
    trades: all,
    tradesInState: (state: Trade['state']) => all().filter(trade => trade.state === state),
    tradesOfSlot: (state: Trade['state'], startMs: number) =>
      all().filter(trade => trade.state === state && trade.slot.startMs === startMs),
    tradesOfOffer: (offerId: string) =>
      all().filter(trade => trade.role === 'seller' && trade.offerId === offerId && HOLDING.includes(trade.state)),
    tradesOfNeed: (needId: string) => all().filter(trade => trade.role === 'buyer' && trade.needId === needId),
    unsettled: (limit: number) => active(false).toSorted(bySlot).slice(0, limit),
    settling: (limit: number) => active(true).toSorted(byTry).slice(0, limit),
    need: (id: string) => needs.get(id),
    needs: () => [...needs.values()],
    needsInState: (state: Need['state']) => [...needs.values()].filter(need => need.state === state),
    batches: () => batches,
    batchesWith: (peer: PeerId) => batches.filter(batch => batch.counterparty === peer),
    receipts: () => [...receipts.values()],
    statementsWith: (peer: PeerId) => statements.filter(one => one.peer === peer).map(one => one.statement),
    proposedStatement: (peer: PeerId) => proposals.get(peer),
  } satisfies TradingStore & Record<string, unknown>
}

const HOLDING: readonly Trade['state'][] = ['reserved', 'active', 'settled']
const receiptKey = ({ body }: Receipt): string => `${body.contractHash}/${body.buyer}/${body.seller}`
const bySlot = (a: Trade, b: Trade): number => a.slot.startMs + a.slot.durationMs - b.slot.startMs - b.slot.durationMs
const byTry = (a: Trade, b: Trade): number => (a.settling?.nextMs ?? 0) - (b.settling?.nextMs ?? 0)
