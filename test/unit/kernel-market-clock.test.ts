import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMarketClock } from '../../src/kernel/market-clock.ts'
import { fakeClock } from '../support/fake-clock.ts'

const SLOT_MS = 900_000
const ORIGIN_MS = 1_700_000_000_000

function clocks(more: { originMs?: number; speed?: number } = {}) {
  const clock = fakeClock(ORIGIN_MS)
  return { clock, market: createMarketClock({ clock, originMs: ORIGIN_MS, speed: 60, slotMs: SLOT_MS, ...more }) }
}

describe('market time', () => {
  test('is the wall’s without an origin, whatever the speed says', () => {
    const { clock, market } = clocks({ originMs: 0 })
    expect([market.speed, market.now(), market.toWallMs(5), market.wallDurationMs(5)]).toEqual([1, clock.now(), 5, 5])
  })

  test('runs from its origin on, so many times as fast', () => {
    const { clock, market } = clocks()
    expect(market.now()).toBe(ORIGIN_MS)
    void clock.advance(1_000)
    expect(market.now()).toBe(ORIGIN_MS + 60_000)
    expect(market.wallDurationMs(SLOT_MS)).toBe(15_000)
  })

  test('is slept through in its own milliseconds, and not a moment too short', async () => {
    const { clock, market } = clocks({ speed: 7 })
    const untilMs = market.now() + 10_000
    let awake = false
    void market.sleep(10_000).then(() => {
      awake = true
    })
    await clock.advance(1_428)
    expect([awake, market.now() < untilMs]).toEqual([false, true])
    await clock.advance(1)
    expect([awake, market.now() < untilMs]).toEqual([true, false])
  })

  test('a moment of it is on the wall when it has come there, and not a millisecond before', () => {
    const ahead = fc.integer({ min: 0, max: 10 ** 10 })
    fc.assert(
      fc.property(ahead, fc.integer({ min: 1, max: 5_000 }), (aheadMs, speed) => {
        const { clock, market } = clocks({ speed })
        const marketMs = ORIGIN_MS + aheadMs
        const wallMs = market.toWallMs(marketMs)
        expect(Number.isInteger(wallMs)).toBe(true)
        void clock.advance(wallMs - ORIGIN_MS)
        expect(market.now()).toBeGreaterThanOrEqual(marketMs)
        expect(market.now() - marketMs).toBeLessThan(speed)
      }),
    )
  })
})

test('the slot that runs, and any other by its number', async () => {
  const { clock, market } = clocks()
  const number = market.slotNumber()
  expect(number).toBe(Math.floor(ORIGIN_MS / SLOT_MS))
  expect(market.slot()).toEqual({ startMs: number * SLOT_MS, durationMs: SLOT_MS })
  await clock.advance(market.toWallMs(market.slot(number + 1).startMs) - clock.now())
  expect(market.slotNumber()).toBe(number + 1)
})
