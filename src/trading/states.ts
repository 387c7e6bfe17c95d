import type { Action } from './beckn/context.ts'
import type { BecknCode, BecknRefusal } from './beckn/error.ts'
import type { Trade, TradeState } from './trade.ts'

type Step = Exclude<Action, 'catalog/publish' | 'discover' | 'on_discover'>
type Row = Partial<Record<Step, TradeState | BecknCode>>

const UNKNOWN = 'CTX_TRANSACTION_ID_UNKNOWN'
const ILLEGAL = 'BIZ_INVALID_STATE_TRANSITION'
const LATE = 'BIZ_QUOTE_EXPIRED_OR_CHANGED'

/**
 * What a message does to a trade: state × message → next state, or the code it is refused with. What is not in a row is
 * an illegal step. `none`: no such trade here.
 */
const SELLER: Readonly<Record<TradeState | 'none', Row>> = {
  none: { select: 'quoted', init: UNKNOWN, confirm: UNKNOWN, status: UNKNOWN, cancel: UNKNOWN },
  selecting: {},
  quoted: { select: 'quoted', init: 'reserved', status: 'quoted', cancel: 'cancelled' },
  reserved: { init: 'reserved', confirm: 'active', status: 'reserved', cancel: 'cancelled' },
  confirming: {},
  active: {
    confirm: 'active',
    status: 'active',
    cancel: 'cancelled',
    init: 'BIZ_ALREADY_CONFIRMED',
    select: 'BIZ_ALREADY_CONFIRMED',
  },
  cancelled: { status: 'cancelled', cancel: 'cancelled', confirm: 'BIZ_ALREADY_CANCELLED' },
  expired: { status: 'expired', cancel: 'expired', init: LATE, confirm: LATE },
  refused: { status: 'refused', init: LATE, confirm: LATE },
}

const BUYER: Readonly<Record<TradeState | 'none', Row>> = {
  none: { on_select: UNKNOWN, on_init: UNKNOWN, on_confirm: UNKNOWN, on_status: UNKNOWN, on_cancel: UNKNOWN },
  selecting: { on_select: 'quoted', on_cancel: 'cancelled' },
  quoted: { on_init: 'confirming', on_cancel: 'cancelled' },
  reserved: { on_cancel: 'cancelled' },
  confirming: { on_confirm: 'active', on_status: 'confirming', on_cancel: 'cancelled' },
  active: { on_confirm: 'active', on_status: 'active', on_cancel: 'cancelled' },
  cancelled: { on_status: 'cancelled', on_cancel: 'cancelled' },
  // A callback that comes after the buyer has gone on changes nothing: the seller's reservation ends by itself.
  expired: { on_status: 'expired', on_cancel: 'expired' },
  refused: { on_status: 'refused', on_cancel: 'refused' },
}

const CODES: ReadonlySet<string> = new Set<BecknCode>([
  UNKNOWN,
  ILLEGAL,
  LATE,
  'BIZ_ALREADY_CONFIRMED',
  'BIZ_ALREADY_CANCELLED',
])

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
