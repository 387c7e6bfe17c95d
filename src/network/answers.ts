import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import * as lp from 'it-length-prefixed'
import { pipe } from 'it-pipe'
import { messageOf } from '../kernel/errors.ts'
import { createGate, type Gate } from '../kernel/gate.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import { MAX_STREAM_BYTES } from '../protocol/limits.ts'
import { networkError } from './network-error.ts'
import { MAX_LANES } from './requests.ts'

export type OnRequest = (protocol: string, bytes: Uint8Array, from: PeerId) => Promise<Uint8Array>

export interface Patience {
  /** How long a stream may rest between requests. */
  readonly idleMs: number
  /** How long the rest of a begun request, or the taking of an answer, may be awaited. 1 MiB over a slow uplink fits. */
  readonly frameMs: number
}

export const PATIENCE: Patience = { idleMs: 60_000, frameMs: 30_000 }

/** The lanes of one peer share this much of us, whatever number of connections and protocols it opens. */
const PER_PEER = { width: MAX_LANES, queue: 4 * MAX_LANES }

interface Asked {
  readonly stream: Stream
  readonly gate: Gate
  readonly answer: (bytes: Uint8Array) => Promise<Uint8Array>
}

/** Answers requests on `protocols`: frames in, frames out, one at a time on each stream. */
export async function answerRequests(deps: {
  libp2p: Libp2p
  protocols: readonly string[]
  onRequest: OnRequest
  patience: Patience
  log: Log
  metrics: Metrics
}): Promise<void> {
  const { libp2p, onRequest, patience, log } = deps
  const gates = new Map<string, Gate>()
  const answered = deps.metrics.counter('requests_received_total', 'Requests received, by outcome.', ['outcome'])
  const carried = deps.metrics.counter('answers_bytes_total', 'Bytes of requests answered and of their answers.', [
    'way',
  ])

  libp2p.addEventListener('peer:disconnect', ({ detail }) => gates.delete(detail.toString()))

  function gateOf(peer: PeerId): Gate {
    const gate = gates.get(peer) ?? createGate(PER_PEER)
    gates.set(peer, gate)
    return gate
  }

  function handle(protocol: string) {
    return async (stream: Stream, connection: Connection): Promise<void> => {
      const peer = connection.remotePeer.toString() as PeerId
      const answer = async (bytes: Uint8Array) => {
        const reply = await onRequest(protocol, bytes, peer)
        answered({ outcome: 'answered' })
        carried({ way: 'in' }, bytes.byteLength)
        carried({ way: 'out' }, reply.byteLength)
        return reply
      }
      try {
        await converse({ stream, gate: gateOf(peer), answer }, patience)
      } catch (error) {
        answered({ outcome: 'failed' })
        log.debug({ peer, protocol, reason: messageOf(error) }, 'a request stream broke off')
        // The sender learns nothing but that there is no answer.
        stream.abort(error instanceof Error ? error : new Error(messageOf(error)))
      }
    }
  }

  for (const protocol of deps.protocols) {
    await libp2p.handle(protocol, handle(protocol), { maxInboundStreams: 2 * MAX_LANES, runOnLimitedConnection: true })
  }
}

async function converse(asked: Asked, patience: Patience): Promise<void> {
  const { stream } = asked
  const watch = watchdog(stream)
  try {
    watch.expect('a request', patience.idleMs)
    await pipe(
      stream,
      chunks => watch.started(chunks, patience.frameMs),
      chunks => lp.decode(chunks, { maxDataLength: MAX_STREAM_BYTES }),
      async frames => {
        for await (const frame of frames) {
          watch.rest()
          const answer = await reply(asked, frame.subarray())
          watch.expect('room for an answer', patience.frameMs)
          if (!stream.send(lp.encode.single(answer))) await stream.onDrain()
          watch.expect('a request', patience.idleMs)
        }
      },
    )
    if (stream.status === 'open') await stream.close()
  } finally {
    watch.rest()
  }
}

/** Nothing more is read while an answer is made: a stream's buffer has no other bound. */
async function reply({ stream, gate, answer }: Asked, bytes: Uint8Array): Promise<Uint8Array> {
  stream.pause()
  try {
    const made = await gate.pass(() => answer(bytes))
    if (made === undefined) throw networkError('NET_ABORTED', 'this peer asks faster than it is answered')
    return made
  } finally {
    if (stream.status === 'open') stream.resume()
  }
}

/** Resets a stream whose peer keeps us waiting. */
function watchdog(stream: Stream) {
  let timer: NodeJS.Timeout | undefined
  let inFrame = false

  function expect(what: string, timeoutMs: number): void {
    clearTimeout(timer)
    inFrame = false
    const late = () => stream.abort(networkError('NET_TIMEOUT', `waited ${timeoutMs} ms for ${what}`))
    timer = setTimeout(late, timeoutMs)
  }

  return {
    expect,
    rest: () => clearTimeout(timer),
    /** The first bytes of a frame start its time; more bytes do not prolong it, or one byte a minute would hold it. */
    async *started<T>(chunks: AsyncIterable<T>, frameMs: number): AsyncGenerator<T> {
      for await (const chunk of chunks) {
        if (!inFrame) {
          expect('the rest of a request', frameMs)
          inFrame = true
        }
        yield chunk
      }
    },
  }
}
