import type { MessageId, PeerId, TaskId } from '../../kernel/ids.ts'
import { didOf } from '../../protocol/keys.ts'
import { CLOCK_SKEW_MS } from '../../protocol/limits.ts'
import { parseIsoDuration } from '../slot.ts'
import { type Action, BECKN_VERSION, type BecknMessage, becknSchema, typeOf } from './context.ts'
import type { BecknRefusal } from './error.ts'

/** What the envelope that carries a message says of it, and who reads it. */
export interface Carried {
  readonly action: Action
  readonly networkId: string
  readonly id: MessageId
  readonly sender: PeerId
  readonly receiver: PeerId | undefined
  readonly transactionId: TaskId
  readonly nowMs: number
}

type Context = BecknMessage['context']

/**
 * The message in a payload, or what it is refused with: the network first, then the trust, then the form. The context
 * must tell the same story as the envelope that carries it.
 */
export function readMessage(payload: unknown, carried: Carried): BecknMessage | BecknRefusal {
  const parsed = becknSchema.safeParse(payload)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const path = issue?.path.join('.') ?? ''
    return {
      code: path.startsWith('context') ? 'CTX_MISSING_FIELD' : 'SCH_INVALID',
      message: `${path}: ${issue?.message}`,
    }
  }
  const { context } = parsed.data
  const refusal =
    networkMismatch(context, carried) ??
    partyMismatch(context, carried) ??
    storyMismatch(context, carried) ??
    timeMismatch(context, carried.nowMs)
  return refusal ?? (payload as BecknMessage)
}

function networkMismatch({ networkId }: Context, carried: Carried): BecknRefusal | undefined {
  if (networkId === undefined || networkId === carried.networkId) return undefined
  return { code: 'NET_NETWORK_MISMATCH', message: `network ${networkId}; this is ${carried.networkId}` }
}

function partyMismatch(context: Context, { action, sender, receiver }: Carried): BecknRefusal | undefined {
  const refused = (message: string): BecknRefusal => ({ code: 'AUT_UNAUTHORIZED_ACTION', message })
  if (context.senderId !== didOf(sender)) return refused('senderId is not the peer that signed')
  if (receiver === undefined) return undefined
  if (context.receiverId !== undefined && context.receiverId !== didOf(receiver))
    return refused('receiverId is not this peer')
  if (action.startsWith('catalog/')) return undefined
  // A request goes from the buyer to the seller, its callback the other way.
  const [buyer, seller] = action.startsWith('on_') ? [receiver, sender] : [sender, receiver]
  if (context.bapId !== undefined && context.bapId !== buyer) return refused('bapId is not the buyer of this message')
  if (context.bppId !== undefined && context.bppId !== seller) return refused('bppId is not the seller of this message')
  return undefined
}

function storyMismatch(context: Context, carried: Carried): BecknRefusal | undefined {
  const { version, action, transactionId, messageId } = context
  if (version !== BECKN_VERSION)
    return { code: 'CTX_VERSION_UNSUPPORTED', message: `version ${version}; this peer speaks ${BECKN_VERSION}` }
  if (action !== carried.action)
    return { code: 'CTX_ACTION_MISMATCH', message: `action ${action} in a message of type ${typeOf(carried.action)}` }
  if (transactionId !== carried.transactionId)
    return { code: 'CTX_MISSING_FIELD', message: 'transactionId is not the task_id of the envelope' }
  // A callback bears the id of its request; everything else its own.
  if (!action.startsWith('on_') && messageId !== carried.id)
    return { code: 'CTX_MESSAGE_ID_DUPLICATE', message: `messageId ${messageId} belongs to another message` }
  return undefined
}

function timeMismatch({ timestamp, ttl }: Context, nowMs: number): BecknRefusal | undefined {
  const atMs = Date.parse(timestamp)
  if (atMs > nowMs + CLOCK_SKEW_MS)
    return {
      code: 'CTX_TTL_EXPIRED',
      message: `written ${seconds(atMs - nowMs)} from now: one of the two clocks is wrong`,
    }
  if (ttl === undefined) return undefined
  const ttlMs = parseIsoDuration(ttl)
  if (ttlMs === undefined) return { code: 'CTX_MISSING_FIELD', message: `ttl ${ttl} is no duration` }
  const pastMs = nowMs - (atMs + ttlMs)
  return pastMs > CLOCK_SKEW_MS
    ? { code: 'CTX_TTL_EXPIRED', message: `its time was over ${seconds(pastMs)} ago` }
    : undefined
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`
}
