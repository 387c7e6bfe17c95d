import { z } from 'zod'
import type { MessageId, PeerId, TaskId } from '../../kernel/ids.ts'
import type { JsonObject } from '../../kernel/outcome.ts'
import { didOf } from '../../protocol/keys.ts'
import { isoDuration, timestamp } from '../slot.ts'
import type { BecknRefusal } from './error.ts'

export const BECKN_VERSION = '2.0.0'
const SCHEMAS = [
  'EnergyTradeOffer/v2.0',
  'EnergyResource/v2.0',
  'EnergyCustomer/v2.0',
  'DEGContract/v2.0',
  'BecknTimeSeries/v1.0',
]

/** The JSON-LD context of an official energy pack. */
export function packContext(pack: string): string {
  return `https://schema.nfh.global/${pack}/context.jsonld`
}

export type RequestAction = 'discover' | 'select' | 'init' | 'confirm' | 'status' | 'cancel'
export type CallbackAction = `on_${RequestAction}`
export type Action = RequestAction | CallbackAction | 'catalog/publish'

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
  readonly transactionId: TaskId
  /** The same in a request and its callback. */
  readonly messageId: MessageId
  readonly nowMs: number
  readonly ttlMs: number
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
    schemaContext: SCHEMAS.map(packContext),
  }
}

function uriOf(peer: PeerId): string {
  return `libp2p://${peer}/beckn/${BECKN_VERSION}`
}

const contextSchema = z.looseObject({
  action: z.string(),
  version: z.string(),
  bapId: z.string().optional(),
  bppId: z.string().optional(),
  senderId: z.string(),
  receiverId: z.string().optional(),
  transactionId: z.uuid(),
  messageId: z.uuid(),
  timestamp: z.iso.datetime({ offset: true }),
})

/** `{ context, message }`; what is inside `message` is read by the flow it belongs to. */
export const becknSchema = z.strictObject({ context: contextSchema, message: z.looseObject({}) })
export type BecknMessage = z.infer<typeof becknSchema>

/** The context must tell the same story as the envelope that carries it. */
export function contextMismatch(
  { context }: BecknMessage,
  expected: { action: Action; sender: PeerId; receiver: PeerId | undefined; transactionId: TaskId },
): BecknRefusal | undefined {
  if (context.version !== BECKN_VERSION) {
    return { code: 'CTX_VERSION_UNSUPPORTED', message: `version ${context.version}; this peer speaks ${BECKN_VERSION}` }
  }
  if (context.action !== expected.action) {
    return {
      code: 'CTX_ACTION_MISMATCH',
      message: `action ${context.action} in a message of type ${typeOf(expected.action)}`,
    }
  }
  if (context.transactionId !== expected.transactionId) {
    return { code: 'CTX_MISSING_FIELD', message: 'transactionId is not the task_id of the envelope' }
  }
  if (context.senderId !== didOf(expected.sender)) {
    return { code: 'AUT_UNAUTHORIZED_ACTION', message: 'senderId is not the peer that signed' }
  }
  if (
    context.receiverId !== undefined &&
    expected.receiver !== undefined &&
    context.receiverId !== didOf(expected.receiver)
  ) {
    return { code: 'AUT_UNAUTHORIZED_ACTION', message: 'receiverId is not this peer' }
  }
  return undefined
}
