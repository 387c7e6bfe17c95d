import type { Clock } from '../kernel/clock.ts'
import { CodedError } from '../kernel/errors.ts'
import type { MessageId, PeerId } from '../kernel/ids.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { Answer, Carrier, Draft } from '../kernel/outcome.ts'
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

/** What all that is carried shares. */
interface Carrying extends CourierDeps {
  /** What to do when the acknowledgement of a message on a topic comes. */
  readonly waiting: Map<MessageId, () => void>
  readonly signed: (labels: { carrier: 'gossip' | 'stream' }) => void
}

/** A message to one peer, as it travels. */
interface Letter {
  readonly id: MessageId
  readonly type: string
  readonly to: PeerId
  /** The topic it may go by; 'stream': none. */
  readonly carrier: Carrier
  readonly bytes: Uint8Array
}

export function createCourier(deps: CourierDeps): Courier {
  const carrying: Carrying = {
    ...deps,
    waiting: new Map(),
    signed: deps.metrics.counter('messages_signed_total', 'Messages signed and sent, by carrier', ['carrier']),
  }
  const { identity, types, isConnected } = deps

  return {
    async carry({ id, type, peer: to, carrier, envelope, sealed }, attempt, signal) {
      const bytes = await wire(JSON.parse(envelope) as UnsignedEnvelope, sealed, identity)
      if (to === undefined) return await publish(carrier, bytes, carrying)
      const letter: Letter = { id, type, to, carrier, bytes }
      const straightFirst = types.get(type)?.straightFirst === true && isConnected(to)
      if (attempt === 0 && !straightFirst && (await byTopic(letter, signal, carrying))) return 'settled'
      return await straight(letter, signal, carrying)
    },
    send: (envelope, draft) => sendOnce(envelope, draft, carrying),
    async ask(to, { envelope }, { sealed, signal }) {
      const bytes = await wire(envelope, sealed, identity)
      const { id, type } = envelope
      return await straight({ id, type, to, carrier: 'stream', bytes }, signal, carrying)
    },
    settled: id => carrying.waiting.get(id)?.(),
  }
}

/** To everybody who listens. */
async function publish(name: string, bytes: Uint8Array, { network, topic, signed }: Carrying): Promise<Answer> {
  const reached = await network.publish(topic(name), bytes)
  if (reached === 0) throw new CodedError('OUTBOX_ALONE', 'no neighbour listens to this topic yet')
  signed({ carrier: 'gossip' })
  return { status: 'ACK' }
}

/** True when its acknowledgement came in time. */
async function byTopic({ id, carrier, bytes }: Letter, stop: AbortSignal, carrying: Carrying): Promise<boolean> {
  const { network, topic, waiting, signed, clock } = carrying
  if (carrier === 'stream' || bytes.byteLength > MAX_GOSSIP_BYTES) return false
  const acknowledged = new AbortController()
  waiting.set(id, () => acknowledged.abort())
  try {
    if ((await network.publish(topic(carrier), bytes)) === 0) return false
    signed({ carrier: 'gossip' })
    await clock.sleep(GOSSIP_ACK_MS, acknowledged.signal, stop)
    return acknowledged.signal.aborted
  } finally {
    waiting.delete(id)
  }
}

async function straight(letter: Letter, signal: AbortSignal, carrying: Carrying): Promise<Answer> {
  const { type, to, bytes } = letter
  if (bytes.byteLength > MAX_STREAM_BYTES)
    return { status: 'NACK', error: { code: 'ENV_TOO_LARGE', message: `${bytes.byteLength} bytes` } }
  const protocol = streamOf(type, carrying)
  carrying.signed({ carrier: 'stream' })
  const reply = await carrying.network.request(to, protocol, bytes, { timeoutMs: REQUEST_MS, signal })
  return await answerTo(letter, reply, carrying)
}

async function answerTo({ id, to }: Letter, reply: Uint8Array, carrying: Carrying): Promise<Answer> {
  const { identity, networkName, open, clock } = carrying
  const decoded = decode(reply, MAX_STREAM_BYTES)
  if (!decoded.ok) throw new CodedError(decoded.code, `unusable answer: ${decoded.reason}`)
  const { envelope } = decoded
  const invalid = verify(decoded, { peerId: identity.peerId, network: networkName }, clock.now())
  if (invalid !== undefined) throw new CodedError(invalid.code, `unusable answer: ${invalid.reason}`)
  if (envelope.sender_id !== to || envelope.reply_to !== id) {
    throw new CodedError('OUTBOX_WRONG_ANSWER', 'the answer is not to what was asked')
  }
  const payload = isSealed(envelope.payload) ? await open(envelope) : envelope.payload
  const answer = answerFrom(payload, id)
  if (answer === undefined) throw new CodedError('OUTBOX_WRONG_ANSWER', 'the answer has no sense')
  return answer
}

async function sendOnce(envelope: UnsignedEnvelope, { carrier, to, sealed }: Draft, carrying: Carrying): Promise<void> {
  const { identity, network, topic, isConnected, signed } = carrying
  const bytes = await wire(envelope, sealed === true, identity)
  // What concerns one peer alone need not be carried by all, where there is a way to it.
  const alone = to !== undefined && (carrier === 'stream' || isConnected(to))
  signed({ carrier: alone ? 'stream' : 'gossip' })
  if (!alone) return void (carrier === 'stream' || (await network.publish(topic(carrier), bytes)))
  const protocol = streamOf(envelope.type, carrying)
  await network.request(to, protocol, bytes, { timeoutMs: REQUEST_MS })
}

function streamOf(type: string, { types }: Carrying): string {
  const known = types.get(type)
  if (known === undefined) throw new CodedError('OUTBOX_UNKNOWN_TYPE', `no domain here sends ${type}`)
  return streamProtocol(known.stream)
}
