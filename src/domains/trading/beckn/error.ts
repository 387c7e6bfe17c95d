/**
 * Beckn's layered error codes: what is wrong with the network (NET), the message (CTX, SCH), the trust (AUT), the trade
 * (BIZ), the rules (POL).
 */
export type BecknCode =
  | 'NET_NETWORK_MISMATCH'
  | 'CTX_MISSING_FIELD'
  | 'CTX_ACTION_MISMATCH'
  | 'CTX_VERSION_UNSUPPORTED'
  | 'CTX_TTL_EXPIRED'
  | 'CTX_MESSAGE_ID_DUPLICATE'
  | 'CTX_TRANSACTION_ID_UNKNOWN'
  | 'AUT_SIGNATURE_MISSING'
  | 'AUT_SIGNATURE_INVALID'
  | 'AUT_UNAUTHORIZED_ACTION'
  | 'AUT_RATE_LIMITED'
  | 'SCH_MISSING_FIELD'
  | 'SCH_INVALID'
  | 'BIZ_OFFER_NOT_FOUND'
  | 'BIZ_QUANTITY_UNAVAILABLE'
  | 'BIZ_QUOTE_EXPIRED_OR_CHANGED'
  | 'BIZ_PRICE_MISMATCH'
  | 'BIZ_SETTLEMENT_MISMATCH'
  | 'BIZ_INVALID_STATE_TRANSITION'
  | 'BIZ_ALREADY_CONFIRMED'
  | 'BIZ_ALREADY_CANCELLED'
  | 'POL_SELF_TRADE'
  | 'POL_PARTY_MISMATCH'
  | 'POL_UNITS'
  | 'POL_CURRENCY'
  | 'POL_PAYLOAD_UNDECLARED'
  | 'POL_QUANTITY'
  | 'POL_AVAILABLE_NOT_ECHOED'
  | 'POL_SLOT_NOT_REQUESTED'
  | 'POL_ALLOCATION'
  | 'POL_FLOWS_UNBALANCED'
  | 'POL_COUNTERPARTY'
  | 'POL_CREDIT_LIMIT'
  | 'POL_QUANTITY_LIMIT'

export interface BecknRefusal {
  readonly code: BecknCode
  readonly message: string
  /** Where in the message (JSONPath), if it is about one place in it. */
  readonly path?: string
}

export function isRefusal(value: unknown): value is BecknRefusal {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value
}
