import type { MessageId, PeerId, TransactionId } from '../../../kernel/ids.ts'
import { didOf } from '../../../protocol/keys.ts'
import { type Action, type BecknMessage, typeOf } from './context.ts'
import { contractBreach } from './contract-body.ts'
import type { BecknRefusal } from './error.ts'
import { breach } from './rules/breach.ts'
import { judgeMessage, type Opened, openMessage } from './rules/validate.ts'

/** What the envelope that carries a message says of it, and who reads it. */
export interface Carried {
  readonly action: Action
  readonly id: MessageId
  readonly sender: PeerId
  readonly receiver: PeerId | undefined
  readonly transactionId: TransactionId
}

/** Where it arrives. */
interface Here {
  readonly networkId: string
  readonly currency: string
  now(): number
}

/**
 * The message in a payload, or what it is refused with: first the network and the context, then the trust (it must tell
 * the same story as the envelope that carries it), then the form, then the rules. Everything a peer takes from outside
 * passes here once, before anything is read for its sense.
 */
export function readMessage(payload: object, carried: Carried, here: Here): BecknMessage | BecknRefusal {
  const opened = openMessage(payload, { networkId: here.networkId, nowMs: here.now() })
  if ('code' in opened) return opened
  const refusal = partyMismatch(opened, carried) ?? storyMismatch(opened, carried) ?? surplus(payload)
  if (refusal !== undefined) return refusal
  const judged = judgeMessage(opened)
  if ('code' in judged) return judged
  return contractBreach(opened.message, here.currency) ?? (payload as BecknMessage)
}

function partyMismatch({ context }: Opened, { action, sender, receiver }: Carried): BecknRefusal | undefined {
  const refused = (message: string): BecknRefusal => ({ code: 'AUT_UNAUTHORIZED_ACTION', message })
  if (context.senderId === undefined)
    return { code: 'CTX_MISSING_FIELD', message: 'missing; every message names its sender', path: '$.context.senderId' }
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

function storyMismatch({ action, context }: Opened, carried: Carried): BecknRefusal | undefined {
  const { transactionId, messageId } = context
  if (action !== carried.action)
    return { code: 'CTX_ACTION_MISMATCH', message: `action ${action} in a message of type ${typeOf(carried.action)}` }
  if (transactionId !== carried.transactionId)
    return { code: 'CTX_TRANSACTION_ID_UNKNOWN', message: 'transactionId is not the task_id of the envelope' }
  // A callback bears the id of its request; everything else its own, or else it was said before in another envelope.
  if (!action.startsWith('on_') && messageId !== carried.id)
    return { code: 'CTX_MESSAGE_ID_DUPLICATE', message: `messageId ${messageId} belongs to another message` }
  return undefined
}

/** A callback with an error beside it does not bring what was asked for, whatever stands in it. */
function surplus(payload: object): BecknRefusal | undefined {
  const other = Object.keys(payload).find(key => key !== 'context' && key !== 'message')
  if (other === undefined) return undefined
  return breach('SCH_INVALID', [other], 'a message between peers is { context, message } and nothing else')
}
