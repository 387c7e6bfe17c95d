import { expect, test } from 'vitest'
import { isRefusal } from '../../src/domains/trading/beckn/error.ts'
import { nextState } from '../../src/domains/trading/states.ts'
import type { Trade, TradeState } from '../../src/domains/trading/trade.ts'

const STATES = [
  'none',
  'selecting',
  'quoted',
  'reserved',
  'confirming',
  'active',
  'settled',
  'cancelled',
  'expired',
  'refused',
] as const
const UNKNOWN = 'CTX_TRANSACTION_ID_UNKNOWN'
const ILLEGAL = 'BIZ_INVALID_STATE_TRANSITION'
const LATE = 'BIZ_QUOTE_EXPIRED_OR_CHANGED'

const CONFIRMED = 'BIZ_ALREADY_CONFIRMED'
const GONE = 'BIZ_ALREADY_CANCELLED'
const NO = ILLEGAL

/** Every state × every step, as a person would write it on a blackboard: a row a step, a column a state. */
const TABLE = {
  seller: {
    //        none         selecting  quoted  reserved  confirming  active  settled  cancelled  expired  refused
    select: ['quoted', NO, 'quoted', NO, NO, CONFIRMED, CONFIRMED, GONE, NO, NO],
    init: [UNKNOWN, NO, 'reserved', 'reserved', NO, CONFIRMED, CONFIRMED, GONE, LATE, LATE],
    confirm: [UNKNOWN, NO, NO, 'active', NO, 'active', 'settled', GONE, LATE, LATE],
    status: [UNKNOWN, NO, 'quoted', 'reserved', NO, 'active', 'settled', 'cancelled', 'expired', 'refused'],
    track: [UNKNOWN, NO, 'quoted', 'reserved', NO, 'active', 'settled', 'cancelled', 'expired', 'refused'],
    support: [UNKNOWN, NO, 'quoted', 'reserved', NO, 'active', 'settled', 'cancelled', 'expired', 'refused'],
    update: [UNKNOWN, NO, NO, NO, NO, 'active', NO, GONE, NO, NO],
    settle: [UNKNOWN, NO, NO, NO, NO, 'settled', 'settled', GONE, NO, NO],
    rate: [UNKNOWN, NO, NO, NO, NO, NO, 'settled', NO, NO, NO],
    cancel: ['cancelled', NO, 'cancelled', 'cancelled', NO, 'cancelled', NO, 'cancelled', 'expired', 'refused'],
  },
  buyer: {
    on_select: [UNKNOWN, 'quoted', NO, NO, NO, NO, NO, NO, NO, NO],
    on_init: [UNKNOWN, NO, 'confirming', NO, NO, NO, NO, NO, NO, NO],
    on_confirm: [UNKNOWN, NO, NO, NO, 'active', 'active', 'settled', NO, 'active', NO],
    on_status: [UNKNOWN, NO, 'quoted', NO, 'confirming', 'active', 'settled', 'cancelled', 'expired', 'refused'],
    on_track: [UNKNOWN, NO, 'quoted', NO, 'confirming', 'active', 'settled', 'cancelled', 'expired', 'refused'],
    on_support: [UNKNOWN, NO, 'quoted', NO, 'confirming', 'active', 'settled', 'cancelled', 'expired', 'refused'],
    on_update: [UNKNOWN, NO, NO, NO, NO, 'active', NO, NO, NO, NO],
    on_settle: [UNKNOWN, NO, NO, NO, NO, 'settled', 'settled', NO, NO, NO],
    on_rate: [UNKNOWN, NO, NO, NO, NO, NO, 'settled', NO, NO, NO],
    on_cancel: [UNKNOWN, ...Array(5).fill('cancelled'), NO, 'cancelled', 'expired', 'refused'],
  },
} as const

const cases = Object.entries(TABLE).flatMap(([role, steps]) =>
  Object.entries(steps).flatMap(([step, row]) => STATES.map((state, i) => [role, state, step, row[i]] as const)),
)

test.each(cases)('a %s whose trade is %s, on %s: %s', (role, state, step, expected) => {
  const trade = state === 'none' ? undefined : ({ state, role } as Trade)
  const next = nextState(trade, role as Trade['role'], step as 'select')
  expect(isRefusal(next) ? next.code : next).toBe(expected)
  if (isRefusal(next)) expect(next.message).not.toBe('')
})

test('no step is for the other side, whatever the state', () => {
  for (const [role, steps] of Object.entries(TABLE)) {
    const other = role === 'seller' ? 'buyer' : 'seller'
    for (const step of Object.keys(steps) as 'select'[]) {
      for (const state of STATES.slice(1) as TradeState[])
        expect(nextState({ state, role: other } as Trade, role as Trade['role'], step)).toMatchObject({ code: ILLEGAL })
    }
  }
})

test('no step leads an agreed trade anywhere but to its settlement or its cancellation', () => {
  const ends = cases.filter(([, state]) => state === 'active').map(([, , , expected]) => expected)
  expect([...new Set(ends)].filter(end => !/^[A-Z]/.test(String(end)))).toEqual(['active', 'settled', 'cancelled'])
})
