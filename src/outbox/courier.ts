import type { Clock } from '../kernel/clock.ts'
import { CodedError } from '../kernel/errors.ts'
import type { MessageId, PeerId } from '../kernel/ids.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { Answer, Draft } from '../kernel/outcome.ts'
import { answerFrom } from '../protocol/answer.ts'
import { decode } from '../protocol/decode.ts'
import type { UnsignedEnvelope } from '../protocol/envelope.ts'
import type { Identity } from '../protocol/keys.ts'
import { MAX_GOSSIP_BYTES, MAX_STREAM_BYTES } from '../protocol/limits.ts'
import type { MessageType } from '../protocol/message-type.ts'
import { isSealed, type Open } from '../protocol/sealed.ts'
import { streamProtocol } from '../protocol/topics.ts'
import { verify } from '../protocol/verify.ts'
import { type PendingMessage, wire } from './wire.ts'

/** How long an addressed message on a topic waits for its acknowledgement before it goes straight. */
const GOSSIP_ACK_MS = 2_000
const REQUEST_MS = 10_000

export interface CourierDeps {
  readonly identity: Identity
  readonly networkName: string
  /** Which way each type of message goes. */
  readonly types: ReadonlyMap<string, Pick<MessageType<unknown>, 'stream' | 'straightFirst'>>
  /** The topic of that name. */
  readonly topic: (name: string) => string
  readonly open: Open
  readonly clock: Clock
  readonly network: {
    publish(topic: string, bytes: Uint8Array): Promise<number>
    request(
      peer: PeerId,
      protocol: string,
      bytes: Uint8Array,
      options: { timeoutMs: number; signal?: AbortSignal },
    ): Promise<Uint8Array>
  }
  readonly isConnected: (peer: PeerId) => boolean
  readonly metrics: Metrics
}

/** Carries one message one time: by its topic, or straight, or first one and then the other. */
export interface Courier {
  /** The answer; 'settled' when it came another way; throws when nobody was reached. */
  carry(message: PendingMessage, attempt: number, signal: AbortSignal): Promise<Answer | 'settled'>
  /** Sends once, by the carrier the draft names. */
  send(envelope: UnsignedEnvelope, draft: Draft): Promise<void>
  /** Asks straight and once; nothing is kept on this side. */
  ask(
    peer: PeerId,
    question: { envelope: UnsignedEnvelope },
    how: { sealed: boolean; signal: AbortSignal },
  ): Promise<Answer>
  /** An acknowledgement came in by gossip. */
  settled(id: MessageId): void
}

export function createCourier(deps: CourierDeps): Courier {
  const { network, clock, metrics } = deps
  const waiting = new Map<MessageId, () => void>()
  const signed = metrics.counter('messages_signed_total', 'Messages signed and sent, by carrier', ['carrier'])

  async function carry(message: PendingMessage, attempt: number, signal: AbortSignal): Promise<Answer | 'settled'> {
    const envelope = JSON.parse(message.envelope) as UnsignedEnvelope
    const bytes = await wire(envelope, message.sealed, deps.identity)
    if (message.peer === undefined) return await publish(message, bytes)
    const first =
      deps.types.get(message.type)?.straightFirst === true && deps.isConnected(message.peer) ? 'stream' : 'topic'
    if (attempt === 0 && first === 'topic' && (await byTopic(message, bytes, signal))) return 'settled'
    return await straight(message, message.peer, bytes, signal)
  }

  async function publish({ carrier }: PendingMessage, bytes: Uint8Array): Promise<Answer> {
    const reached = await network.publish(deps.topic(carrier), bytes)
    if (reached === 0) throw new CodedError('OUTBOX_ALONE', 'no neighbour listens to this topic yet')
    signed({ carrier: 'gossip' })
    return { status: 'ACK' }
  }

  /** True when its acknowledgement came in time. */
  async function byTopic({ id, carrier }: PendingMessage, bytes: Uint8Array, stop: AbortSignal): Promise<boolean> {
    if (carrier === 'stream' || bytes.byteLength > MAX_GOSSIP_BYTES) return false
    const acknowledged = new AbortController()
    waiting.set(id, () => acknowledged.abort())
    try {
      if ((await network.publish(deps.topic(carrier), bytes)) === 0) return false
      signed({ carrier: 'gossip' })
      await clock.sleep(GOSSIP_ACK_MS, AbortSignal.any([acknowledged.signal, stop]))
      return acknowledged.signal.aborted
    } finally {
      waiting.delete(id)
    }
  }

  async function straight(
    message: Pick<PendingMessage, 'id' | 'type'>,
    peer: PeerId,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<Answer> {
    if (bytes.byteLength > MAX_STREAM_BYTES)
      return { status: 'NACK', error: { code: 'ENV_TOO_LARGE', message: `${bytes.byteLength} bytes` } }
    const protocol = streamOf(message.type)
    signed({ carrier: 'stream' })
    const reply = await network.request(peer, protocol, bytes, { timeoutMs: REQUEST_MS, signal })
    return await answerTo(message.id, peer, reply)
  }

  async function answerTo(id: MessageId, peer: PeerId, bytes: Uint8Array): Promise<Answer> {
    const decoded = decode(bytes, MAX_STREAM_BYTES)
    if (!decoded.ok) throw new CodedError(decoded.code, `unusable answer: ${decoded.reason}`)
    const { envelope } = decoded
    const invalid = verify(decoded, { peerId: deps.identity.peerId, network: deps.networkName }, clock.now())
    if (invalid !== undefined) throw new CodedError(invalid.code, `unusable answer: ${invalid.reason}`)
    if (envelope.sender_id !== peer || envelope.reply_to !== id) {
      throw new CodedError('OUTBOX_WRONG_ANSWER', 'the answer is not to what was asked')
    }
    const payload = isSealed(envelope.payload) ? await deps.open(envelope) : envelope.payload
    const answer = answerFrom(payload, id)
    if (answer === undefined) throw new CodedError('OUTBOX_WRONG_ANSWER', 'the answer has no sense')
    return answer
  }

  async function send(envelope: UnsignedEnvelope, { carrier, to, sealed }: Draft): Promise<void> {
    const bytes = await wire(envelope, sealed === true, deps.identity)
    // What concerns one peer alone need not be carried by all, where there is a way to it.
    const alone = to !== undefined && (carrier === 'stream' || deps.isConnected(to))
    signed({ carrier: alone ? 'stream' : 'gossip' })
    if (!alone) return void (carrier === 'stream' || (await network.publish(deps.topic(carrier), bytes)))
    const protocol = streamOf(envelope.type)
    await network.request(to, protocol, bytes, { timeoutMs: REQUEST_MS })
  }

  async function ask(
    peer: PeerId,
    { envelope }: { envelope: UnsignedEnvelope },
    { sealed, signal }: { sealed: boolean; signal: AbortSignal },
  ): Promise<Answer> {
    const bytes = await wire(envelope, sealed, deps.identity)
    const { id, type } = envelope
    return await straight({ id, type }, peer, bytes, signal)
  }

  function streamOf(type: string): string {
    const known = deps.types.get(type)
    if (known === undefined) throw new CodedError('OUTBOX_UNKNOWN_TYPE', `no domain here sends ${type}`)
    return streamProtocol(known.stream)
  }

  return { carry, send, ask, settled: id => waiting.get(id)?.() }
}
