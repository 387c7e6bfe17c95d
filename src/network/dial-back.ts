import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { getNetConfig, isNetworkAddress, lpStream } from '@libp2p/utils'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'

export interface DialBackResult {
  readonly reachable: boolean
  /** How many peers were asked. */
  readonly asked: number
  /** Where one of them reached us. */
  readonly address?: string
  /** Why nobody did. */
  readonly reason?: string
}

export interface DialBack {
  start(): Promise<void>
  ask(timeoutMs: number): Promise<DialBackResult>
}

const PROTOCOL = '/wattmesh/dial-back/1'
const MAX_BYTES = 4096
const MAX_ADDRESSES = 8
const MAX_ASKED = 4
/** A dial costs us a connection, so a peer gets one in this time. */
const PAUSE_MS = 5_000
const DIAL_TIMEOUT_MS = 5_000

/** `tried`: the peer did dial; without that its answer says nothing about us. */
type Reply = { ok: true; address: string } | { ok: false; tried?: boolean; reason: string }

interface DialBackDeps {
  readonly libp2p: Libp2p
  readonly clock: Clock
  readonly log: Log
}

interface Answering extends DialBackDeps {
  /** When a peer asked for the last time; forgotten when it may ask again. */
  readonly askedAt: Map<string, number>
}

/**
 * Asks a connected peer to dial us anew. It dials only the address it sees us at, on the ports we name: nobody can use
 * it to knock at a third party's door. One JSON frame of addresses, one JSON frame of result.
 */
export function createDialBack(deps: DialBackDeps): DialBack {
  const { libp2p } = deps
  const answering: Answering = { ...deps, askedAt: new Map() }
  const onStream = (stream: Stream, connection: Connection) => answer(stream, connection, answering)
  return {
    start: () => libp2p.handle(PROTOCOL, onStream, { maxInboundStreams: 2, maxOutboundStreams: 2 }),
    async ask(timeoutMs) {
      const signal = AbortSignal.timeout(timeoutMs)
      const peers = onePerPeer(libp2p.getConnections().filter(connection => connection.direct)).slice(0, MAX_ASKED)
      if (peers.length === 0) return { reachable: false, asked: 0, reason: 'connected to nobody who could try' }
      return resultOf(await Promise.all(peers.map(connection => askOne(connection, libp2p, signal))))
    },
  }
}

function onePerPeer(connections: readonly Connection[]): Connection[] {
  return [...new Map(connections.map(connection => [connection.remotePeer.toString(), connection])).values()]
}

async function askOne(connection: Connection, libp2p: Libp2p, signal: AbortSignal): Promise<Reply> {
  try {
    const stream = await connection.newStream(PROTOCOL, { signal })
    const frames = lpStream(stream, { maxDataLength: MAX_BYTES })
    const addresses = libp2p.getMultiaddrs().slice(0, MAX_ADDRESSES).map(String)
    await frames.write(Buffer.from(JSON.stringify(addresses)), { signal })
    const reply: unknown = JSON.parse(Buffer.from((await frames.read({ signal })).subarray()).toString())
    await stream.close({ signal })
    return isReply(reply) ? reply : { ok: false, reason: 'the peer answered nonsense' }
  } catch (error) {
    return { ok: false, reason: messageOf(error) }
  }
}

function isReply(value: unknown): value is Reply {
  if (typeof value !== 'object' || value === null || !('ok' in value)) return false
  if (value.ok === true) return 'address' in value && typeof value.address === 'string'
  return value.ok === false && 'reason' in value && typeof value.reason === 'string'
}

function resultOf(replies: readonly Reply[]): DialBackResult {
  const good = replies.find(reply => reply.ok)
  if (good !== undefined) return { reachable: true, asked: replies.length, address: good.address }
  const tried = replies.filter(reply => !reply.ok && reply.tried === true)
  const reasons = new Set((tried.length === 0 ? replies : tried).map(reply => (reply.ok ? '' : reply.reason)))
  return { reachable: false, asked: tried.length, reason: [...reasons].join('; ') }
}

async function answer(stream: Stream, connection: Connection, answering: Answering): Promise<void> {
  const { libp2p, log } = answering
  const signal = AbortSignal.timeout(2 * DIAL_TIMEOUT_MS)
  const frames = lpStream(stream, { maxDataLength: MAX_BYTES })
  try {
    const asked: unknown = JSON.parse(Buffer.from((await frames.read({ signal })).subarray()).toString())
    const addresses = Array.isArray(asked) ? asked.filter(address => typeof address === 'string') : []
    const reason = refusal(connection, answering)
    const reply: Reply = reason === undefined ? await tryAll(addresses, connection, libp2p) : { ok: false, reason }
    await frames.write(Buffer.from(JSON.stringify(reply)), { signal })
    await stream.close({ signal })
  } catch (error) {
    log.debug({ peer: connection.remotePeer.toString(), reason: messageOf(error) }, 'a dial-back broke off')
    stream.abort(error instanceof Error ? error : new Error(messageOf(error)))
  }
}

/** Why not, or undefined. */
function refusal(connection: Connection, { askedAt, clock }: Answering): string | undefined {
  if (!connection.direct || !isNetworkAddress(connection.remoteAddr)) return 'I see you only through a relay'
  const peer = connection.remotePeer.toString()
  const now = clock.now()
  for (const [other, at] of askedAt) if (now - at >= PAUSE_MS) askedAt.delete(other)
  if (askedAt.has(peer)) return 'you asked a moment ago'
  askedAt.set(peer, now)
  return undefined
}

async function tryAll(addresses: readonly string[], connection: Connection, libp2p: Libp2p): Promise<Reply> {
  const targets = addresses.slice(0, MAX_ADDRESSES).flatMap(address => sameHost(address, connection))
  if (targets.length === 0)
    return { ok: false, tried: true, reason: `none of your addresses is at ${connection.remoteAddr.toString()}` }
  try {
    const signal = AbortSignal.timeout(DIAL_TIMEOUT_MS)
    const fresh = await libp2p.dial(targets, { force: true, signal })
    const address = fresh.remoteAddr.toString()
    await fresh.close().catch((error: Error) => fresh.abort(error))
    return { ok: true, address }
  } catch (error) {
    return { ok: false, tried: true, reason: messageOf(error) }
  }
}

/** The address, when it is on the host the peer talks to us from. */
function sameHost(address: string, connection: Connection): Multiaddr[] {
  try {
    const target = multiaddr(address)
    if (!isNetworkAddress(target)) return []
    if (getNetConfig(target).host !== getNetConfig(connection.remoteAddr).host) return []
    const suffix = `/p2p/${connection.remotePeer.toString()}`
    return [address.endsWith(suffix) ? target : target.encapsulate(suffix)]
  } catch {
    return []
  }
}
