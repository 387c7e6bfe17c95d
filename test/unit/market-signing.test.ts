import { describe, expect, test } from 'vitest'
import { auction } from '../../src/domains/market/auction.ts'
import { audit, type MarketDocuments } from '../../src/domains/market/audit.ts'
import { idsOf } from '../../src/domains/market/book.ts'
import type { Line } from '../../src/domains/market/pairing.ts'
import {
  openSigning,
  promisedWh,
  type Signing,
  type SigningEvent,
  type SigningMessage,
  standingLines,
  stepSigning,
} from '../../src/domains/market/signing.ts'
import { book, buyer, SLOT, seller } from '../support/market-orders.ts'

const LINE: Line = ['ann', 'bob', 200, 120_000, 0, 0]
const FREEZE: SigningEvent = { freeze: { root: 'R', lines: [LINE] } }

/** What a peer says of these events, one after another. */
function told(me: string, ...events: readonly SigningEvent[]): { state: Signing; said: SigningMessage[] } {
  let state = openSigning(me)
  const said: SigningMessage[] = []
  for (const event of events) {
    const step = stepSigning(state, event)
    state = step.state
    said.push(...step.messages)
  }
  return { state, said }
}

describe('a line of the auction', () => {
  test('is a contract once both have bound to the same root and signed', () => {
    const ann = told(
      'ann',
      FREEZE,
      { bind: { from: 'bob', root: 'R' } },
      { sign: { from: 'bob', root: 'R', line: LINE } },
    )
    expect(ann.said).toEqual([
      { to: 'bob', bind: { from: 'ann', root: 'R' } },
      { to: 'bob', sign: { from: 'ann', root: 'R', line: LINE } },
    ])
    expect(standingLines(ann.state)).toEqual([LINE])
    expect(promisedWh(ann.state)).toEqual({ buyWh: 200, sellWh: 0 })
  })

  test('is signed under no other root, and bound to once', () => {
    const ann = told(
      'ann',
      FREEZE,
      { bind: { from: 'bob', root: 'other' } },
      { freeze: { root: 'other', lines: [LINE] } },
    )
    expect(ann.said).toHaveLength(1)
    expect(ann.state.root).toBe('R')
    expect(promisedWh(ann.state)).toEqual({ buyWh: 0, sellWh: 0 })
  })

  test('is released, and never signed after that, where the words are others', () => {
    const other: Line = ['ann', 'bob', 210, 120_000, 0, 0]
    const bob = told('bob', FREEZE, { sign: { from: 'ann', root: 'R', line: other } })
    expect(bob.said.at(-1)).toEqual({ to: 'ann', release: { from: 'bob', root: 'R', line: other } })
    expect(standingLines(bob.state)).toEqual([])
  })

  test('refused before the freeze stays refused: a peer signs the contract or a release, never both', () => {
    const bob = told('bob', { sign: { from: 'ann', root: 'R', line: LINE } }, FREEZE, {
      bind: { from: 'ann', root: 'R' },
    })
    expect(bob.said.map(message => Object.keys(message)[1])).toEqual(['release', 'bind'])
  })

  test('of which the other side has taken back its word is free again', () => {
    const ann = told(
      'ann',
      FREEZE,
      { bind: { from: 'bob', root: 'R' } },
      { release: { from: 'bob', root: 'R', line: LINE } },
    )
    expect(promisedWh(ann.state).buyWh).toBe(0)
    // It cannot be claimed any more.
    const later = stepSigning(ann.state, { sign: { from: 'bob', root: 'R', line: LINE } })
    expect([later.messages, standingLines(later.state)]).toEqual([[], []])
  })

  test('that was not signed when the time was over is free, and what was signed stands still', () => {
    const late = told('ann', FREEZE, { close: true }, { bind: { from: 'bob', root: 'R' } })
    expect(late.said).toHaveLength(1)
    const signed = told('ann', FREEZE, { bind: { from: 'bob', root: 'R' } }, { close: true }, { begin: true })
    const stands = stepSigning(signed.state, { sign: { from: 'bob', root: 'R', line: LINE } })
    expect(standingLines(stands.state)).toEqual([LINE])
  })

  test('unanswered is said again until the slot begins', () => {
    const ann = told('ann', FREEZE, { again: true }, { bind: { from: 'bob', root: 'R' } }, { again: true })
    expect(ann.said.map(message => Object.keys(message)[1])).toEqual(['bind', 'bind', 'sign', 'sign'])
    expect(stepSigning(stepSigning(ann.state, { begin: true }).state, { again: true }).messages).toEqual([])
  })

  test('is not asked for without end: what cannot be remembered is not refused, and none of it is signed', () => {
    const line = (i: number): Line => ['eve', 'bob', 10, i, 0, 0]
    const asked = Array.from(
      { length: 1_200 },
      (_, i): SigningEvent => ({ sign: { from: 'eve', root: 'R', line: line(i) } }),
    )
    const { state, said } = told('bob', ...asked)
    expect([said.length, state.refused.length]).toEqual([1_000, 1_000])
    // After the freeze there is nothing to remember, however often it is asked.
    const later = told('bob', FREEZE, ...asked)
    expect([later.said.length, later.state.refused]).toEqual([1_201, []])
  })

  test('of two others is nobody else’s business', () => {
    const eve = told('eve', FREEZE, { sign: { from: 'ann', root: 'R', line: LINE } })
    expect(eve.said).toEqual([])
  })
})

describe('an audit', () => {
  const one = book([buyer('ann', [200_000, 200]), seller('bob', [100_000, 200])])
  const { result } = auction(one)
  const [line] = result.contracts as [Line]
  const honest: MarketDocuments = {
    ...one,
    books: [{ ids: idsOf(one) }],
    binds: [
      { peer: 'ann', root: result.root },
      { peer: 'bob', root: result.root },
    ],
    contracts: [{ root: result.root, line, signedBy: ['ann', 'bob'] }],
  }

  test('of an honest slot finds nothing', () => {
    expect(audit(honest)).toEqual([])
  })

  test.each<[string, Partial<MarketDocuments>, readonly string[]]>([
    ['two orders under one number', { orders: [...one.orders, buyer('ann', [1, 10])] }, ['ORDER_TWICE']],
    ['two binds', { binds: [...honest.binds, { peer: 'bob', root: 'other' }] }, ['BIND_TWICE']],
    ['a contract without a bind', { binds: honest.binds.slice(1) }, ['CONTRACT_UNBOUND']],
    [
      'a contract of one signature',
      { contracts: [{ root: result.root, line, signedBy: ['ann'] }] },
      ['CONTRACT_UNSIGNED'],
    ],
    ['a root of no book', { books: [] }, ['BOOK_UNKNOWN']],
    [
      'more than was offered',
      { contracts: [{ root: result.root, line: ['ann', 'bob', 300, 1, 0, 0], signedBy: ['ann', 'bob'] }] },
      ['CONTRACT_NOT_IN_RESULT', 'OVERFILLED', 'OVERFILLED'],
    ],
    ['an order that is none', { orders: [...one.orders, buyer('eve', [1, -5])] }, ['ORDER_INVALID']],
  ])('finds %s', (_, more, codes) => {
    expect(audit({ ...honest, slot: SLOT, ...more }).map(([code]) => code)).toEqual(codes)
  })
})
