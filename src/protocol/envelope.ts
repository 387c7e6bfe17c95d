import { z } from 'zod'
import { type MessageId, PEER_ID, type PeerId, type SubjectId } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/outcome.ts'

/** Every JSON message, on gossip and on streams. All but `signature` is under the signature. */
export interface Envelope {
  readonly v: 1
  readonly type: string
  readonly id: MessageId
  readonly task_id: SubjectId
  readonly network: string
  readonly sender_id: PeerId
  /** The audience; absent when the message is for everybody on its topic. */
  readonly to?: PeerId
  /** Unix milliseconds. */
  readonly created: number
  /** Unix milliseconds; afterwards the message means nothing. */
  readonly expires: number
  /** The message this one answers. */
  readonly reply_to?: MessageId
  readonly payload: JsonObject
  /** Ed25519, base64url. */
  readonly signature: string
}

export type UnsignedEnvelope = Omit<Envelope, 'signature'>

const peerId = z.string().regex(PEER_ID)
const uuid = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
const word = z.string().regex(/^[\w.:-]{1,128}$/)
const time = z.int().min(0)

/** The frame alone; what a payload must look like is the business of its type. */
const envelopeSchema = z.strictObject({
  v: z.int(),
  type: z.string().regex(/^[a-z][a-z_]*(\.[a-z][a-z_]*)*$/),
  id: uuid,
  task_id: word,
  network: word,
  sender_id: peerId,
  to: peerId.optional(),
  created: time,
  expires: time,
  reply_to: uuid.optional(),
  payload: z.looseObject({}),
  // 64 bytes leave four bits of the last letter unused: they must be zero, or a signature has sixteen spellings.
  signature: z.string().regex(/^[\w-]{85}[AQgw]$/),
})

/** The envelope, or the sentence that says what is wrong with its frame. */
export function parseEnvelope(value: unknown): Envelope | string {
  const result = envelopeSchema.safeParse(value)
  if (result.success) return value as Envelope
  const issue = result.error.issues[0]
  return `${issue?.path.join('.') || 'message'}: ${issue?.message ?? 'does not fit'}`
}
