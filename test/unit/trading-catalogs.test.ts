import { describe, expect, test } from 'vitest'
import { booksDomain } from '../../src/domains/books/books.ts'
import { createCatalogIndex } from '../../src/domains/trading/catalog-index.ts'
import type { Catalog } from '../../src/domains/trading/trade.ts'
import { tradingDomain } from '../../src/domains/trading/trading.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import type { JsonObject } from '../../src/kernel/outcome.ts'
import { identityFromSeed } from '../../src/protocol/keys.ts'
import { MAX_STREAM_BYTES } from '../../src/protocol/limits.ts'
import { turn } from '../support/fake-clock.ts'
import { openPeer, seedNamed } from '../support/open-domain.ts'
import { ticking } from '../support/ticking.ts'
import { ALL, createTown, idOf, type Party, SEARCH_MS, type Sent, SLOT } from '../support/two-markets.ts'

const only = <T>(items: readonly T[]): T => {
  expect(items).toHaveLength(1)
  return items[0] as T
}
const HOUR_MS = 3_600_000

function pair(...more: string[]) {
  const town = createTown(['buyer', 'seller', ...more])
  const [buyer, seller, ...others] = town.parties as [Party, Party, ...Party[]]
  return { town, buyer, seller, others }
}

describe('a withdrawal', () => {
  test('takes every offer off the index of everybody, and an older catalog does not come back', () => {
    const { town, buyer, seller } = pair()
    town.offer(seller)
    const published = only(town.take())
    town.deliver(published, buyer)
    expect(buyer.trading.offers({})).toHaveLength(1)
    town.pass(1_000)
    town.keep(seller, seller.trading.withdraw())
    const tombstone = only(town.take())
    expect(tombstone.draft.payload['message']).toMatchObject({ catalogs: [{ isActive: false, offers: [] }] })
    town.deliver(tombstone, buyer)
    expect(buyer.trading.offers({})).toEqual([])
    expect(town.deliver(published, buyer).status).toBe('ACK')
    expect(buyer.trading.offers({})).toEqual([])
    expect(buyer.store.catalog(seller.self)?.offers).toEqual([])
  })

  test('leaves nothing to buy, and what is published later counts again', () => {
    const { town, buyer, seller } = pair()
    town.offer(seller)
    town.keep(seller, seller.trading.withdraw())
    town.settle()
    const need = town.want(buyer)
    town.settle()
    town.pass(4 * SEARCH_MS)
    town.pass(4 * SEARCH_MS)
    expect(buyer.store.need(need)?.state).toBe('failed')
    town.offer(seller)
    town.settle()
    expect(buyer.trading.offers({ slot: SLOT })).toHaveLength(1)
    expect(seller.trading.withdraw().messages).toHaveLength(1)
  })
})

describe('an announcement', () => {
  const later = { slot: { ...SLOT, startMs: SLOT.startMs + 3 * HOUR_MS } }

  test('is repeated at half of what is left of its validity, in the same version', () => {
    const { town, buyer, seller } = pair()
    town.offer(seller, later, { validUntilMs: town.now() + 2 * HOUR_MS })
    town.take()
    town.pass(HOUR_MS - 1)
    expect(town.take()).toEqual([])
    town.pass(1)
    const again = only(town.take())
    town.deliver(again, buyer)
    expect(buyer.store.catalog(seller.self)?.version).toBe(seller.store.catalog(seller.self)?.version)
    expect(buyer.trading.offers({})).toHaveLength(1)
    town.pass(HOUR_MS / 2)
    expect(only(town.take()).draft.id).not.toBe(again.draft.id)
  })

  test('is not repeated when nothing is left to sell', () => {
    const { town, buyer, seller } = pair()
    town.offer(seller, {}, { validUntilMs: town.now() + HOUR_MS / 5 })
    town.want(buyer)
    town.settle()
    town.pass(SEARCH_MS)
    town.settle()
    expect(seller.store.tradesInState('active')).toHaveLength(1)
    const said = town.sent.length
    town.pass(HOUR_MS / 5)
    expect(town.sent.slice(said).filter(({ draft }) => draft.type === 'beckn.catalog_publish')).toEqual([])
    // What is left to do is the delivery.
    expect(seller.trading.nextDeadline()).toEqual({ wallMs: undefined, marketMs: SLOT.startMs + SLOT.durationMs })
  })
})

test('a catalog that is over is forgotten when it is, though nothing else is to be done', () => {
  const { town, buyer, seller } = pair()
  const validUntilMs = town.now() + HOUR_MS
  town.offer(seller, {}, { validUntilMs })
  town.settle()
  expect([buyer.store.index.size().sellers, buyer.trading.nextDeadline().wallMs]).toEqual([1, validUntilMs])
  town.pass(HOUR_MS)
  expect([buyer.store.index.size().sellers, buyer.trading.nextDeadline().wallMs]).toEqual([0, undefined])
})

describe('an own catalog', () => {
  const slots = (count: number, offerId: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => ({
      offerId: offerId(i),
      priceMicro: 100_000,
      availableWh: 1_000,
      slot: { ...SLOT, startMs: SLOT.startMs + i * SLOT.durationMs },
    }))

  test('of more slots or offers than others accept is refused before it is said', () => {
    const said = (offers: ReturnType<typeof slots>) => {
      const { town, seller } = pair()
      town.offer(seller, {}, { offers })
      return [town.sent.length, seller.store.catalogs().length]
    }
    for (const offers of [slots(193, () => 'week'), slots(17, i => `offer ${i}`)]) expect(said(offers)).toEqual([0, 0])
    for (const offers of [slots(192, () => 'week'), slots(16, i => `offer ${i}`)]) expect(said(offers)).toEqual([1, 1])
  })

  test('that is full takes no more, and drops nothing for it', () => {
    const { town, buyer, seller } = pair()
    town.offer(seller, {}, { offers: slots(16, i => `offer ${i}`) })
    const week = { ...(seller.store.catalog(seller.self) ?? expect.fail('no catalog')), offers: slots(2, () => 'week') }
    expect(seller.trading.publishCatalog(week).answer).toMatchObject({
      error: { code: 'SCH_INVALID', message: expect.stringContaining('16 are on offer already') },
    })
    town.settle()
    const ids = () => buyer.store.catalog(seller.self)?.offers.map(({ offerId }) => offerId)
    expect(ids()).toEqual(slots(16, i => `offer ${i}`).map(({ offerId }) => offerId))
    // What it has is renewed all the same, and what has begun makes room.
    town.offer(seller, { offerId: 'offer 0', availableWh: 1 }, { version: town.now() + 1 })
    town.pass(SLOT.startMs - town.now())
    town.offer(seller, { offerId: 'week', slot: { ...SLOT, startMs: SLOT.startMs + SLOT.durationMs } })
    town.settle()
    expect(ids()).toHaveLength(16)
    expect(ids()).toContain('week')
  })
})

describe('a flood', () => {
  test('of catalogs of one peer is cut off after a few, and others are not hurt', () => {
    const { town, buyer, seller, others } = pair('other')
    for (let i = 0; i < 20; i++) town.announce(seller, { priceMicro: i }, { version: town.now() + i })
    town.settle()
    const limited = town.refusals.filter(({ code, to }) => code === 'AUT_RATE_LIMITED' && to === seller.self)
    expect(limited).toHaveLength(2 * 15)
    expect(buyer.store.catalog(seller.self)?.offers[0]?.priceMicro).toBe(4)
    town.offer(others[0] as Party)
    town.settle()
    expect(buyer.store.catalogs()).toHaveLength(2)
    // Later it is heard again, and the newest counts.
    town.pass(1_000)
    town.announce(seller, { priceMicro: 99 }, { version: town.now() + 30 })
    town.settle()
    expect(buyer.store.catalog(seller.self)?.offers[0]?.priceMicro).toBe(99)
  })

  test('of answers to a search counts once a seller', () => {
    const { town, buyer, seller } = pair()
    town.offer(seller)
    town.settle()
    const need = town.want(buyer)
    const [search] = town.take()
    town.deliver(search ?? expect.fail('no search'), seller)
    const answer = only(town.take())
    town.deliver(answer, buyer)
    const before = buyer.store.need(need)
    town.deliver(answer, buyer)
    expect(buyer.store.need(need)).toEqual(before)
    const context = { ...(answer.draft.payload['context'] as JsonObject), transactionId: crypto.randomUUID() }
    const stray = {
      ...answer.draft,
      subjectId: context.transactionId as never,
      payload: { ...answer.draft.payload, context },
    }
    expect(town.deliver({ from: seller, draft: stray }, buyer)).toMatchObject({
      error: { code: 'CTX_TRANSACTION_ID_UNKNOWN' },
    })
  })
})

test('an answer to a search updates the slots it speaks of, and leaves the others of that version', () => {
  const { town, buyer, seller } = pair()
  const offers = [0, 1, 2].map(i => ({
    offerId: 'day',
    priceMicro: 100_000,
    availableWh: 1_000,
    slot: { ...SLOT, startMs: SLOT.startMs + i * SLOT.durationMs },
  }))
  town.offer(seller, {}, { offers })
  town.want(buyer, 400)
  town.settle()
  town.pass(SEARCH_MS)
  town.settle()
  town.want(buyer, 1)
  town.settle()
  const known = buyer.trading.offers({}).map(({ offer }) => [offer.slot.startMs, offer.availableWh])
  expect(known).toEqual([
    [SLOT.startMs, 600],
    [SLOT.startMs + SLOT.durationMs, 1_000],
    [SLOT.startMs + 2 * SLOT.durationMs, 1_000],
  ])
})

describe('a pull', () => {
  /** A neighbour that has heard of three sellers, one of which has withdrawn; and one that comes late. */
  function zone() {
    const town = createTown(['neighbour', 'a', 'b', 'gone', 'late'])
    const [neighbour, a, b, gone, late] = town.parties as [Party, Party, Party, Party, Party]
    for (const seller of [a, b, gone, neighbour]) town.offer(seller)
    town.keep(gone, gone.trading.withdraw())
    for (const sent of town.take()) if (sent.from !== neighbour) town.deliver(sent, neighbour)
    return { town, neighbour, a, b, gone, late }
  }

  test('gives a late joiner the index of the zone, and the neighbour’s own catalog', () => {
    const { town, neighbour, a, b, gone, late } = zone()
    town.keep(late, late.trading.joined(neighbour.self))
    const request = only(town.take())
    expect(request.draft.payload['message']).toMatchObject({ mode: 'FULL' })
    town.deliver(request, neighbour)
    town.settle()
    expect(
      late.trading
        .offers({})
        .map(({ catalog }) => catalog.seller)
        .toSorted(),
    ).toEqual([a.self, b.self, neighbour.self].toSorted())
    expect(late.store.catalog(gone.self)?.offers).toEqual([])
    expect(town.refusals).toEqual([])
  })

  test('asks only for what is missing when something is known, and is not made of everybody', () => {
    const { town, neighbour, a, b, late } = zone()
    const publish = town.sent.find(sent => sent.from === a) ?? expect.fail('a has not published')
    town.deliver(publish, late)
    town.keep(late, late.trading.joined(neighbour.self))
    expect(only(town.take()).draft.payload['message']).toMatchObject({
      mode: 'INCREMENTAL',
      knownCatalogIds: [expect.stringContaining(a.self)],
    })
    const asks = (peer: PeerId): number => {
      town.keep(late, late.trading.joined(peer))
      return town.take().length
    }
    expect([neighbour.self, a.self, b.self, idOf('another')].map(asks)).toEqual([0, 1, 1, 0])
    expect(late.trading.offers({})).toHaveLength(1)
  })

  test('is answered in pages that fit a stream', () => {
    const town = createTown(['neighbour', 'late'])
    const [neighbour, late] = town.parties as [Party, Party]
    // Nobody sees more of them than what they sign.
    const sellers = Array.from({ length: 230 }, (_, i): Party => {
      const identity = identityFromSeed(seedNamed(`seller ${i}`))
      const self = identity.peerId
      return { ...neighbour, identity, self, market: { ...neighbour.market, self } }
    })
    for (const seller of sellers) town.announce(seller, {}, {})
    for (const sent of town.take()) town.deliver(sent, neighbour)
    town.keep(late, late.trading.joined(neighbour.self))
    const to = (sent: Sent): Party => town.parties.find(({ self }) => self === sent.draft.to) ?? expect.fail('nobody')
    const sizes: number[] = []
    for (let sent = town.take(); sent.length > 0; sent = town.take()) {
      const pages = sent.filter(({ draft }) => draft.type === 'catalog.page')
      sizes.push(...pages.map(({ draft }) => JSON.stringify(draft.payload).length))
      for (const one of sent) town.deliver(one, to(one))
    }
    expect(sizes).toHaveLength(2)
    for (const size of sizes) expect(size).toBeLessThan(MAX_STREAM_BYTES)
    expect(late.store.catalogs()).toHaveLength(230)
  })

  test.each([
    ['with another price', (text: string) => text.replace('"values":[0.1]', '"values":[0.01]')],
    ['in the name of another', (text: string, a: Party, b: Party) => text.replaceAll(a.self, b.self)],
    [
      'with its signature cut',
      (text: string) => text.replace(/"signature":"[\w-]{20}/, '"signature":"AAAAAAAAAAAAAAAAAAAA'),
    ],
    ['that is no message', () => '{}'],
  ])('keeps nothing of a catalog %s, and goes on with the rest', (_, forge) => {
    const { town, neighbour, a, b, late } = zone()
    town.keep(late, late.trading.joined(neighbour.self))
    town.deliver(only(town.take()), neighbour)
    const [page] = town.take()
    const envelopes = page?.draft.payload['envelopes'] as string[]
    const forged = envelopes.map(text => (text.includes(`"sender_id":"${a.self}"`) ? forge(text, a, b) : text))
    expect(forged).not.toEqual(envelopes)
    const payload = { ...page?.draft.payload, envelopes: forged, next: 'z' } as JsonObject
    town.deliver({ from: neighbour, draft: { ...(page?.draft ?? expect.fail('no page')), payload } }, late)
    expect(late.trading.offers({}).map(({ catalog }) => catalog.seller)).toEqual([b.self])
    // Who passes on forgeries is asked for no further page.
    expect(town.take()).toEqual([])
  })

  test('nobody made is answered by nobody', () => {
    const { town, neighbour, late } = zone()
    town.keep(late, late.trading.joined(neighbour.self))
    town.deliver(only(town.take()), neighbour)
    const [page] = town.take()
    if (page === undefined) expect.fail('no page')
    const refusal = { status: 'NACK', error: { code: 'CTX_TRANSACTION_ID_UNKNOWN' } }
    expect(town.deliver(page, neighbour)).toMatchObject(refusal)
    expect(town.deliver(page, late).status).toBe('ACK')
    expect(town.deliver(page, late)).toMatchObject(refusal)
  })
})

describe('the index', () => {
  const catalog = (seller: number, offers: number): Catalog => ({
    seller: `seller-${seller}` as PeerId,
    version: 1,
    role: 'household',
    currency: 'USD',
    validUntilMs: 9,
    sourceType: seller % 2 === 0 ? 'SOLAR' : 'BATTERY',
    offers: Array.from({ length: offers }, (_, i) => ({
      offerId: `offer-${i}`,
      slot: { startMs: i * 900_000, durationMs: 900_000 },
      priceMicro: 100_000 + seller,
      availableWh: i,
    })),
  })

  test('finds offers by slot, price, source and quantity', () => {
    const index = createCatalogIndex([catalog(1, 4), catalog(2, 4)])
    const slot = { startMs: 1_800_000, durationMs: 900_000 }
    const found = (filter: Parameters<typeof index.query>[0]) =>
      index.query(filter).map(one => `${one.catalog.seller}/${one.offer.offerId}`)
    expect(found({ slot })).toEqual(['seller-1/offer-2', 'seller-2/offer-2'])
    expect(found({ slot, maxPriceMicro: 100_001 })).toEqual(['seller-1/offer-2'])
    expect(found({ slot, sourceTypes: ['SOLAR'] })).toEqual(['seller-2/offer-2'])
    expect(found({ minWh: 3 })).toEqual(['seller-1/offer-3', 'seller-2/offer-3'])
    expect(found({ slot: { ...slot, durationMs: 1 } })).toEqual([])
  })

  test('forgets what a newer catalog does not offer any more, and what is removed', () => {
    const index = createCatalogIndex([catalog(1, 4)])
    index.put(catalog(1, 1))
    expect(index.query({})).toHaveLength(1)
    expect(index.size()).toEqual({ sellers: 1, offers: 1 })
    index.remove('seller-1' as PeerId)
    index.remove('seller-1' as PeerId)
    expect(index.query({})).toEqual([])
    expect(index.size()).toEqual({ sellers: 0, offers: 0 })
  })

  test('of ten thousand offers answers for one slot by looking at that slot', () => {
    const index = createCatalogIndex(Array.from({ length: 105 }, (_, i) => catalog(i, 96)))
    expect(index.size().offers).toBe(10_080)
    const startedMs = performance.now()
    for (let i = 0; i < 96; i++) {
      const found = index.query({ slot: { startMs: i * 900_000, durationMs: 900_000 } })
      expect(found).toHaveLength(105)
    }
    // A thousandth of what looking at everything would cost is far away; ten times too slow is not.
    expect((performance.now() - startedMs) / 96).toBeLessThan(10)
  })
})

describe('a neighbour', () => {
  const nadia = idOf('nadia')

  /** The domain of trading at a peer that knows nobody yet, and what its connections and their adverts say. */
  function newcomer() {
    const peer = openPeer({ name: 'late' })
    const said = { inZone: true, trades: false }
    const books = peer.addNow(booksDomain, { inZone: () => true, nameOf: () => '' })
    const trading = peer.addNow(tradingDomain, {
      books: books.gives,
      metered: () => undefined,
      house: {
        turn: () => expect.fail('there is no household'),
        hasBattery: false,
        lackingWh: () => new Map(),
        roomWh: () => 0,
        spared: () => ({ slotNumber: -1, energyWh: 0 }),
      },
      isConnected: () => true,
      connected: () => [],
      inZone: () => said.inZone,
      trades: () => said.trades,
    })
    const ticker = ticking(peer, { name: 'trading', rounds: trading.rounds })
    return {
      said,
      async changes(connected: boolean): Promise<void> {
        const turned = trading.opened.onPeer?.({ peer: nadia, connected })
        if (turned !== undefined) await peer.commit(turned)
      },
      /** Whom it has asked for catalogs by the time that everything is done which is due. */
      async asked() {
        ticker.look()
        await turn()
        return peer.sent.filter(({ type }) => type === 'beckn.catalog_pull').map(({ to }) => to)
      },
      async [Symbol.asyncDispose]() {
        await ticker[Symbol.asyncDispose]()
        peer.close()
      },
    }
  }

  test('that is heard of from afar is asked for no catalogs until it is connected, and then once', async () => {
    await using late = newcomer()
    const { said, changes, asked } = late
    // It is heard of from afar.
    Object.assign(said, { trades: true })
    expect(await asked()).toEqual([])
    await changes(false)
    Object.assign(said, { trades: false })
    await changes(true)
    expect(await asked()).toEqual([])
    Object.assign(said, { trades: true, inZone: false })
    expect(await asked()).toEqual([])
    Object.assign(said, { inZone: true })
    expect(await asked()).toEqual([nadia])
    expect(await asked()).toEqual([nadia])
    // It has left: what it knows when it is back is asked for again.
    await changes(false)
    expect(await asked()).toEqual([nadia])
    await changes(true)
    expect(await asked()).toEqual([nadia, nadia])
  })
})

describe('clocks five minutes apart', () => {
  test.each([5, -5])('(%i minutes) refuse each other’s messages for their time, and keep nothing of them', minutes => {
    const { town, buyer, seller } = pair()
    town.offer(seller)
    town.settle()
    const known = buyer.store.catalog(seller.self)
    town.setClock(buyer, minutes * 60_000)
    const need = town.want(buyer)
    town.settle()
    expect(town.refusals).toEqual([{ to: buyer.self, type: 'beckn.discover', code: 'CTX_TTL_EXPIRED' }])
    town.pass(8 * SEARCH_MS + 5 * 60_000)
    town.settle()
    town.pass(8 * SEARCH_MS + 5 * 60_000)
    expect(seller.store.trades(ALL)).toEqual([])
    expect(buyer.store.catalog(seller.self)).toEqual(known)
    expect(['failed', 'trading']).toContain(buyer.store.need(need)?.state)
    expect(buyer.store.tradesInState('active')).toEqual([])
  })
})
