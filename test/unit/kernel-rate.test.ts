import { describe, expect, test } from 'vitest'
import { createRateLimit, type RateLimitOptions } from '../../src/kernel/rate.ts'

function limit(more: Partial<RateLimitOptions> = {}) {
  let nowMs = 1_000_000
  const rate = createRateLimit({ burst: 3, perSecond: 2, maxKeys: 10, now: () => nowMs, ...more })
  return {
    pass: (ms: number): void => {
      nowMs += ms
    },
    /** How many of so many get through. */
    of: (count: number, key = 'a'): number =>
      Array.from({ length: count }, () => rate.take(key)).filter(Boolean).length,
  }
}

describe('a rate limit', () => {
  test('lets a burst through, and then so many a second', () => {
    const { pass, of } = limit()
    expect(of(5)).toBe(3)
    pass(499)
    expect(of(1)).toBe(0)
    pass(1)
    expect(of(5)).toBe(1)
    pass(1_000)
    expect(of(5)).toBe(2)
  })

  test('is full again after a while, and never fuller', () => {
    const { pass, of } = limit()
    of(5)
    pass(3_600_000)
    expect(of(5)).toBe(3)
  })

  test('knows rates below one a second', () => {
    const { pass, of } = limit({ burst: 1, perSecond: 0.1 })
    expect(of(2)).toBe(1)
    for (let second = 1; second < 10; second++) {
      pass(1_000)
      expect(of(1)).toBe(0)
    }
    pass(1_001)
    expect(of(1)).toBe(1)
  })

  test('counts each key by itself', () => {
    const { of } = limit()
    expect([of(5, 'a'), of(5, 'b'), of(5, 'a')]).toEqual([3, 3, 0])
  })

  test('a clock that is set back gives nothing, and takes nothing', () => {
    const { pass, of } = limit()
    expect(of(2)).toBe(2)
    pass(-60_000)
    expect(of(2)).toBe(1)
    pass(500)
    expect(of(2)).toBe(1)
  })

  test('remembers so many keys, and forgets who was silent longest', () => {
    const { of } = limit({ maxKeys: 2 })
    expect([of(3, 'a'), of(3, 'b'), of(1, 'a'), of(3, 'c')]).toEqual([3, 3, 0, 3])
    expect([of(1, 'a'), of(1, 'b')]).toEqual([0, 1])
  })
})
