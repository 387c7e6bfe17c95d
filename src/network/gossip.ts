import { hash } from 'node:crypto'
import { type GossipSub, gossipsub, StrictNoSign, TopicValidatorResult } from '@chainsafe/libp2p-gossipsub'
import { createTopicScoreParams } from '@chainsafe/libp2p-gossipsub/score'
import { createGate } from '../kernel/gate.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import { MAX_GOSSIP_BYTES } from '../protocol/limits.ts'
import type { Verdict } from '../protocol/verdict.ts'
import { networkError } from './network-error.ts'

export type OnGossip = (topic: string, bytes: Uint8Array, from: PeerId) => Promise<Verdict>

const RESULTS: Readonly<Record<Verdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
}

/** The service as libp2p builds it; everything it does not say is the protocol's default (D = 6, heartbeat 1 s). */
export function gossipService(topics: readonly string[]): ReturnType<typeof gossipsub> {
  return gossipsub({
    // Envelopes carry their author's signature, checked once in the validator. Gossip's own would be a second one.
    globalSignaturePolicy: StrictNoSign,
    allowedTopics: [...topics],
    allowPublishToZeroTopicPeers: true,
    // The outbox may publish the same bytes again.
    ignoreDuplicatePublishError: true,
    // One encoding for all receivers.
    batchPublish: true,
    // Own messages go to every subscriber, not to the mesh alone: a peer that subscribed a moment ago joins the mesh at
    // the next heartbeat, and is never told of what was published before.
    floodPublish: true,
    // Gossip would eat a relay's quota in minutes; a peer behind NAT hears it over the connections it dialled.
    runOnLimitedConnection: false,
    // An answer to IWANT packs many messages in one frame, and a frame over the limit costs the stream. 64 of the
    // largest messages fit.
    maxInboundDataLength: 64 * MAX_GOSSIP_BYTES,
    maxTopicBytesPerPeer: 64 * 1024,
    decodeRpcLimits: {
      maxSubscriptions: 128,
      maxMessages: 2048,
      maxIhaveMessageIDs: 5000,
      maxIwantMessageIDs: 5000,
      maxIdontwantMessageIDs: 512,
      maxControlMessages: 512,
      maxPeerInfos: 16,
    },
    msgIdFn: message => hash('sha256', message.data, 'buffer'),
    // Spares duplicates the asynchronous path. It must resist collisions too: whoever finds one silences a message.
    fastMsgIdFn: message => hash('sha256', message.data ?? new Uint8Array(), 'base64'),
    msgIdToStrFn: id => Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('base64'),
    scoreParams: scoreParams(topics),
    scoreThresholds: { gossipThreshold: -40, publishThreshold: -60, graylistThreshold: -100 },
  })
}

/**
 * What a peer can earn and lose on each topic. Time in the mesh and fresh messages earn at most 13; an unreadable or
 * forged message costs 10 times the square of how many there were lately: the first is forgiven, the second ends the
 * mesh, the fourth makes us deaf to the peer until it is quiet for about 25 seconds.
 */
function scoreParams(topics: readonly string[]) {
  const topic = createTopicScoreParams({
    topicWeight: 1,
    timeInMeshWeight: 0.01,
    timeInMeshQuantum: 1000,
    timeInMeshCap: 300,
    firstMessageDeliveriesWeight: 0.5,
    firstMessageDeliveriesDecay: 0.98,
    firstMessageDeliveriesCap: 20,
    // A minimum of deliveries punishes honest peers on topics that are silent most of the day.
    meshMessageDeliveriesWeight: 0,
    meshFailurePenaltyWeight: 0,
    invalidMessageDeliveriesWeight: -10,
    invalidMessageDeliveriesDecay: 0.99,
  })
  return {
    topics: Object.fromEntries(topics.map(name => [name, topic])),
    topicScoreCap: 30,
    // Neighbours share addresses: a carrier's NAT, a block of flats, twenty daemons on one machine.
    IPColocationFactorWeight: 0,
    // A slow CPU breaks a few promises without malice.
    behaviourPenaltyWeight: -5,
    behaviourPenaltyThreshold: 6,
    behaviourPenaltyDecay: 0.9,
    decayInterval: 1000,
    decayToZero: 0.01,
    retainScore: 10 * 60_000,
  }
}

export interface Gossip {
  start(): void
  publish(topic: string, bytes: Uint8Array): Promise<number>
  subscribers(topic: string): number
}

export function createGossip(deps: {
  service: GossipSub
  topics: readonly string[]
  onGossip: OnGossip
  log: Log
  metrics: Metrics
}): Gossip {
  const { service, topics, onGossip, log } = deps
  // Gossipsub runs validators unbounded in parallel, and holds a late one against the peer that sent it.
  const gate = createGate({ width: 32, queue: 512 })
  const received = deps.metrics.counter('gossip_received_total', 'Gossip messages received, by verdict.', ['verdict'])
  const published = deps.metrics.counter('gossip_published_total', 'Gossip messages published.')
  const carried = deps.metrics.counter('gossip_bytes_total', 'Bytes of gossip messages, copies not counted.', ['way'])

  async function judged(topic: string, bytes: Uint8Array, from: PeerId): Promise<Verdict> {
    if (bytes.byteLength > MAX_GOSSIP_BYTES) return 'reject'
    try {
      return (await gate.pass(() => onGossip(topic, bytes, from))) ?? 'ignore'
    } catch (error) {
      // A bug of ours must not be held against the peer that met it.
      log.error({ err: error, topic, peer: from }, 'handling a gossip message failed')
      return 'ignore'
    }
  }

  for (const topic of topics) {
    service.topicValidators.set(topic, async (peer, message) => {
      const verdict = await judged(topic, message.data, peer.toString() as PeerId)
      received({ verdict })
      carried({ way: 'in' }, message.data.byteLength)
      return RESULTS[verdict]
    })
  }

  return {
    start() {
      for (const topic of topics) service.subscribe(topic)
    },
    async publish(topic, bytes) {
      if (!topics.includes(topic)) throw networkError('NET_UNKNOWN_TOPIC', `not subscribed to ${topic}`)
      // Gossipsub loses what is too large without a word.
      if (bytes.byteLength > MAX_GOSSIP_BYTES) throw tooLarge(bytes.byteLength)
      // Published to nobody, a message counts as seen, and could not be published again when somebody has come.
      if (service.getSubscribers(topic).length === 0) return 0
      const { recipients } = await service.publish(topic, bytes)
      published()
      carried({ way: 'out' }, bytes.byteLength)
      return recipients.length
    },
    subscribers: topic => service.getSubscribers(topic).length,
  }
}

function tooLarge(size: number): Error {
  return networkError('NET_TOO_LARGE', `a gossip message has at most ${MAX_GOSSIP_BYTES} bytes, this one ${size}`, {
    details: { size, max: MAX_GOSSIP_BYTES },
  })
}
