import { expect, test } from 'vitest'
import { partiesOf } from '../../src/cli/books/parties.ts'
import { offerFilter } from '../../src/cli/trade/search.ts'
import { storyOf } from '../../src/cli/trade/why.ts'
import type { NeedAnswer, TradeAnswer } from '../../src/domains/trading/commands.ts'
import type { MessageId, PeerId, TransactionId } from '../../src/kernel/ids.ts'
import { openFakeDaemon } from '../support/fake-daemon.ts'
import { CATALOG, MESSAGE } from '../support/whole-answers.ts'

const NADIA = '12D3KooWNadia'
const OMAR = '12D3KooWOmar1'
const PEERS = [
  { peer: NADIA, name: 'Nadia' },
  { peer: OMAR, name: 'Omar' },
]
const SLOT = { startMs: Date.UTC(2026, 5, 1, 12), durationMs: 900_000 }
const SLOT_NUMBER = SLOT.startMs / SLOT.durationMs
const CREATED_MS = 1_000_000

function trade(id: string, more: Partial<TradeAnswer> = {}): TradeAnswer {
  return {
    transactionId: id as TransactionId,
    role: 'buyer',
    counterparty: NADIA as PeerId,
    offerId: 'o1',
    slot: SLOT,
    energyWh: 500,
    priceMicro: 150_000,
    gridFeeMicro: 10_000,
    state: 'active',
    needId: 'need-1',
    deadlineMs: 0,
    startedMs: CREATED_MS + 200,
    ...more,
  }
}

function need(more: Partial<NeedAnswer> = {}): NeedAnswer {
  return {
    id: 'need-1',
    slot: SLOT,
    energyWh: 800,
    boughtWh: 800,
    maxPriceMicro: 300_000,
    state: 'bought',
    answered: [],
    searchUntilMs: 0,
    ranked: [],
    tried: 1,
    createdMs: CREATED_MS,
    reason: 'you asked for it',
    steps: [{ atMs: CREATED_MS + 100, text: 'asked everybody in the zone' }],
    ...more,
  }
}

const SPLIT = [
  trade('t-1'),
  trade('t-2', { counterparty: OMAR as PeerId, energyWh: 300, priceMicro: 230_000, startedMs: CREATED_MS + 300 }),
]

test('a purchase from several sellers shows its steps, who sold how much, and the average price', async () => {
  await using daemon = await openFakeDaemon({
    'GET /v1/peers': PEERS,
    'POST /v1/buy': need({ state: 'searching', boughtWh: 0 }),
    'GET /v1/needs/need-1': times => (times === 1 ? need({ state: 'trading', boughtWh: 500 }) : need()),
    'GET /v1/needs/need-1/trades': SPLIT,
    'GET /v1/messages': [{ ...MESSAGE, at: CREATED_MS + 150 }],
  })
  const { code, out } = await daemon.run('trade', 'buy', '0.8')
  expect(code).toBe(0)
  expect(daemon.posted).toEqual([{ path: '/v1/buy', body: { energyWh: 800 } }])
  expect(out).toContain('100 ms  asked everybody in the zone')
  expect(out).toContain('150 ms  Nadia: quoted')
  expect(out).toContain('waiting for the seller; 500 Wh of 800 Wh are bought')
  expect(out).toMatch(/Nadia +500 Wh +0\.16\/kWh +t-1/)
  expect(out).toMatch(/Omar +300 Wh +0\.24\/kWh +t-2/)
  // (500 × 0.16 + 300 × 0.24) / 800
  expect(out).toContain('Bought 800 Wh from 2 sellers, on average at 0.19/kWh.')
  expect(out.match(/asked everybody/g)).toHaveLength(1)
})

test('a purchase of which only a part was met says so, and a script can tell', async () => {
  await using daemon = await openFakeDaemon({
    'GET /v1/peers': PEERS,
    'POST /v1/buy': need({ state: 'searching' }),
    'GET /v1/needs/need-1': need({ state: 'part', boughtWh: 500, reason: '300 Wh are missing: nobody has more' }),
    'GET /v1/needs/need-1/trades': [trade('t-1'), trade('t-3', { state: 'refused' })],
    'GET /v1/messages': [],
  })
  const { code, out } = await daemon.run('trade', 'buy', '0.8')
  expect(code).toBe(1)
  expect(out).toContain('Bought only 500 Wh of 800 Wh from Nadia at 0.16/kWh. The rest: 300 Wh are missing')
  expect(out).not.toContain('t-3')
})

test('an interrupted purchase goes on, and says how to look at it', async () => {
  await using daemon = await openFakeDaemon({
    'GET /v1/peers': PEERS,
    'POST /v1/buy': need({ state: 'searching' }),
    'GET /v1/needs/need-1': () => {
      daemon.interrupt()
      return need({ state: 'trading', boughtWh: 0 })
    },
    'GET /v1/needs/need-1/trades': [],
  })
  const { code, err } = await daemon.run('trade', 'buy', '0.8')
  expect(code).toBe(0)
  expect(err).toContain('"wattmesh trade why need-1"')
  expect(daemon.posted.map(({ path }) => path)).toEqual(['/v1/buy'])
})

test('a purchase that came to nothing fails with its reason', async () => {
  await using daemon = await openFakeDaemon({
    'GET /v1/peers': PEERS,
    'POST /v1/buy': need({ state: 'searching' }),
    'GET /v1/needs/need-1': need({ state: 'failed', reason: 'nobody offers energy for that slot' }),
    'GET /v1/needs/need-1/trades': [],
  })
  const { code, err } = await daemon.run('trade', 'buy', '1', '--max', '0.1')
  expect(code).toBe(1)
  expect(err).toContain('nothing was bought: nobody offers energy for that slot')
})

test('a story has decision, wish, steps, trades and outcome in the order of time', () => {
  const events = storyOf(
    {
      need: need(),
      trades: SPLIT,
      decisions: [
        { slot: SLOT_NUMBER, action: 'buy', energyWh: 800, reason: 'the battery is low', atMs: CREATED_MS - 5 },
      ],
    },
    peer => (peer === NADIA ? 'Nadia' : 'Omar'),
  )
  expect(events.map(({ text }) => text)).toEqual([
    'The household decided to buy 800 Wh: the battery is low.',
    'Wanted 800 Wh at 0.3/kWh at most, fees included.',
    'asked everybody in the zone',
    'Asked Nadia for 500 Wh (trade t-1).',
    'Asked Omar for 300 Wh (trade t-2).',
    'With Nadia it is active, 500 Wh at 0.16/kWh.',
    'With Omar it is active, 300 Wh at 0.24/kWh.',
    'All of it was bought: you asked for it.',
  ])
})

test('why takes the id of a need or of a trade, and takes only the decisions for its slot', async () => {
  const decisions = [
    { slot: SLOT_NUMBER, action: 'buy', energyWh: 800, reason: 'the battery is low', atMs: 1 },
    { slot: 0, action: 'wait', energyWh: 0, reason: 'another day', atMs: 2 },
  ]
  await using daemon = await openFakeDaemon({
    'GET /v1/peers': PEERS,
    'GET /v1/needs': [need()],
    'GET /v1/needs/need-1': need(),
    'GET /v1/needs/need-1/trades': SPLIT,
    'GET /v1/trades': SPLIT,
    'GET /v1/decisions': decisions,
  })
  const [byNeed, byTrade] = [await daemon.run('trade', 'why', 'need'), await daemon.run('trade', 'why', 't-2')]
  expect(byNeed.out).toContain('the battery is low')
  expect(byNeed.out).not.toContain('another day')
  expect(byTrade.out).toBe(byNeed.out)
})

test('a sale is told without a need', async () => {
  const { needId: _, ...sale } = trade('t-9', { role: 'seller', state: 'settled' })
  await using daemon = await openFakeDaemon({
    'GET /v1/peers': PEERS,
    'GET /v1/needs': [],
    'GET /v1/trades': [sale],
    'GET /v1/decisions': [],
  })
  const { out } = await daemon.run('trade', 'why', 't-9')
  expect(out).toContain('Nadia asked for 500 Wh (trade t-9).')
  expect(out).toContain('With Nadia it is settled')
})

test('letters that fit several trades are not guessed at', async () => {
  await using daemon = await openFakeDaemon({ 'GET /v1/peers': PEERS, 'GET /v1/trades': SPLIT })
  const { code, err } = await daemon.run('trade', 'show', 't-')
  expect(code).toBe(1)
  expect(err).toContain('2 trades begin with t-')
})

test('an offer is filtered by price, energy, source and slot', () => {
  const local = new Date(2026, 5, 1, 14, 15)
  const offer = { landedMicro: 150_000, availableWh: 500, slot: { startMs: local.getTime() }, sourceType: 'SOLAR' }
  const fits = (flags: Parameters<typeof offerFilter>[0]) => offerFilter(flags)(offer)
  expect(fits({})).toBe(true)
  expect([fits({ maxPrice: '0.15' }), fits({ maxPrice: '0.149999' })]).toEqual([true, false])
  expect([fits({ minEnergy: '0.5' }), fits({ minEnergy: '501Wh' })]).toEqual([true, false])
  expect([fits({ source: 'solar' }), fits({ source: 'grid' })]).toEqual([true, false])
  expect([fits({ slot: '14:15' }), fits({ slot: '14:30' })]).toEqual([true, false])
  expect([fits({ slot: '2026-06-01T14:15' }), fits({ slot: '2026-06-02 14:15' })]).toEqual([true, false])
  expect([fits({ slot: local.toISOString() }), fits({ slot: '2026-06-01T14:15-11:30' })]).toEqual([true, false])
  for (const slot of ['24:00', '14', '14:15:00', 'noon', '15']) {
    expect(() => fits({ slot })).toThrow(expect.objectContaining({ code: 'CLI_BAD_TIME' }))
  }
})

test('when filters leave nothing, the command says that there were offers', async () => {
  const cost = { priceMicro: 150_000, gridFeeMicro: 0, landedMicro: 150_000 }
  const offers = [{ offerId: 'o', slot: SLOT, availableWh: 500, ...cost }]
  await using daemon = await openFakeDaemon({
    'GET /v1/peers': PEERS,
    'GET /v1/catalogs': [{ ...CATALOG, offers }],
  })
  expect((await daemon.run('trade', 'search', '--max-price', '0.1')).out).toContain('None of 1 offers is like that')
  expect((await daemon.run('trade', 'search', '--max-price', '0.2')).out).toMatch(/0\.15 EUR\/kWh +– +500 Wh/)
})

test('to try a cancellation tells its terms and asks for no cancellation', async () => {
  await using daemon = await openFakeDaemon({
    'GET /v1/trades': SPLIT,
    'GET /v1/trades/t-1': trade('t-1', { state: 'cancelled' }),
    'POST /v1/trades/t-1/cancel': { feeMicro: 0, untilMs: SLOT.startMs },
  })
  const tried = await daemon.run('trade', 'cancel', 't-1', '--try')
  expect(tried.out).toContain('costs nothing')
  expect(daemon.posted).toEqual([{ path: '/v1/trades/t-1/cancel', body: { try: true } }])
  await daemon.run('trade', 'cancel', 't-1')
  expect(daemon.posted[1]).toEqual({ path: '/v1/trades/t-1/cancel', body: {} })
})

const ASKED = { id: 'm-1' as MessageId, digest: 'd' }

test('a trade is called cancelled once it is, and not before', async () => {
  await using daemon = await openFakeDaemon({
    'GET /v1/trades': SPLIT,
    'GET /v1/trades/t-1': times =>
      times < 3 ? trade('t-1', { asking: { cancel: ASKED } }) : trade('t-1', { state: 'cancelled', asking: {} }),
    'GET /v1/trades/t-2': trade('t-2', {
      asking: {},
      refusals: { cancel: 'the cancellation was refused: delivery has begun', track: 'the tracking was refused' },
    }),
    'POST /v1/trades/t-1/cancel': {},
    'POST /v1/trades/t-2/cancel': {},
  })
  const cancelled = await daemon.run('trade', 'cancel', 't-1', '--json')
  expect(JSON.parse(cancelled.out)).toEqual({ transactionId: 't-1', cancelled: true, state: 'cancelled' })
  const refused = await daemon.run('trade', 'cancel', 't-2')
  expect([refused.code, refused.out]).toEqual([1, ''])
  expect(refused.err).toContain('the trade is active as before: the cancellation was refused: delivery has begun\n')
})

test('a trade is called rated once the seller has kept the stars and the words', async () => {
  const settled = { state: 'settled', asking: {} } as const
  await using daemon = await openFakeDaemon({
    'GET /v1/trades': SPLIT,
    'GET /v1/trades/t-1': trade('t-1', { ...settled, rating: { stars: 4, words: 'late' } }),
    'POST /v1/trades/t-1/rate': {},
  })
  expect((await daemon.run('trade', 'rate', 't-1', '4', '--words', 'late')).out).toContain('is rated 4 of 5')
  const other = await daemon.run('trade', 'rate', 't-1', '4', '--words', 'on time')
  expect([other.code, other.out]).toEqual([1, ''])
})

test('a trade is reduced, never raised; a rating is one to five', async () => {
  await using daemon = await openFakeDaemon({
    'GET /v1/trades': SPLIT,
    'POST /v1/trades/t-1/reduce': {},
    'GET /v1/trades/t-1': trade('t-1', { state: 'settled', rating: { stars: 4, words: 'on time' } }),
    'POST /v1/trades/t-1/rate': {},
    'POST /v1/withdraw': {},
  })
  expect((await daemon.run('trade', 'reduce', 't-1', '0.5')).err).toContain('is not less')
  await daemon.run('trade', 'reduce', 't-1', '200Wh')
  expect((await daemon.run('trade', 'rate', 't-1', '6')).code).toBe(1)
  await daemon.run('trade', 'rate', 't-1', '4', '--words', 'on time')
  await daemon.run('trade', 'withdraw')
  expect(daemon.posted).toEqual([
    { path: '/v1/trades/t-1/reduce', body: { energyWh: 200 } },
    { path: '/v1/trades/t-1/rate', body: { stars: 4, words: 'on time' } },
    { path: '/v1/withdraw', body: {} },
  ])
})

test('a peer is meant by its name, its whole id or the last letters of it, and is never guessed', () => {
  const whole = `12D3KooW${'a'.repeat(44)}`
  const { meant, nameOf } = partiesOf([
    ...PEERS.map(({ peer, name }) => ({ peer: peer as PeerId, name })),
    { peer: '12D3KooWOther' as PeerId, name: 'Omar' },
  ])
  expect([meant('Nadia'), meant('…Nadia'), meant(whole)]).toEqual([NADIA, NADIA, whole])
  expect(nameOf(whole)).toBe('…aaaaaaaa')
  expect(() => meant('Omar')).toThrow(expect.objectContaining({ code: 'CLI_AMBIGUOUS' }))
  expect(() => meant('dia')).toThrow(expect.objectContaining({ code: 'CLI_NO_PEER' }))
})
