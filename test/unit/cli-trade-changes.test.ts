import { expect, test } from 'vitest'
import { slotStart } from '../../src/cli/trade/slot-time.ts'
import type { TradeAnswer } from '../../src/domains/trading/commands.ts'
import type { MessageId, PeerId } from '../../src/kernel/ids.ts'
import { timestamp } from '../../src/kernel/slot.ts'
import { openFakeDaemon } from '../support/fake-daemon.ts'
import { CATALOG, NEED, STATUS, TERMS, TRADE } from '../support/whole-answers.ts'

const NADIA = '12D3KooWNadia' as PeerId
const PEERS = [{ peer: NADIA, name: 'Nadia' }]
const ASKED = { id: 'asked' as MessageId, digest: '' }

/** Signed by the seller alone. */
const PROPOSAL = { terms: TERMS, by: 'seller', signature: '' } as const

function trade(more: Partial<TradeAnswer> = {}): TradeAnswer {
  return {
    ...TRADE,
    counterparty: NADIA,
    startedMs: 0,
    ...more,
  }
}

test('a later slot is bought by the time it begins, and sold with those that follow it', async () => {
  await using daemon = await openFakeDaemon({ 'POST /v1/buy': NEED, 'POST /v1/sell': CATALOG })
  const startMs = new Date(2030, 5, 1, 14, 15).getTime()
  await daemon.run('trade', 'buy', '0.5', '--slot', '2030-06-01T14:15', '--no-wait')
  await daemon.run('trade', 'sell', '0.5', '--slot', '2030-06-01T14:15', '--slots', '4')
  expect(daemon.posted).toEqual([
    { path: '/v1/buy', body: { energyWh: 500, slotStartMs: startMs } },
    { path: '/v1/sell', body: { energyWh: 500, slotStartMs: startMs, slots: 4 } },
  ])
  expect((await daemon.run('trade', 'buy', '0.5', '--slot', 'noon')).err).toContain('"noon" is no time')
  expect(daemon.posted).toHaveLength(2)
})

test('a time of day is one of market time, which the daemon knows', async () => {
  const marketNowMs = new Date(2031, 5, 1, 14).getTime()
  await using daemon = await openFakeDaemon({
    'GET /v1/status': { ...STATUS, marketNowMs },
    'POST /v1/buy': NEED,
  })
  await daemon.run('trade', 'buy', '0.5', '--slot', '14:15', '--no-wait')
  const slotStartMs = new Date(2031, 5, 1, 14, 15).getTime()
  expect(daemon.posted).toEqual([{ path: '/v1/buy', body: { energyWh: 500, slotStartMs } }])
})

test('a time of day is the next one, today or tomorrow; with its day or offset it is that moment', async () => {
  const nowMs = new Date(2026, 9, 31, 14, 15).getTime()
  const at = (...parts: [number, number, number, number]) => new Date(2026, ...parts).getTime()
  const start = (text: string) => slotStart(text, async () => nowMs)
  expect(await start('14:30')).toBe(at(9, 31, 14, 30))
  expect(await start('14:15')).toBe(at(10, 1, 14, 15))
  expect(await start('00:00')).toBe(at(10, 1, 0, 0))
  expect(await start('2026-11-03 08:45')).toBe(at(10, 3, 8, 45))
  expect(await start('2026-11-03T08:45:00Z')).toBe(Date.UTC(2026, 10, 3, 8, 45))
  expect(await start('2026-11-03T08:45+02:00')).toBe(Date.UTC(2026, 10, 3, 6, 45))
  // As the daemon writes the next slot where it refuses another.
  expect(await start(timestamp(Date.UTC(2026, 10, 3, 8, 45)))).toBe(Date.UTC(2026, 10, 3, 8, 45))
  for (const wrong of ['24:00', '14', '14:60', '2026-13-01T08:00', '2026-11-03', '']) {
    await expect(start(wrong)).rejects.toEqual(expect.objectContaining({ code: 'CLI_BAD_TIME' }))
  }
})

test('a curtailment is done when both have signed, and may leave nothing', async () => {
  await using daemon = await openFakeDaemon({
    'GET /v1/trades': [trade({ role: 'seller' })],
    'POST /v1/trades/t-1/curtail': {},
    'GET /v1/trades/t-1': times => trade({ role: 'seller', ...(times < 3 ? { proposal: PROPOSAL } : { energyWh: 0 }) }),
  })
  const { code, out } = await daemon.run('trade', 'curtail', 't-1', '0', '--reason', 'grid-outage')
  expect([code, out]).toEqual([0, 'curtailed to 0 Wh instead of 500 Wh: both have signed\n'])
  expect(daemon.posted).toEqual([{ path: '/v1/trades/t-1/curtail', body: { energyWh: 0, reason: 'GRID_OUTAGE' } }])
  const { err } = await daemon.run('trade', 'curtail', 't-1', '0.2', '--reason', 'lazy')
  expect(err).toContain('grid-outage, emergency, congestion, maintenance, other')
  expect(daemon.posted).toHaveLength(1)
})

test.each([
  ['the trade ends meanwhile', { state: 'cancelled', proposal: PROPOSAL } as const],
  ['its buyer refuses it', { refusals: { update: 'the curtailment was refused: the slot has begun' } }],
])('a curtailment is not called done when %s', async (_, after) => {
  await using daemon = await openFakeDaemon({
    'GET /v1/trades': [trade({ role: 'seller' })],
    'POST /v1/trades/t-1/curtail': {},
    'GET /v1/trades/t-1': times => trade({ role: 'seller', ...(times < 2 ? { proposal: PROPOSAL } : after) }),
  })
  const { code, out, err } = await daemon.run('trade', 'curtail', 't-1', '200Wh')
  expect([code, out]).toEqual([1, ''])
  expect(err).toContain(
    `not curtailed to 200 Wh instead of 500 Wh${'refusals' in after ? `: ${after.refusals.update}` : ''}\n`,
  )
  expect(daemon.posted).toMatchObject([{ body: { energyWh: 200, reason: 'OTHER' } }])
})

test('tracking waits for the seller’s word, and is not satisfied with the one before', async () => {
  const before = { phase: 'before', atMs: 1 } as const
  const after = { phase: 'delivered', meteredWh: 480, atMs: 2 } as const
  await using daemon = await openFakeDaemon({
    'GET /v1/trades': [trade()],
    'POST /v1/trades/t-1/track': {},
    'GET /v1/trades/t-1': times => {
      if (times === 1) return trade({ progress: before })
      return times < 4 ? trade({ progress: before, asking: { track: ASKED } }) : trade({ progress: after })
    },
  })
  const { code, out } = await daemon.run('trade', 'track', 't-1')
  expect([code, out]).toEqual([
    0,
    expect.stringContaining('delivery of 500 Wh: over, not settled, the seller’s meter vouches for 480 Wh'),
  ])
})

test('a seller that refuses to be tracked is not quoted with what it said before', async () => {
  const progress = { phase: 'before', atMs: 1 } as const
  await using daemon = await openFakeDaemon({
    'GET /v1/trades': [trade()],
    'POST /v1/trades/t-1/track': {},
    // It has said the same before.
    'GET /v1/trades/t-1': trade({ progress, refusals: { track: 'not\u001b[2J today', rate: 'not that rating' } }),
  })
  const { code, out, err } = await daemon.run('trade', 'track', 't-1')
  expect([code, out]).toEqual([1, ''])
  expect(err).toContain('the seller does not answer: not[2J today\n')
})

test('why a trade ended is not taken for why its seller is silent, and nothing of it is said to be on its way', async () => {
  const progress = { phase: 'before', atMs: 1 } as const
  const ended = trade({ state: 'cancelled', reason: 'cancelled at your wish', progress })
  await using daemon = await openFakeDaemon({
    'GET /v1/peers': PEERS,
    'GET /v1/trades': [ended],
    'POST /v1/trades/t-1/track': {},
    'GET /v1/trades/t-1': ended,
  })
  expect((await daemon.run('trade', 'track', 't-1')).err).toMatch(/^wattmesh: the seller does not answer\n/)
  expect((await daemon.run('trade', 'show', 't-1')).out).toMatch(
    /^tracked +nothing is delivered: the trade is cancelled$/m,
  )
})

test('support names the peer to turn to, and what it calls itself cannot steer the terminal', async () => {
  const support = { name: 'Nadia\u001b[2J\nsays', peer: NADIA }
  await using daemon = await openFakeDaemon({
    'GET /v1/peers': PEERS,
    'GET /v1/trades': [trade()],
    'POST /v1/trades/t-1/support': {},
    'GET /v1/trades/t-1': trade({ support }),
  })
  const { code, out } = await daemon.run('trade', 'support', 't-1')
  expect([code, out]).toEqual([0, `ask Nadia[2J says (${NADIA}, known here as Nadia) and name the trade\n`])
})

test('support that is refused is not answered with what was said before', async () => {
  const support = { name: 'Nadia', peer: NADIA }
  await using daemon = await openFakeDaemon({
    'GET /v1/peers': PEERS,
    'GET /v1/trades': [trade()],
    'POST /v1/trades/t-1/support': {},
    'GET /v1/trades/t-1': trade({ support, refusals: { support: 'nobody is there' } }),
  })
  const { code, out, err } = await daemon.run('trade', 'support', 't-1')
  expect([code, out]).toEqual([1, ''])
  expect(err).toContain('the seller does not answer: nobody is there\n')
})

test('a trade is shown with what was asked about it', async () => {
  const progress = { phase: 'running', atMs: 0 } as const
  const asked = trade({
    progress,
    support: { name: 'Nadia\u001b[2J', peer: NADIA },
    rating: { stars: 4, words: 'a\nb' },
    refusals: { cancel: 'the cancellation was refused', track: 'the tracking was not answered' },
  })
  await using daemon = await openFakeDaemon({ 'GET /v1/peers': PEERS, 'GET /v1/trades': [asked] })
  const { out } = await daemon.run('trade', 'show', 't-1')
  expect(out).toMatch(/^tracked +delivery of 500 Wh: running \(said at .+\)$/m)
  expect(out).toMatch(/^support +Nadia\[2J \(12D3KooWNadia\)$/m)
  expect(out).toMatch(/^rated +4 of 5: a b$/m)
  expect(out).toMatch(/^asked +the cancellation was refused; the tracking was not answered$/m)
})
