import type { Connection, Stream } from '@libp2p/interface'
import { type LengthPrefixedStream, lpStream } from '@libp2p/utils'
import { createGate, type Gate } from '../kernel/gate.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Metrics } from '../kernel/metrics.ts'
import { MAX_STREAM_BYTES } from '../protocol/limits.ts'
import { createDeadline, networkError } from './network-error.ts'

/** A new stream costs seven times a reused one, and each carries one outstanding request. */
export const MAX_LANES = 16
/** Shorter than the answering side's patience, so that a lane does not close under a request. */
const IDLE_MS = 30_000

export interface RequestOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

export interface Requests {
  /**
   * One framed request, one framed answer. It may reach the peer twice when a lane breaks under it: receivers tell
   * requests apart by their message id.
   * @throws NET_TOO_LARGE, NET_TIMEOUT, NET_ABORTED, NET_UNREACHABLE, NET_UNSUPPORTED, NET_STREAM_RESET
   */
  request(peer: PeerId, protocol: string, bytes: Uint8Array, options: RequestOptions): Promise<Uint8Array>
  /** Open lanes to all peers. */
  lanes(): number
  stop(): void
}

/** A stream that is used again and again for one peer and protocol. */
interface Lane {
  readonly stream: Stream
  readonly frames: LengthPrefixedStream<Stream>
  used: boolean
  idleTimer?: NodeJS.Timeout
}

interface Pool {
  readonly protocol: string
  readonly connect: (signal: AbortSignal) => Promise<Connection>
  readonly idle: Lane[]
  /** As many inside as there may be lanes: each finds one that rests, or may open one. */
  readonly gate: Gate
  open: number
}

export function createRequests(deps: {
  connect: (peer: PeerId, signal: AbortSignal) => Promise<Connection>
  metrics: Metrics
}): Requests {
  const pools = new Map<string, Pool>()
  const done = deps.metrics.counter('requests_sent_total', 'Requests sent to peers, by outcome.', ['outcome'])
  const carried = deps.metrics.counter('requests_bytes_total', 'Bytes of requests sent and of their answers.', ['way'])

  function poolOf(peer: PeerId, protocol: string): Pool {
    const key = `${peer} ${protocol}`
    const known = pools.get(key)
    if (known !== undefined) return known
    const connect = (signal: AbortSignal) => deps.connect(peer, signal)
    const pool: Pool = { protocol, connect, idle: [], gate: createGate({ width: MAX_LANES }), open: 0 }
    pools.set(key, pool)
    return pool
  }

  return {
    async request(peer, protocol, bytes, { timeoutMs, signal }) {
      if (bytes.byteLength > MAX_STREAM_BYTES) throw tooLarge(bytes.byteLength)
      using deadline = createDeadline(timeoutMs, signal)
      const pool = poolOf(peer, protocol)
      try {
        const answer = await exchange(pool, bytes, deadline.signal)
        done({ outcome: 'answered' })
        carried({ way: 'out' }, bytes.byteLength)
        carried({ way: 'in' }, answer.byteLength)
        return answer
      } catch (error) {
        const coded = deadline.explain(error, 'NET_STREAM_RESET', { peer, protocol })
        done({ outcome: coded.code })
        throw coded
      } finally {
        if (pool.open === 0 && pool.gate.inside() === 0) pools.delete(`${peer} ${protocol}`)
      }
    },
    lanes: () => [...pools.values()].reduce((sum, pool) => sum + pool.open, 0),
    stop() {
      for (const pool of pools.values()) {
        for (const lane of pool.idle.splice(0)) {
          clearTimeout(lane.idleTimer)
          lane.stream.abort(networkError('NET_ABORTED', 'this node is stopping'))
        }
      }
    },
  }
}

async function exchange(pool: Pool, bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  await pool.gate.enter(signal)
  try {
    return await exchangeInside(pool, bytes, signal)
  } finally {
    pool.gate.leave()
  }
}

async function exchangeInside(pool: Pool, bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  const lane = await takeLane(pool, signal)
  const reused = lane.used
  lane.used = true
  try {
    return await converse(pool, lane, bytes, signal)
  } catch (error) {
    // The peer may have closed a lane that rested here. A fresh one tells whether it is the peer or the lane.
    if (!reused || signal.aborted) throw error
    return await converse(pool, await openLane(pool, signal), bytes, signal)
  }
}

async function converse(pool: Pool, lane: Lane, bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  try {
    await lane.frames.write(bytes, { signal })
    const answer = await lane.frames.read({ signal })
    rest(pool, lane)
    return answer.subarray()
  } catch (error) {
    // A late answer on this lane would be taken for the next request's.
    lane.stream.abort(error instanceof Error ? error : new Error('the exchange failed', { cause: error }))
    throw error
  }
}

async function takeLane(pool: Pool, signal: AbortSignal): Promise<Lane> {
  for (;;) {
    signal.throwIfAborted()
    const lane = pool.idle.pop()
    if (lane === undefined) return openLane(pool, signal)
    clearTimeout(lane.idleTimer)
    if (lane.stream.status === 'open' && lane.stream.remoteWriteStatus === 'writable') return lane
    lane.stream.abort(networkError('NET_STREAM_RESET', 'the peer closed this lane'))
  }
}

async function openLane(pool: Pool, signal: AbortSignal): Promise<Lane> {
  pool.open++
  const free = () => {
    pool.open--
  }
  try {
    const connection = await pool.connect(signal)
    const options = { signal, runOnLimitedConnection: true, maxOutboundStreams: 2 * MAX_LANES }
    const stream = await connection.newStream(pool.protocol, options)
    stream.addEventListener('close', () => {
      const index = pool.idle.findIndex(lane => lane.stream === stream)
      if (index >= 0) clearTimeout(pool.idle.splice(index, 1)[0]?.idleTimer)
      free()
    })
    return { stream, frames: lpStream(stream, { maxDataLength: MAX_STREAM_BYTES }), used: false }
  } catch (error) {
    free()
    throw error
  }
}

function rest(pool: Pool, lane: Lane): void {
  if (lane.stream.status !== 'open') return
  lane.idleTimer = setTimeout(() => {
    pool.idle.splice(pool.idle.indexOf(lane), 1)
    lane.stream.close().catch((error: Error) => lane.stream.abort(error))
  }, IDLE_MS)
  lane.idleTimer.unref()
  pool.idle.push(lane)
}

function tooLarge(size: number): Error {
  return networkError('NET_TOO_LARGE', `a request has at most ${MAX_STREAM_BYTES} bytes, this one ${size}`, {
    details: { size, max: MAX_STREAM_BYTES },
  })
}
