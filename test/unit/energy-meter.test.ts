import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Meter, SlotReading } from '../../src/domains/energy/meter/meter.ts'
import { createMetering } from '../../src/domains/energy/meter/metering.ts'
import {
  appendReading,
  FIRST_LINK,
  type Link,
  meteredOf,
  type Reading,
  verifyChain,
} from '../../src/domains/energy/meter/reading-chain.ts'
import { createRegister, type Register } from '../../src/domains/energy/meter/register.ts'
import { createSimulatedMeter } from '../../src/domains/energy/meter/simulated-meter.ts'
import { substituteFor } from '../../src/domains/energy/meter/substitute.ts'
import { energyStore } from '../../src/domains/energy/store.ts'
import { identityFromSeed, verifySignature } from '../../src/protocol/keys.ts'
import { openPeer } from '../support/open-domain.ts'

const SLOT = 900_000
const owner = identityFromSeed(new Uint8Array(32).fill(7))
const verify = (text: string, signature: string): boolean => verifySignature(owner.peerId, text, signature) === true

describe('a register', () => {
  const sampled = (...samples: [slots: number, wh: number][]): Register => {
    const register = createRegister(SLOT)
    for (const [slots, wh] of samples) register.sample(slots * SLOT, wh)
    return register
  }

  test('counts a slot between the values at its edges, found by time between the samples around them', () => {
    const register = sampled([0.9, 1_000], [1.1, 1_200], [1.9, 2_000], [2.4, 2_050])
    // 1,100 at the start; a fifth of the last 50 Wh had flowed at the end.
    expect(register.countedWh(1)).toBe(2_010 - 1_100)
  })

  test('takes a sample at the very edge as it is', () => {
    expect(sampled([0.5, 0], [1, 70], [1.5, 90], [2, 100]).countedWh(1)).toBe(30)
  })

  test('does not know a slot whose beginning or end it has not seen', () => {
    const register = sampled([0.5, 0], [1.1, 70], [1.9, 90])
    expect([0, 1, 2].map(slot => register.countedWh(slot))).toEqual([undefined, undefined, undefined])
  })

  test('guesses nothing across a silence longer than a slot', () => {
    const register = sampled([0.9, 0], [1.1, 100], [2.2, 900], [2.9, 1_000], [3.1, 1_100])
    expect([1, 2].map(slot => register.countedWh(slot))).toEqual([undefined, undefined])
  })

  test('flags the slot in which it ran backwards, and counts the next from its new beginning', () => {
    const register = sampled([0.9, 5_000], [1.1, 5_100], [1.5, 3], [1.9, 10], [2.1, 30], [2.9, 100], [3.1, 120])
    expect([1, 2].map(slot => register.countedWh(slot))).toEqual(['BROKEN', 90])
  })

  test('flags both slots when it ran backwards between them', () => {
    const register = sampled([0.9, 100], [1.1, 200], [1.9, 300], [2.1, 5], [2.9, 50], [3.1, 60])
    expect([1, 2].map(slot => register.countedWh(slot))).toEqual(['BROKEN', 'BROKEN'])
  })

  test('flags every slot of a silence after which it stands lower', () => {
    const register = sampled([0.9, 900], [1.1, 1_000], [4.5, 10])
    expect([1, 2, 3, 4].map(slot => register.countedWh(slot))).toEqual(['BROKEN', 'BROKEN', 'BROKEN', 'BROKEN'])
  })

  test('does not believe a jump no house connection carries, nor the way back from it', () => {
    const register = createRegister(SLOT)
    expect(register.sample(0.9 * SLOT, 1_000)).toBeUndefined()
    expect(register.sample(1.1 * SLOT, 1_100)).toBeUndefined()
    expect(register.sample(1.2 * SLOT, 9_000_000)).toBe('jump')
    expect(register.sample(1.3 * SLOT, 1_200)).toBe('backwards')
    register.sample(2.1 * SLOT, 1_300)
    expect(register.countedWh(1)).toBe('BROKEN')
  })

  test('stays as it is when the clock is set back', () => {
    const register = sampled([1.5, 1_000], [0.5, 1_100], [1.2, 1_200], [2.1, 1_300])
    expect(register.countedWh(1)).toBe(1_289 - 1_171)
  })

  test('remembers bounded many edges', () => {
    const register = createRegister(SLOT)
    for (let slot = 0; slot < 1_000; slot += 0.5) register.sample(slot * SLOT, slot * 10)
    expect(register.countedWh(100)).toBeUndefined()
    expect(register.countedWh(990)).toBe(10)
  })

  test('loses and makes nothing over many slots, and never counts below zero', () => {
    const steps = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 899_999 }), fc.double({ min: 0, max: 900, noNaN: true })),
      {
        minLength: 50,
        maxLength: 200,
      },
    )
    fc.assert(
      fc.property(steps, all => {
        const register = createRegister(SLOT)
        const samples = [{ atMs: 0, wh: 1_000.5 }]
        for (const [ms, more] of all) {
          const { atMs, wh } = samples.at(-1) ?? expect.fail('no sample')
          samples.push({ atMs: atMs + ms, wh: wh + more })
        }
        for (const { atMs, wh } of samples) register.sample(atMs, wh)
        const lastEdge = Math.floor((samples.at(-1)?.atMs ?? 0) / SLOT)
        const counted = Array.from({ length: lastEdge - 1 }, (_, i) => register.countedWh(i + 1)).map(slot =>
          typeof slot === 'number' ? slot : expect.fail(`a slot is ${slot}`),
        )
        expect(counted.every(slot => Number.isInteger(slot) && slot >= 0)).toBe(true)
        const sum = counted.reduce((total, slot) => total + slot, 0)
        // The slots lie between these samples, and their ends are each rounded once.
        const around = (from: number, to: number): number => (samples[to]?.wh ?? 0) - (samples[from]?.wh ?? 0)
        const [before, after] = [1, lastEdge].map(slot => samples.findLastIndex(({ atMs }) => atMs <= slot * SLOT)) as [
          number,
          number,
        ]
        expect(sum).toBeLessThanOrEqual(around(before, Math.min(after + 1, samples.length - 1)) + 1)
        expect(sum).toBeGreaterThanOrEqual(around(before + 1, after) - 1)
      }),
    )
  })
})

test('the simulated meter sees what the household’s slot took from the grid and gave to it, net', () => {
  const slots = new Map([
    [3, { boughtWh: 400, importedWh: 30, soldWh: 0, exportedWh: 0 }],
    [4, { boughtWh: 100, importedWh: 0, soldWh: 500, exportedWh: 70 }],
  ])
  const meter = createSimulatedMeter({ slot: slot => slots.get(slot) })
  expect(meter.reading(3)).toEqual({ slot: 3, importWh: 430, exportWh: 0, quality: 'OK' })
  expect(meter.reading(4)).toEqual({ slot: 4, importWh: 0, exportWh: 470, quality: 'OK' })
  expect(meter.reading(5)).toBeUndefined()
})

const link = (slot: number, more: Partial<Link> = {}): Link => ({
  meterId: 'm',
  slot,
  slotMs: SLOT,
  importWh: 10 * slot,
  exportWh: 0,
  quality: 'OK',
  ...more,
})

function chainOf(links: Link[]): Reading[] {
  const chain: Reading[] = []
  for (const one of links) chain.push(appendReading(chain.at(-1), one, owner.sign))
  return chain
}

describe('the chain of readings', () => {
  const chain = chainOf([link(1), link(2, { quality: 'ESTIMATED', substitutes: 'MISSING' }), link(3), link(4)])

  test('binds each reading to the one before', () => {
    expect(chain.map(({ link, previous }) => [link, previous])).toEqual([
      [1, FIRST_LINK],
      [2, chain[0]?.hash],
      [3, chain[1]?.hash],
      [4, chain[2]?.hash],
    ])
    expect(verifyChain(chain, verify)).toBeUndefined()
  })

  test('is checked from any link on, and after a known one', () => {
    expect(verifyChain(chain.slice(2), verify)).toBeUndefined()
    expect(verifyChain(chain.slice(2), verify, chain[1])).toBeUndefined()
    expect(verifyChain(chain.slice(2), verify, chain[0])).toMatchObject({
      link: 3,
      problem: 'link 2 is missing before it',
    })
  })

  test('survives being stored', () => {
    expect(verifyChain(JSON.parse(JSON.stringify(chain)) as Reading[], verify)).toBeUndefined()
  })

  const changed = (index: number, change: Partial<Reading>): Reading[] =>
    chain.map((reading, i) => (i === index ? { ...reading, ...change } : reading))
  const forged = chainOf([link(1), link(2), link(3, { importWh: 9_999 })])
  const elsewhere = identityFromSeed(new Uint8Array(32).fill(8))

  test.each<[string, Reading[], number, RegExp]>([
    ['another energy', changed(1, { importWh: 5 }), 2, /was changed/],
    ['another quality', changed(1, { quality: 'OK' }), 2, /was changed/],
    ['a link taken out', chain.toSpliced(1, 1), 3, /link 2 is missing/],
    ['two links changed about', [chain[0], chain[2], chain[1]] as Reading[], 3, /link 2 is missing/],
    ['a link written anew', chain.toSpliced(2, 1, forged[2] as Reading), 3, /does not follow link 2/],
    [
      'a beginning that is none',
      [{ ...chain[0], ...appendReading(undefined, link(1), elsewhere.sign) }],
      1,
      /signature/,
    ],
    ['a slot that was final already', chainOf([link(5), link(5)]), 2, /final already/],
    ['energy below zero', chainOf([link(1, { importWh: -1 })]), 1, /no whole Wh/],
  ])('with %s is found broken at the first such link', (_, readings, at, problem) => {
    expect(verifyChain(readings, verify)).toMatchObject({ link: at, problem: expect.stringMatching(problem) })
  })

  test('belongs to one meter', () => {
    expect(() => appendReading(chain[0], link(2, { meterId: 'other' }), owner.sign)).toThrow(/cannot follow/)
    const other = { ...appendReading(undefined, link(1, { meterId: 'other' }), owner.sign) }
    expect(verifyChain([chain[0] as Reading, other], verify)).toMatchObject({
      problem: 'it is of another meter: other',
    })
  })

  test('goes on after a correction with the slot that comes next', () => {
    const links = [link(1, { quality: 'ESTIMATED' }), link(2), link(1, { corrects: 'h' }), link(3)]
    const corrected = chainOf(links)
    expect(corrected.map(({ finalSlot }) => finalSlot)).toEqual([1, 2, 2, 3])
    expect(verifyChain(corrected, verify)).toBeUndefined()
  })
})

describe('a substitute', () => {
  const day = (importWh: number, exportWh = 0, quality: Reading['quality'] = 'OK') => ({ importWh, exportWh, quality })

  test('is what was traded, up to the middle one of the same slots of former days', () => {
    const former = [day(100), day(900), day(300)]
    expect(substituteFor({ boughtWh: 250, soldWh: 0 }, former)).toEqual({ importWh: 250, exportWh: 0 })
    expect(substituteFor({ boughtWh: 5_000, soldWh: 0 }, former)).toEqual({ importWh: 300, exportWh: 0 })
  })

  test('does not believe other substitutes, and is nothing when nothing was ever measured', () => {
    const former = [day(0, 800, 'ESTIMATED'), day(0, 700, 'BAD')]
    expect(substituteFor({ boughtWh: 0, soldWh: 500 }, former)).toEqual({ importWh: 0, exportWh: 0 })
    expect(substituteFor({ boughtWh: 0, soldWh: 500 }, [...former, day(0, 200)])).toEqual({
      importWh: 0,
      exportWh: 200,
    })
  })

  test('of a household that bought and sold is the difference', () => {
    expect(substituteFor({ boughtWh: 300, soldWh: 500 }, [day(1_000, 1_000)])).toEqual({ importWh: 0, exportWh: 200 })
  })
})

/** A household whose meter says what the test wants; what is read is kept in its store. */
function metered(traded: Record<number, { boughtWh: number; soldWh: number }> = {}) {
  const says = new Map<number, SlotReading>()
  const meter: Meter = { reading: slot => says.get(slot) }
  const { storage } = openPeer()
  const opened = () => storage.open({ name: 'energy', store: energyStore })
  let kept = opened()
  let nowMs = 0.5 * SLOT
  const deps = () => ({
    meter,
    meterId: 'm',
    slotMs: SLOT,
    graceMs: () => 60_000,
    now: () => nowMs,
    sign: owner.sign,
    store: {
      ...kept.read,
      owedSlots: () => [],
      tradedWh: (slot: number) => traded[slot] ?? { boughtWh: 0, soldWh: 0 },
    },
  })
  let metering = createMetering(deps())
  return {
    says: (slot: number, importWh: number, quality: SlotReading['quality'] = 'OK') =>
      says.set(slot, { slot, importWh, exportWh: 0, quality }),
    /** Lets the clock show `slots` slots, and metering have its turn if it wants one. */
    at(slots: number) {
      nowMs = slots * SLOT
      const dueMs = metering.dueMs()
      const { facts } = metering.turn()
      expect(facts.length > 0).toBe(dueMs !== undefined && dueMs <= nowMs)
      for (const fact of facts) kept.apply(fact)
      return facts.map(({ reading }) => [reading.slot, reading.importWh, reading.quality] as const)
    },
    restart() {
      kept = opened()
      metering = createMetering(deps())
    },
    get chain() {
      return kept.read.chain('m', 0, 10_000)
    },
  }
}

describe('metering', () => {
  test('keeps each slot that is over once its meter has spoken, from the first whole one on', () => {
    const home = metered()
    home.says(0, 999)
    home.says(1, 10)
    expect(home.at(1.9)).toEqual([])
    expect(home.at(2)).toEqual([[1, 10, 'OK']])
    expect(home.at(2)).toEqual([])
    home.says(2, 20)
    home.says(3, 30)
    expect(home.at(4.01)).toEqual([
      [2, 20, 'OK'],
      [3, 30, 'OK'],
    ])
    expect(verifyChain(home.chain, verify)).toBeUndefined()
  })

  test('waits for a silent meter until the grace is over, then substitutes and goes on', () => {
    const home = metered({ 2: { boughtWh: 500, soldWh: 0 } })
    home.says(1, 10)
    home.at(2)
    home.says(3, 30)
    expect(home.at(3.05)).toEqual([])
    // Nothing was ever measured for that slot of the day, so nothing is believed.
    expect(home.at(3.07)).toEqual([[2, 0, 'ESTIMATED']])
    expect(home.at(4)).toEqual([[3, 30, 'OK']])
    expect(home.chain[1]).toMatchObject({ substitutes: 'MISSING' })
  })

  test('substitutes what was traded, as far as the same slot of former days bears it out', () => {
    const slotsADay = 96
    const home = metered({ [1 + 3 * slotsADay]: { boughtWh: 500, soldWh: 0 } })
    for (let slot = 1; slot <= 3 * slotsADay; slot++) home.says(slot, slot % slotsADay === 1 ? 420 : 5)
    for (let hundred = 1; hundred < 4; hundred++) home.at(3 * slotsADay + 1)
    expect(home.at(3 * slotsADay + 2.5)).toEqual([[1 + 3 * slotsADay, 420, 'ESTIMATED']])
  })

  test('does not believe a meter that contradicts itself', () => {
    const home = metered()
    home.says(1, 0, 'BAD')
    expect(home.at(2)).toEqual([])
    expect(home.at(2.1)).toEqual([[1, 0, 'ESTIMATED']])
    expect(home.chain[0]).toMatchObject({ substitutes: 'BAD' })
  })

  test('keeps a late reading beside the substitute, which stays what is settled by', () => {
    const home = metered()
    expect(home.at(2.1)).toEqual([[1, 0, 'ESTIMATED']])
    home.says(1, 77)
    expect(home.at(2.2)).toEqual([[1, 77, 'OK']])
    expect(home.chain[1]).toMatchObject({ corrects: home.chain[0]?.hash, finalSlot: 1 })
    // Said once; and the next slot follows the last final one.
    home.says(2, 20)
    expect(home.at(3)).toEqual([[2, 20, 'OK']])
    expect(verifyChain(home.chain, verify)).toBeUndefined()
  })

  test('goes on after a restart where it was, and substitutes for the time it was away', () => {
    const home = metered()
    home.says(1, 10)
    home.at(2)
    home.restart()
    expect(home.at(5.5).map(([slot, , quality]) => [slot, quality])).toEqual([
      [2, 'ESTIMATED'],
      [3, 'ESTIMATED'],
      [4, 'ESTIMATED'],
    ])
    expect(verifyChain(home.chain, verify)).toBeUndefined()
  })

  test('takes a long absence in bites, and leaves what is older than it can hold', () => {
    const home = metered()
    home.says(1, 10)
    home.at(2)
    expect(home.at(5_000.5)).toHaveLength(100)
    expect(home.chain[1]?.slot).toBe(4_000)
    for (let i = 0; i < 9; i++) home.at(5_000.5)
    expect(home.chain.at(-1)?.slot).toBe(4_999)
    expect(home.at(5_000.5)).toEqual([])
  })
})

test('whatever was not measured counts as an estimate when trades are settled', () => {
  const [good, guessed] = chainOf([link(1), link(2, { quality: 'ESTIMATED' })]) as [Reading, Reading]
  expect(meteredOf(good)).toEqual({ importWh: 10, exportWh: 0, quality: 'OK' })
  expect(meteredOf(guessed)).toEqual({ importWh: 20, exportWh: 0, quality: 'ESTIMATED' })
})
