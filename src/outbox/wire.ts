import type { Clock } from '../kernel/clock.ts'
import type { MessageId, NewId, PeerId, SubjectId } from '../kernel/ids.ts'
import type { Carrier, Draft } from '../kernel/outcome.ts'
import type { UnsignedEnvelope } from '../protocol/envelope.ts'
import type { Identity } from '../protocol/keys.ts'
import { seal } from '../protocol/sealed.ts'
import { signEnvelope } from '../protocol/sign.ts'

/** A message kept until its recipient has it. */
export interface PendingMessage {
  readonly id: MessageId
  readonly type: string
  readonly taskId: SubjectId
  readonly peer: PeerId | undefined
  readonly expires: number
  readonly envelope: string
  readonly carrier: Carrier
  readonly sealed: boolean
  readonly state: string
  readonly attempts: number
}

/** A draft becomes an envelope of ours: stamped, not yet sealed or signed. */
export function stamp(
  draft: Draft,
  own: { peerId: PeerId; network: string },
  clock: Clock,
  newId: NewId,
): UnsignedEnvelope {
  const created = clock.now()
  return {
    v: 1,
    type: draft.type,
    id: draft.id ?? (newId() as MessageId),
    task_id: draft.subjectId,
    network: own.network,
    sender_id: own.peerId,
    created,
    expires: created + draft.ttlMs,
    payload: draft.payload,
    ...(draft.to === undefined ? {} : { to: draft.to }),
    ...(draft.replyTo === undefined ? {} : { reply_to: draft.replyTo }),
  }
}

/** The bytes that travel: sealed to the recipient if it must be, and signed. */
export async function wire(envelope: UnsignedEnvelope, sealed: boolean, identity: Identity): Promise<Uint8Array> {
  if (!sealed || envelope.to === undefined) return signEnvelope(envelope, identity)
  return signEnvelope(await seal({ ...envelope, to: envelope.to }), identity)
}
