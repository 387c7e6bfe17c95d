import { createHash } from 'node:crypto'
import type { MessageId, PeerId, TaskId } from '../../src/kernel/ids.ts'
import type { Draft, Outcome } from '../../src/kernel/outcome.ts'
import { seededRandom } from '../../src/kernel/random.ts'
import type { Envelope } from '../../src/protocol/envelope.ts'
import { type Identity, identityFromSeed, verifySignature } from '../../src/protocol/keys.ts'
import { publishDraft } from '../../src/trading/flows/discover.ts'
import type { Market, TradingStore } from '../../src/trading/market.ts'
import type { Slot } from '../../src/trading/slot.ts'
import type { Catalog, Need, Offer, Trade, TradingFact } from '../../src/trading/trade.ts'
import { createTrading, type Trading, type TradingDeps } from '../../src/trading/trading.ts'

export const START_MS = Date.UTC(2026, 5, 1, 12)
export const SLOT: Slot = { startMs: START_MS + 900_000, durationMs: 900_000 }
export const STEP_MS = 10_000
export const RESERVATION_MS = 30_000

/** A message on its way between two parties. */
export interface Sent {
  readonly from: Party
  readonly draft: Draft
}

export interface Party {
  readonly identity: Identity
  readonly self: PeerId
  readonly market: Market
  readonly trading: Trading
  readonly store: TradingStore & { apply(facts: readonly TradingFact[]): void; trades(): Trade[]; needs(): Need[] }
}

export type Refusals = { to: PeerId; type: string; code: string }[]

/** Peers of one market without a network: drafts are handed from one trading domain to the other, when the test says so. */
export function createTown(names: readonly string[], options: { gridFeeMicro?: (seller: PeerId) => number } = {}) {
  let nowMs = START_MS
  let ids = 0
  const newId = (): string => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`
  const random = seededRandom(7)
  const underWay: Sent[] = []
  const sent: Sent[] = []
  const refusals: Refusals = []

  const parties = names.map((name): Party => {
    const identity = identityFromSeed(createHash('sha256').update(name).digest())
    const store = memoryStore()
    const market = {
      ...{ self: identity.peerId, name, networkId: 'test', currency: 'USD' },
      ...{ reservationMs: RESERVATION_MS, stepTimeoutMs: STEP_MS, store, newId, random },
      now: () => nowMs,
      marketNow: () => nowMs,
      sign: identity.sign,
      verify: (peer: PeerId, text: string, signature: string) => verifySignature(peer, text, signature) === true,
      gridFeeMicro: options.gridFeeMicro ?? (() => 0),
    } satisfies TradingDeps
    return { identity, self: identity.peerId, market, trading: createTrading(market), store }
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
    const answer = keep(to, type.handle(envelope, draft.payload))
    if (answer.status === 'NACK') {
      refusals.push({ to: from.self, type: draft.type, code: answer.error.code })
      const row = from.trading.messages.get(draft.type)
      if (row?.undelivered !== undefined && draft.to !== undefined)
        keep(from, row.undelivered({ envelope, refusal: answer.error }))
    }
    return answer
  }

  function envelopeOf(from: Party, draft: Draft): Envelope {
    return {
      ...{ v: 1, type: draft.type, id: draft.id ?? (newId() as MessageId), task_id: draft.taskId, network: 'test' },
      ...{ sender_id: from.self, created: nowMs, expires: nowMs + draft.ttlMs, payload: draft.payload, signature: '' },
      ...(draft.to === undefined ? {} : { to: draft.to }),
      ...(draft.replyTo === undefined ? {} : { reply_to: draft.replyTo }),
    }
  }

  function catalogOf(seller: Party, offer: Partial<Offer>, catalog: Partial<Catalog>): Catalog {
    return {
      ...{ seller: seller.self, version: nowMs, role: 'household', sourceType: 'SOLAR', currency: 'USD' },
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
  const trades = new Map<string, Trade>()
  const needs = new Map<string, Need>()
  return {
    apply(facts: readonly TradingFact[]): void {
      for (const fact of facts) {
        if (fact.kind === 'catalog') catalogs.set(fact.catalog.seller, fact.catalog)
        else if (fact.kind === 'trade') trades.set(fact.trade.transactionId, fact.trade)
        else needs.set(fact.need.id, fact.need)
      }
    },
    catalog: (seller: PeerId) => catalogs.get(seller),
    catalogs: () => [...catalogs.values()],
    catalogCount: () => catalogs.size,
    trade: (id: TaskId) => trades.get(id),
    trades: () => [...trades.values()],
    tradesInState: (state: Trade['state']) => [...trades.values()].filter(trade => trade.state === state),
    tradesOfOffer: (offerId: string) =>
      [...trades.values()].filter(trade => trade.role === 'seller' && trade.offerId === offerId),
    need: (id: string) => needs.get(id),
    needs: () => [...needs.values()],
    needsInState: (state: Need['state']) => [...needs.values()].filter(need => need.state === state),
  }
}
