import { randomBytes } from 'node:crypto'
import { MAX_STREAM_BYTES } from '../../src/protocol/limits.ts'
import { ECHO, testHosts } from '../../test/support/network-hosts.ts'
import { ENVELOPE_BYTES } from './envelopes.ts'
import type { Part } from './figure.ts'
import { type Burst, inParallel, race } from './race.ts'
import { type Answer, openTcpPeer } from './tcp-peer.ts'

const PARALLEL = 16
/** Large requests in flight at a time: enough to keep the pipe full. */
const BULK_PARALLEL = 4
const TIMEOUT_MS = 20_000
const LENGTH = { rounds: 9, roundMs: 250 }
const MB = 1_000_000

/** Small requests come back as they are, large ones with a byte: one way is measured, not both. */
const answer: Answer = bytes => (bytes.byteLength > ENVELOPE_BYTES ? bytes.subarray(0, 1) : bytes)

/** Requests over encrypted, multiplexed, limited streams against the bare connection under them. */
export const streams: Part = {
  name: 'streams',
  async run() {
    await using tcp = await openTcpPeer(answer)
    await using hosts = testHosts()
    const server = await hosts.start({}, { onRequest: async (_protocol, bytes) => answer(bytes) })
    const client = await hosts.start()
    await client.connect(server.address(), { timeoutMs: TIMEOUT_MS })

    const small = randomBytes(ENVELOPE_BYTES)
    const large = randomBytes(MAX_STREAM_BYTES)
    const ask = (bytes: Uint8Array) => client.request(server.peerId, ECHO, bytes, { timeoutMs: TIMEOUT_MS })
    const bulk = (send: (bytes: Uint8Array) => Promise<unknown>): Burst => {
      return async () => (await inParallel(BULK_PARALLEL, 2, () => send(large))) * MAX_STREAM_BYTES
    }
    const speeds = await race(
      {
        tcp: () => inParallel(1, 50, () => tcp.request(small)),
        reused: () => inParallel(1, 50, () => ask(small)),
        tcpParallel: () => inParallel(PARALLEL, 20, () => tcp.request(small)),
        reusedParallel: () => inParallel(PARALLEL, 20, () => ask(small)),
        tcpBulk: bulk(tcp.request),
        bulk: bulk(ask),
      },
      LENGTH,
    )

    const trips = `round trips of ${ENVELOPE_BYTES} bytes`
    const one = `plain TCP, length-prefixed, ${trips}, both ends in one process`
    const many = `the same at ${PARALLEL} in parallel`
    const masses = `plain TCP, requests of 1 MiB, ${BULK_PARALLEL} in flight`
    return [
      { name: 'streams.reusedVsTcp', value: speeds.ratio('reused', 'tcp'), unit: 'ratio', against: one },
      {
        name: 'streams.reusedParallelVsTcp',
        value: speeds.ratio('reusedParallel', 'tcpParallel'),
        unit: 'ratio',
        against: many,
      },
      { name: 'streams.bulkVsTcp', value: speeds.ratio('bulk', 'tcpBulk'), unit: 'ratio', against: masses },
      { name: 'streams.reusedPerSecond', value: speeds.rate('reused'), unit: '/s', against: trips },
      { name: 'streams.reusedParallelPerSecond', value: speeds.rate('reusedParallel'), unit: '/s', against: many },
      { name: 'streams.tcpPerSecond', value: speeds.rate('tcp'), unit: '/s', against: 'plain TCP' },
      { name: 'streams.tcpParallelPerSecond', value: speeds.rate('tcpParallel'), unit: '/s', against: many },
      { name: 'streams.bulkMBPerSecond', value: speeds.rate('bulk') / MB, unit: 'MB/s', against: 'noise + yamux' },
      { name: 'streams.tcpBulkMBPerSecond', value: speeds.rate('tcpBulk') / MB, unit: 'MB/s', against: 'plain TCP' },
    ]
  },
}
