import type { Clock } from '../kernel/clock.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Carrier, JsonObject } from '../kernel/outcome.ts'
import { type Decoded, decode } from '../protocol/decode.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { MAX_GOSSIP_BYTES, MAX_STREAM_BYTES } from '../protocol/limits.ts'
import type { MessageType, MessageTypes } from '../protocol/message-type.ts'
import { isSealed, type Open } from '../protocol/sealed.ts'
import { type Rejection, rejection } from '../protocol/verdict.ts'
import { verify } from '../protocol/verify.ts'

export interface Arrival {
  readonly bytes: Uint8Array
  readonly carrier: Carrier
  /** The neighbour it came from; the sender is who signed it. */
  readonly from: PeerId
}

export interface Checked<Fact> {
  readonly ok: true
  readonly envelope: Envelope
  readonly type: MessageType<Fact>
}

/** Refused, with what could be read of it. */
export type Refused = Rejection & { readonly envelope?: Envelope }

export interface CheckDeps<Fact> {
  readonly receiver: { readonly peerId: PeerId; readonly network: string }
  readonly types: MessageTypes<Fact>
  readonly clock: Clock
  readonly open: Open
}

/** Decode and verify: everything cheap, in the order of cost. What passes is genuine, for us, and of a known type. */
export function check<Fact>(arrival: Arrival, deps: CheckDeps<Fact>): Checked<Fact> | Refused {
  const decoded = decode(arrival.bytes, arrival.carrier === 'stream' ? MAX_STREAM_BYTES : MAX_GOSSIP_BYTES)
  if (!decoded.ok) return decoded
  const { envelope } = decoded
  const invalid = verify(decoded, deps.receiver, deps.clock.now()) ?? wrongStream(decoded, arrival)
  if (invalid !== undefined) return { ...invalid, envelope }
  const type = deps.types.get(envelope.type)
  if (type === undefined)
    return { ...rejection('ENV_UNKNOWN_TYPE', `type ${envelope.type} is not known here`), envelope }
  if (!type.carriers.includes(arrival.carrier)) {
    return { ...rejection('ENV_CARRIER', `${envelope.type} does not travel by ${arrival.carrier}`), envelope }
  }
  return { ok: true, envelope, type }
}

/** A stream is a conversation of two: the other end speaks for itself, to us. */
function wrongStream({ envelope }: Decoded, { carrier, from }: Arrival): Rejection | undefined {
  if (carrier !== 'stream') return undefined
  if (envelope.sender_id !== from) return rejection('ENV_SENDER', 'sent by a peer that did not sign it')
  return envelope.to === undefined ? rejection('ENV_AUDIENCE', 'addressed to nobody, on a stream') : undefined
}

/** Opens a sealed payload and checks it against the schema of its type. */
export async function openPayload<Fact>(
  { envelope, type }: Checked<Fact>,
  open: Open,
): Promise<{ ok: true; payload: JsonObject } | Rejection> {
  const sealed = isSealed(envelope.payload)
  if (type.sealed && !sealed) return rejection('ENV_SEALED', `${envelope.type} must be sealed to its recipient`)
  const payload = sealed ? await open(envelope) : envelope.payload
  if (payload === undefined) return rejection('ENV_SEALED', 'sealed to another key, or damaged')
  const result = type.payload.safeParse(payload)
  if (result.success) return { ok: true, payload }
  const issue = result.error.issues[0]
  return rejection('ENV_PAYLOAD', `${issue?.path.join('.') || 'payload'}: ${issue?.message}`)
}
