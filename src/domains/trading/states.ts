import type { Action } from './beckn/context.ts'
import type { BecknCode, BecknRefusal } from './beckn/error.ts'
import type { Trade, TradeState } from './trade.ts'

/** `settle` and `on_settle` are the update that names FINAL_ALLOC, and its answer. */
type Step = Exclude<Action, 'catalog/publish' | 'catalog/pull' | 'discover' | 'on_discover'> | 'settle' | 'on_settle'
type Row = Partial<Record<Step, TradeState | BecknCode>>

const UNKNOWN = 'CTX_TRANSACTION_ID_UNKNOWN'
const ILLEGAL = 'BIZ_INVALID_STATE_TRANSITION'
const LATE = 'BIZ_QUOTE_EXPIRED_OR_CHANGED'
const CONFIRMED = 'BIZ_ALREADY_CONFIRMED'
const CANCELLED = 'BIZ_ALREADY_CANCELLED'

/** What only asks leaves the trade where it is. */
const stays = (state: TradeState): Row => ({ status: state, track: state, support: state })

/**
 * What a message does to a trade: state × message → next state, or the code it is refused with. What is not in a row is
 * an illegal step. `none`: no such trade here. A cancellation of what is not known here is taken all the same: the
 * select it overtook must not begin the trade after all.
 */
const SELLER: Readonly<Record<TradeState | 'none', Row>> = {
  none: {
    select: 'quoted',
    cancel: 'cancelled',
    init: UNKNOWN,
    confirm: UNKNOWN,
    status: UNKNOWN,
    update: UNKNOWN,
    settle: UNKNOWN,
    track: UNKNOWN,
    rate: UNKNOWN,
    support: UNKNOWN,
  },
  selecting: {},
  quoted: { ...stays('quoted'), select: 'quoted', init: 'reserved', cancel: 'cancelled' },
  reserved: { ...stays('reserved'), init: 'reserved', confirm: 'active', cancel: 'cancelled' },
  confirming: {},
  active: {
    ...stays('active'),
    confirm: 'active',
    update: 'active',
    settle: 'settled',
    cancel: 'cancelled',
    init: CONFIRMED,
    select: CONFIRMED,
  },
  settled: {
    ...stays('settled'),
    confirm: 'settled',
    settle: 'settled',
    rate: 'settled',
    init: CONFIRMED,
    select: CONFIRMED,
  },
  cancelled: {
    ...stays('cancelled'),
    cancel: 'cancelled',
    select: CANCELLED,
    init: CANCELLED,
    confirm: CANCELLED,
    update: CANCELLED,
    settle: CANCELLED,
  },
  expired: { ...stays('expired'), cancel: 'expired', init: LATE, confirm: LATE },
  refused: { ...stays('refused'), cancel: 'refused', init: LATE, confirm: LATE },
}

/** The answers to what only asks. */
const told = (state: TradeState): Row => ({ on_status: state, on_track: state, on_support: state })

const BUYER: Readonly<Record<TradeState | 'none', Row>> = {
  none: {
    on_select: UNKNOWN,
    on_init: UNKNOWN,
    on_confirm: UNKNOWN,
    on_status: UNKNOWN,
    on_cancel: UNKNOWN,
    on_update: UNKNOWN,
    on_settle: UNKNOWN,
    on_track: UNKNOWN,
    on_rate: UNKNOWN,
    on_support: UNKNOWN,
  },
  selecting: { on_select: 'quoted', on_cancel: 'cancelled' },
  quoted: { ...told('quoted'), on_init: 'confirming', on_cancel: 'cancelled' },
  reserved: { on_cancel: 'cancelled' },
  confirming: { ...told('confirming'), on_confirm: 'active', on_cancel: 'cancelled' },
  active: {
    ...told('active'),
    on_confirm: 'active',
    on_update: 'active',
    on_settle: 'settled',
    on_cancel: 'cancelled',
  },
  settled: { ...told('settled'), on_confirm: 'settled', on_settle: 'settled', on_rate: 'settled' },
  cancelled: { ...told('cancelled'), on_cancel: 'cancelled' },
  // A callback that comes after the buyer has gone on changes nothing: the seller's reservation ends by itself. Only a
  // contract that both have signed binds, however late this side learns of it.
  expired: { ...told('expired'), on_confirm: 'active', on_cancel: 'expired' },
  refused: { ...told('refused'), on_cancel: 'refused' },
}

const CODES: ReadonlySet<string> = new Set<BecknCode>([UNKNOWN, ILLEGAL, LATE, CONFIRMED, CANCELLED])

export function nextState(trade: Trade | undefined, role: Trade['role'], step: Step): TradeState | BecknRefusal {
  const state = trade?.state ?? 'none'
  // The other side plays its own part only: a seller cannot cancel as if it were the buyer.
  if (trade !== undefined && trade.role !== role)
    return { code: ILLEGAL, message: `${step} is not for a ${trade.role}` }
  const next = (role === 'seller' ? SELLER : BUYER)[state][step] ?? ILLEGAL
  if (!CODES.has(next)) return next as TradeState
  return { code: next as BecknCode, message: sentence(next as BecknCode, state, step) }
}

function sentence(code: BecknCode, state: string, step: Step): string {
  if (code === UNKNOWN) return 'this peer knows no such trade'
  if (code === LATE) return 'the quote or the reservation has run out; select again'
  return `${step} does not follow when the trade is ${state}`
}
