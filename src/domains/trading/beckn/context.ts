import { createHash } from 'node:crypto'
import type { MessageId, PeerId, TransactionId } from '../../../kernel/ids.ts'
import type { JsonObject } from '../../../kernel/outcome.ts'
import { isoDuration, timestamp } from '../../../kernel/slot.ts'
import { canonical } from '../../../protocol/canonical.ts'
import { didOf } from '../../../protocol/keys.ts'
import type { Context } from './rules/context.ts'

export const BECKN_VERSION = '2.0.0'
const SCHEMAS = [
  'EnergyTradeOffer/v2.0',
  'EnergyResource/v2.0',
  'EnergyCustomer/v2.0',
  'DEGContract/v2.0',
  'RevenueFlow/v2.0',
  'BecknTimeSeries/v1.0',
]

/** The JSON-LD context of an official energy pack. */
export function packContext(pack: string): string {
  return `https://schema.nfh.global/${pack}/context.jsonld`
}

/** Where the official packs have no word: the JSON-LD context of one of ours. */
export function ownContext(type: string): string {
  return `https://wattmesh.example/schema/${type}/v1/context.jsonld`
}

export type RequestAction =
  | 'discover'
  | 'select'
  | 'init'
  | 'confirm'
  | 'status'
  | 'update'
  | 'cancel'
  | 'track'
  | 'rate'
  | 'support'
export type CallbackAction = `on_${RequestAction}`
export type Action = RequestAction | CallbackAction | 'catalog/publish' | 'catalog/pull'

/** The message type that carries an action: `beckn.on_select`, `beckn.catalog_publish`. */
export function typeOf(action: Action): string {
  return `beckn.${action.replace('/', '_')}`
}

export interface ContextFields {
  readonly action: Action
  readonly networkId: string
  readonly buyer?: PeerId | undefined
  readonly seller?: PeerId | undefined
  readonly sender: PeerId
  readonly receiver?: PeerId | undefined
  readonly transactionId: TransactionId
  /** The same in a request and its callback. */
  readonly messageId: MessageId
  readonly nowMs: number
  readonly ttlMs: number
  /** Of the request a callback answers. */
  readonly requestDigest?: string | undefined
  /** A preview: tells what would follow, and changes nothing. */
  readonly preview?: boolean | undefined
}

export function becknContext(fields: ContextFields): JsonObject {
  return {
    action: fields.action,
    version: BECKN_VERSION,
    ...(fields.buyer === undefined ? {} : { bapId: fields.buyer, bapUri: uriOf(fields.buyer) }),
    ...(fields.seller === undefined ? {} : { bppId: fields.seller, bppUri: uriOf(fields.seller) }),
    senderId: didOf(fields.sender),
    ...(fields.receiver === undefined ? {} : { receiverId: didOf(fields.receiver) }),
    transactionId: fields.transactionId,
    messageId: fields.messageId,
    networkId: fields.networkId,
    timestamp: timestamp(fields.nowMs),
    ttl: isoDuration(Math.max(1000, fields.ttlMs)),
    ...(fields.preview === true ? { try: true } : {}),
    ...(fields.requestDigest === undefined ? {} : { requestDigest: { digest: fields.requestDigest } }),
    schemaContext: SCHEMAS.map(packContext),
  }
}

export function uriOf(peer: PeerId): string {
  return `libp2p://${peer}/beckn/${BECKN_VERSION}`
}

/** What a callback names of its request (`requestDigest`): BLAKE2b-512 over the request's canonical `{ context, message }`. */
export function digestOf(payload: object): string {
  return `BLAKE-512=${createHash('blake2b512').update(canonical(payload)).digest('base64')}`
}

/** `{ context, message }`; what is inside `message` is read by the flow it belongs to. */
export interface BecknMessage {
  readonly context: Context & { readonly action: string }
  readonly message: JsonObject
}
