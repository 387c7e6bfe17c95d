import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isoDuration,
  isSameSlot,
  numberedSlot,
  parseIsoDuration,
  readSlot,
  slotAfter,
  slotAt,
  slotEndMs,
  slotKey,
  slotNumberAt,
  slotNumberOf,
  slotPeriod,
  slotStartMs,
  slotsBetween,
} from '../../src/kernel/slot.ts'

const QUARTER_MS = 900_000

describe('a slot', () => {
  test('holds every moment from its start on, and not its end', () => {
    expect(slotAt(1_000_000, QUARTER_MS)).toEqual({ startMs: 900_000, durationMs: QUARTER_MS })
    expect(slotAt(900_000, QUARTER_MS)).toEqual({ startMs: 900_000, durationMs: QUARTER_MS })
    expect(slotAt(1_799_999, QUARTER_MS).startMs).toBe(900_000)
    expect(slotAt(1_800_000, QUARTER_MS).startMs).toBe(1_800_000)
  })

  test('follows the one before without a gap', () => {
    const slot = slotAt(1_000_000, QUARTER_MS)
    expect(slotAfter(slot)).toEqual(slotAt(slotEndMs(slot), QUARTER_MS))
    expect(slotAfter(slot, 4).startMs).toBe(900_000 + 4 * QUARTER_MS)
    expect(slotsBetween(slot, slotAfter(slot, 4))).toBe(4)
  })

  test('has a number that leads back to it', () => {
    const number = fc.integer({ min: 0, max: 2_000_000 })
    const slotMs = fc.integer({ min: 1, max: 86_400 }).map(seconds => seconds * 1_000)
    fc.assert(
      fc.property(number, slotMs, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (at, ms, share) => {
        const slot = numberedSlot(at, ms)
        expect(slot).toEqual({ startMs: slotStartMs(at, ms), durationMs: ms })
        expect(slotNumberOf(slot, ms)).toBe(at)
        expect(slotNumberAt(slot.startMs + Math.floor(share * ms), ms)).toBe(at)
      }),
    )
    expect(slotNumberOf({ startMs: 450_000 }, QUARTER_MS)).toBe(0.5)
  })

  test('is the same when both its start and its length are', () => {
    const slot = numberedSlot(3, QUARTER_MS)
    for (const [other, same] of [
      [{ ...slot }, true],
      [slotAfter(slot), false],
      [{ ...slot, durationMs: 1_000 }, false],
    ] as const) {
      expect(isSameSlot(slot, other)).toBe(same)
      expect(slotKey(slot) === slotKey(other)).toBe(same)
    }
  })
})

describe('an ISO 8601 duration', () => {
  test('is written in the largest unit it is whole in, and read back', () => {
    for (const ms of [1_000, 90_000, 900_000, 3_600_000, 5_400_000]) expect(parseIsoDuration(isoDuration(ms))).toBe(ms)
    expect([7_200_000, 900_000, 90_000, 30_400].map(isoDuration)).toEqual(['PT2H', 'PT15M', 'PT90S', 'PT30S'])
  })

  test.each([
    ['PT1H2M3S', 3_723_000],
    ['PT0.5S', 500],
    ['PT1.0005S', 1_001],
    ['P1D', 86_400_000],
    ['P2W', 14 * 86_400_000],
    ['P1Y2M', (365 + 60) * 86_400_000],
    ['P1DT12H', 129_600_000],
    ['-PT15M', -900_000],
  ])('%s lasts %d ms', (text, ms) => expect(parseIsoDuration(text)).toBe(ms))

  test.each(['', 'P', 'PT', 'P1DT', '15M', 'PT-1S', 'PT1H2', 'PT1M1H', 'PT1.S', 'pt1h', ' PT1H'])(
    '"%s" is none',
    text => expect(parseIsoDuration(text)).toBeUndefined(),
  )
})

describe('a slot of a stranger', () => {
  const start = '2026-06-01T12:00:00Z'
  const startMs = Date.parse(start)

  test('is read from its start and an exact duration', () => {
    expect(readSlot({ start, duration: 'PT15M' })).toEqual({ startMs, durationMs: QUARTER_MS })
    expect(readSlot({ start: '2026-06-01T14:00:00+02:00', duration: 'PT1.001S' })).toEqual({
      startMs,
      durationMs: 1_001,
    })
    expect(readSlot(slotPeriod(numberedSlot(7, QUARTER_MS)))).toEqual(numberedSlot(7, QUARTER_MS))
  })

  test.each(['P1D', '-PT15M', 'PT0S', 'PT0.999S', 'PT1.0005S', 'PT8785H', `PT${'9'.repeat(30)}H`, '', '15M'])(
    'of %s is none',
    duration => expect(readSlot({ start, duration })).toBeUndefined(),
  )

  test.each(['', 'soon', '1969-12-31T23:59:59Z', '2100-01-01T00:00:01Z', '+275760-09-13T00:00:00Z'])(
    'that begins "%s" is none',
    other => expect(readSlot({ start: other, duration: 'PT15M' })).toBeUndefined(),
  )
})
