import type { Calls } from '../../src/daemon/command.ts'
import type { Row } from '../../src/daemon/domain.ts'
import { serve } from '../../src/daemon/served.ts'
import { booksDomain } from '../../src/domains/books/books.ts'
import { booksCommands } from '../../src/domains/books/commands.ts'
import type { BooksFact } from '../../src/domains/books/facts.ts'
import type { BooksRead } from '../../src/domains/books/store.ts'
import { energyDomain } from '../../src/domains/energy/energy.ts'
import { publishDraft } from '../../src/domains/trading/catalogs/publish.ts'
import { tradingCommands } from '../../src/domains/trading/commands.ts'
import { createRates } from '../../src/domains/trading/rates.ts'
import type { TradingRead } from '../../src/domains/trading/store.ts'
import type { Catalog, Offer, TradingFact } from '../../src/domains/trading/trade.ts'
import { createTradeFlows, type TradeFlows } from '../../src/domains/trading/trade-flows.ts'
import type { Trader, TradingBooks, TradingDeps } from '../../src/domains/trading/trader.ts'
import { tradingDomain } from '../../src/domains/trading/trading.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import type { MessageId, PeerId } from '../../src/kernel/ids.ts'
import type { Answer, Decided, Draft, Sealed } from '../../src/kernel/outcome.ts'
import { seededRandom } from '../../src/kernel/random.ts'
import type { Slot } from '../../src/kernel/slot.ts'
import type { Metered } from '../../src/protocol/contract.ts'
import { decode } from '../../src/protocol/decode.ts'
import type { Envelope, UnsignedEnvelope } from '../../src/protocol/envelope.ts'
import { type Identity, identityFromSeed, verifySignature } from '../../src/protocol/keys.ts'
import { signEnvelope } from '../../src/protocol/sign.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { checkedClient } from './checked-client.ts'
import { marketClockOf } from './market-clock.ts'
import { openPeer, openStoreOf, type Peer, type PeerChoices, seedNamed } from './open-domain.ts'
import { roundNamed } from './round-named.ts'
import { written } from './written.ts'

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

/** What lasts of a party. */
interface Lasting {
  readonly identity: Identity
  readonly self: PeerId
  readonly name: string
  readonly storage: Storage
  /** What its meter says of a slot; undefined: nothing yet. Every slot reads the same. */
  meter: Metered | undefined
}

/** Its domains: a restart opens them anew. */
export interface Domains {
  /** For drafts that no honest domain would send. */
  readonly market: Trader
  readonly trading: TradeFlows
  readonly store: TradingRead
  readonly books: BooksRead
  /** What a person may ask of the books. */
  readonly papers: Calls<typeof booksCommands>
  /** The rows of both. */
  readonly messages: ReadonlyMap<string, Row<Fact>>
  /** Keeps facts that nobody has decided. */
  readonly apply: (facts: readonly (Fact | Sealed)[]) => void
  /** What they have said by themselves, and the town has not heard yet. */
  readonly said: Draft[]
  /** What time brings. */
  readonly time: { isDue(): boolean; turn(): Decided<Fact> }
}

export type Party = Lasting & Domains

type Fact = TradingFact | BooksFact

export interface TownOptions extends Partial<Pick<TradingDeps, 'gridFeeMicro'>> {
  /** What one neighbour may owe each party; by default there is no end to it. */
  readonly creditMicro?: number
  /** By name of the party. */
  readonly limits?: Readonly<Record<string, Partial<TradingDeps['limits']>>>
  /** Peers of other zones, as each party sees them. */
  readonly beyondZone?: (name: string) => readonly PeerId[]
  /** Connected traders of the zone. */
  readonly nearby?: (name: string) => readonly PeerId[]
  /** By default everybody is connected to everybody. */
  readonly isConnected?: (peer: PeerId) => boolean
  /** The utilities each party believes, by its name; left out: everybody who says so. */
  readonly utilities?: Readonly<Record<string, readonly PeerId[]>>
}

const UNLIMITED = Number.MAX_SAFE_INTEGER
/** More than a party of a test ever has. */
export const ALL = 10_000

export const idOf = (name: string): PeerId => identityFromSeed(seedNamed(name)).peerId

export type Refusals = { to: PeerId; type: string; code: string }[]

/** Peers of one market without a network: drafts are handed from one trading domain to the other, when the test says so. */
export function createTown(names: readonly string[], more: TownOptions = {}) {
  let nowMs = START_MS
  let ids = 0
  const newId = (): string => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`
  const random = seededRandom(7)
  const underWay: Sent[] = []
  const sent: Sent[] = []
  const refusals: Refusals = []
  const clockOffsets = new Map<string, number>()
  const marketOffsets = new Map<string, number>()

  const clockOf = (name: string, offsets: ReadonlyMap<string, number>): Clock => ({
    now: () => nowMs + (offsets.get(name) ?? 0),
    sleep: () => new Promise(() => undefined),
  })

  const inZoneOf = (name: string) => (peer: PeerId) => more.beyondZone?.(name).includes(peer) !== true

  /** The same peer, of this life or the next one. */
  const peerOf = (name: string, choices: PeerChoices = {}): Peer =>
    openPeer({
      name,
      clock: clockOf(name, clockOffsets),
      market: marketClockOf(clockOf(name, marketOffsets), SLOT.durationMs),
      random,
      newId,
      ...choices,
      options: { 'household.creditMicro': more.creditMicro ?? UNLIMITED, 'network.name': NETWORK, ...choices.options },
    })

  const parties = names.map((name): Party => {
    const peer = peerOf(name)
    const { identity, self, storage } = peer
    const lasting: Lasting = { identity, self, name, storage, meter: undefined }
    return Object.assign(lasting, openDomains(lasting, peer))
  })

  function openDomains(party: Lasting, peer: Peer): Domains {
    const books = peer.addNow(booksDomain, { inZone: inZoneOf(party.name), nameOf: () => '' })
    const kept = openStoreOf(tradingDomain, peer.storage)
    peer.registry.keep(tradingDomain.name, fact => kept.apply(fact as TradingFact))
    const market = marketOf(party, kept.read, books.gives)
    const trading = createTradeFlows(market)
    return {
      market,
      trading,
      store: kept.read,
      books: books.read,
      papers: checkedClient([serve(booksDomain.name, booksCommands, books.run)]).of(booksCommands),
      messages: new Map<string, Row<Fact>>([...trading.messages, ...books.messages]),
      apply: facts => peer.registry.apply(facts as readonly Fact[]),
      said: peer.sent,
      time: { isDue: () => isDue(market, trading), turn: trading.tick },
    }
  }

  function marketOf(party: Lasting, store: TradingRead, books: TradingBooks): Trader {
    const { self, name, identity } = party
    const { now } = clockOf(name, clockOffsets)
    return {
      self,
      name,
      networkId: NETWORK,
      currency: 'USD',
      reservationMs: RESERVATION_MS,
      stepTimeoutMs: STEP_MS,
      searchMs: SEARCH_MS,
      store,
      newId,
      random,
      limits: { maxBuyWh: 1_000_000, neighbours: [], avoidPeers: [], ...more.limits?.[name] },
      shortfall: SHORTFALL,
      now,
      marketNow: clockOf(name, marketOffsets).now,
      sign: identity.sign,
      verify: (peer, text, signature) => verifySignature(peer, text, signature) === true,
      isBelieved: peer => more.utilities?.[name]?.includes(peer) ?? true,
      gridFeeMicro: more.gridFeeMicro ?? (() => 0),
      beyondZone: () => more.beyondZone?.(name) ?? [],
      nearby: () => more.nearby?.(name) ?? [],
      isConnected: more.isConnected ?? (() => true),
      inZone: inZoneOf(name),
      metered: () => party.meter,
      books,
      rates: createRates(now),
    }
  }

  /** Keeps what somebody decides, as a daemon does, and puts its messages on the way. */
  function decidedBy(from: Party, decide: () => Decided<Fact>): Answer {
    return written(from.storage, () => {
      const { facts, messages, answer } = decide()
      from.apply(facts)
      send(from, messages)
      return answer
    })
  }

  function send(from: Party, drafts: readonly Draft[]): void {
    for (const draft of drafts) {
      underWay.push({ from, draft })
      sent.push({ from, draft })
    }
  }

  /** What commands of a person have said since. */
  function listen(): void {
    for (const party of parties) send(party, party.said.splice(0))
  }

  const keep = (from: Party, decided: Decided<Fact>): Answer => decidedBy(from, () => decided)

  /** Hands a message to one party and returns its answer; a refusal goes back to the sender, as the outbox would. */
  function deliver({ from, draft }: Sent, to: Party): Answer {
    const envelope = envelopeOf(from, draft)
    const type = to.messages.get(draft.type)
    if (type === undefined) throw new Error(`no row for ${draft.type}`)
    const parsed = type.payload.safeParse(draft.payload)
    if (!parsed.success) throw new Error(`${draft.type} does not fit its schema: ${parsed.error.message}`)
    const answer = decidedBy(to, () => type.handle(envelope, envelope.payload))
    if (answer.status === 'NACK') {
      refusals.push({ to: from.self, type: draft.type, code: answer.error.code })
      const undelivered = from.messages.get(draft.type)?.undelivered
      if (undelivered !== undefined && draft.to !== undefined)
        decidedBy(from, () => undelivered({ envelope, refusal: answer.error }))
    }
    return answer
  }

  /** As its sender signs it. */
  function envelopeOf(from: Party, draft: Draft): Envelope {
    const unsigned: UnsignedEnvelope = {
      v: 1,
      type: draft.type,
      id: draft.id ?? (newId() as MessageId),
      task_id: draft.subjectId,
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
    /**
     * A household moves in: from here on the party is a whole daemon's domain of trading, with the house behind. Its
     * `trading` and `market` are of before.
     */
    async moveIn(party: Party, choices: Pick<PeerChoices, 'options' | 'log'> = {}) {
      const peer = peerOf(party.name, { ...choices, storage: party.storage })
      const books = peer.addNow(booksDomain, { inZone: inZoneOf(party.name), nameOf: () => '' })
      const energy = await peer.add(energyDomain, {
        traded: books.gives.traded,
        unsettledBetween: books.gives.unsettledBetween,
      })
      const trading = peer.addNow(tradingDomain, {
        books: books.gives,
        metered: () => party.meter,
        house: energy.gives,
        isConnected: more.isConnected ?? (() => true),
        connected: () => parties.map(({ self }) => ({ peer: self })),
        inZone: inZoneOf(party.name),
        trades: () => true,
      })
      const time = roundNamed(trading, 'time')
      const slot = roundNamed(trading, 'slot')
      Object.assign(party, {
        store: trading.read,
        books: books.read,
        messages: new Map<string, Row<Fact>>([...trading.messages, ...books.messages]),
        apply: peer.registry.apply,
        said: peer.sent,
        time: { isDue: () => (time.due() ?? Number.POSITIVE_INFINITY) <= peer.clock.now(), turn: time.turn },
      })
      return {
        energy,
        commands: checkedClient([serve(tradingDomain.name, tradingCommands, trading.run)]).of(tradingCommands),
        /** Decides about the next slot, if the market is open and it is time. */
        async decides(): Promise<void> {
          if ((slot.due() ?? Number.POSITIVE_INFINITY) <= peer.clock.now())
            await slot.plan?.(new AbortController().signal)
        },
      }
    },
    /** The wall clock of one party goes wrong. */
    setClock: (party: Party, offsetMs: number): void => void clockOffsets.set(party.name, offsetMs),
    /** The market clock of one party goes wrong: it takes slots to begin and end at other moments. */
    setMarketClock: (party: Party, offsetMs: number): void => void marketOffsets.set(party.name, offsetMs),
    /** The same party after a restart: what was in memory only is gone. */
    restart(party: Party): void {
      Object.assign(party, openDomains(party, peerOf(party.name, { storage: party.storage })))
    },
    /** Delivers everything under way, and what follows from it. `lose` says what never arrives. */
    settle(lose: (sent: Sent) => boolean = () => false): void {
      listen()
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
      listen()
      return underWay.splice(0)
    },
    /** Lets time pass; whoever has something due does it. */
    pass(ms: number): void {
      nowMs += ms
      for (const party of parties) {
        if (party.time.isDue()) decidedBy(party, party.time.turn)
      }
    },
    /** The outbox of `from` gave up on a message. */
    expire({ from, draft }: Sent): void {
      const refusal = { code: 'OUTBOX_EXPIRED', message: 'not acknowledged in time' }
      const undelivered = from.messages.get(draft.type)?.undelivered
      if (undelivered !== undefined) decidedBy(from, () => undelivered({ envelope: envelopeOf(from, draft), refusal }))
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

function isDue({ now, marketNow }: Trader, { nextDeadline }: TradeFlows): boolean {
  const { wallMs = Number.POSITIVE_INFINITY, marketMs = Number.POSITIVE_INFINITY } = nextDeadline()
  return wallMs <= now() || marketMs <= marketNow()
}
