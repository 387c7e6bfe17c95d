import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createFlow, netPower } from '../../src/domains/energy/meter/flow.ts'
import type { NetPower } from '../../src/domains/energy/meter/meter.ts'

const SECOND = 1_000
const MINUTE = 60_000

/** A house whose registers count whole Wh, and are read every so often. */
function house({ everyMs = 10 * SECOND, importing = true, exporting = true } = {}) {
  const [inward, outward] = [createFlow(), createFlow()]
  let [nowMs, inWh, outWh] = [0, 5_000, 7_000]
  const seen = (): NetPower | undefined =>
    netPower(importing ? inward : undefined, exporting ? outward : undefined, nowMs)
  const read = (): void => {
    inward.sample(nowMs, Math.floor(inWh))
    outward.sample(nowMs, Math.floor(outWh))
  }
  read()
  return {
    inward,
    outward,
    seen,
    exportW: () => seen()?.exportW,
    now: () => nowMs,
    /** So much flows out (in, when negative) for so long; answers the power after each reading. */
    flows(watts: number, forMs: number): (number | undefined)[] {
      const told: (number | undefined)[] = []
      for (const endMs = nowMs + forMs; nowMs < endMs; ) {
        nowMs += everyMs
        const wh = (watts * everyMs) / 3_600_000
        inWh += Math.max(0, -wh)
        outWh += Math.max(0, wh)
        read()
        told.push(seen()?.exportW)
      }
      return told
    },
    passes(ms: number): void {
      nowMs += ms
    },
  }
}

describe('the power through the connection', () => {
  test('is what the registers counted in a minute, where that is enough to tell', () => {
    const home = house()
    home.flows(3_600, MINUTE)
    expect(home.seen()).toEqual({ exportW: 3_600, fromMs: 0, toMs: MINUTE })
    home.flows(-1_800, MINUTE)
    expect(home.seen()).toEqual({ exportW: -1_800, fromMs: MINUTE, toMs: 2 * MINUTE })
  })

  test('is not known before a minute was seen, nor a weak one before five', () => {
    expect(house().exportW()).toBeUndefined()
    expect(house().flows(3_600, 2 * MINUTE)).toEqual([...Array(5).fill(undefined), ...Array(7).fill(3_600)])
    const weak = house().flows(36, 6 * MINUTE)
    expect(weak.findIndex(watts => watts !== undefined)).toBe(29)
  })

  test('is never off by more than a tenth and the Wh a register does not show yet', () => {
    const watts = fc.integer({ min: -12_000, max: 12_000 })
    const everyMs = fc.constantFrom(1, 7, 10, 30, 60, 110).map(seconds => seconds * SECOND)
    fc.assert(
      fc.property(watts, everyMs, (steady, every) => {
        const told = house({ everyMs: every }).flows(steady, 20 * MINUTE)
        const known = told.filter(one => one !== undefined)
        expect(known.length).toBeGreaterThan(0)
        for (const one of known) expect(Math.abs(one - steady)).toBeLessThanOrEqual(Math.abs(steady) / 10 + 12)
      }),
    )
  })

  test('has turned within two minutes when a cloud comes', () => {
    const home = house()
    home.flows(2_000, 30 * MINUTE)
    const told = home.flows(-500, 2 * MINUTE)
    expect(told.at(-1)).toBeLessThan(-400)
    // Half of the minute looked at, and it stays below: no longer look brings the sun back.
    const below = told.findIndex(watts => (watts ?? 0) < 0)
    expect(below).toBeLessThan(8)
    expect(told.slice(below).every(watts => watts !== undefined && watts < 0)).toBe(true)
  })

  test('is not known while either register has been silent for more than two minutes', () => {
    const home = house()
    home.flows(2_000, 10 * MINUTE)
    home.passes(2 * MINUTE)
    expect(home.exportW()).toBeGreaterThan(1_800)
    home.passes(1)
    expect(home.exportW()).toBeUndefined()
    home.outward.sample(home.now(), 9_000)
    expect(home.exportW()).toBeUndefined()
  })

  test('begins anew after a silence: nobody knows when the energy flowed', () => {
    const home = house()
    home.flows(2_000, 10 * MINUTE)
    home.passes(3 * 3_600_000)
    const told = home.flows(-1_800, 2 * MINUTE)
    expect(told.filter(watts => watts !== undefined)).toEqual(Array(6).fill(-1_800))
  })

  test('begins anew when the count broke off, and when the clock was set back', () => {
    const home = house()
    home.flows(2_000, 10 * MINUTE)
    home.inward.forget()
    expect(home.exportW()).toBeUndefined()
    const other = house()
    other.flows(2_000, 10 * MINUTE)
    other.passes(-5 * MINUTE)
    expect(other.exportW()).toBeUndefined()
    expect(other.flows(-1_800, MINUTE).every(watts => watts === undefined)).toBe(true)
    expect(other.flows(-1_800, 10 * SECOND)).toEqual([-1_800])
  })

  test('needs no register for a way in which nothing ever flows', () => {
    const home = house({ exporting: false })
    home.flows(-3_600, 2 * MINUTE)
    expect(home.exportW()).toBe(-3_600)
    home.passes(2 * MINUTE + 1)
    expect(home.exportW()).toBeUndefined()
  })

  test('is known from a meter that speaks ten times a second, of which a sample a second is kept', () => {
    const home = house({ everyMs: 100 })
    home.flows(3_600, 8 * MINUTE + 500)
    expect(home.exportW()).toBeCloseTo(3_600, -2)
    expect(home.seen()).toMatchObject({ fromMs: 7 * MINUTE, toMs: 8 * MINUTE + 500 })
  })
})
