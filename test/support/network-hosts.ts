import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/kernel/clock.ts'
import type { PeerChange } from '../../src/kernel/connection.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createMetrics, type Metrics } from '../../src/kernel/metrics.ts'
import { createNetwork, type Network, type NetworkDeps, type NetworkOptions } from '../../src/network/network.ts'

export const TOPIC = '/wattmesh/1/test/adverts'
export const ECHO = '/wattmesh/test/echo/1'

/** A quiet host on 127.0.0.1, alone until somebody connects. */
export const OPTIONS: NetworkOptions = {
  network: 'test',
  listen: ['/ip4/127.0.0.1/tcp/0'],
  announce: [],
  bootstrap: [],
  mdns: false,
  mdnsServiceTag: '_wattmesh-test._udp.local',
  dht: 'off',
  maxConnections: 50,
  relayClient: false,
  relayServer: false,
  autonat: false,
  dcutr: false,
  upnp: false,
  denyPeers: [],
}

export interface TestHost extends Network {
  readonly seed: Uint8Array
  readonly metrics: Metrics
  /** Gossip received: text and sender. */
  readonly heard: { text: string; from: PeerId }[]
  readonly changes: PeerChange[]
  address(): string
}

export interface TestHosts extends AsyncDisposable {
  start(options?: Partial<NetworkOptions>, more?: Partial<NetworkDeps>): Promise<TestHost>
}

/** Starts hosts for one test and stops them at its end, whatever happens. */
export function testHosts(): TestHosts {
  const running: TestHost[] = []
  return {
    async start(options = {}, more = {}) {
      const host = await createTestHost(options, more)
      running.push(host)
      await host.start()
      return host
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(running.map(host => host.stop()))
    },
  }
}

async function createTestHost(options: Partial<NetworkOptions>, more: Partial<NetworkDeps>): Promise<TestHost> {
  const seed = more.seed ?? randomBytes(32)
  const metrics = createMetrics()
  const heard: TestHost['heard'] = []
  const changes: PeerChange[] = []
  const network = await createNetwork({
    options: { ...OPTIONS, ...options },
    seed,
    topics: [TOPIC],
    protocols: [ECHO],
    onGossip: async (_topic, bytes, from) => {
      const text = Buffer.from(bytes).toString()
      if (text.startsWith('nonsense')) return 'reject'
      heard.push({ text, from })
      return 'accept'
    },
    onRequest: async (_protocol, bytes) => bytes,
    onPeer: change => changes.push(change),
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    metrics,
    ...more,
  })
  const address = () => {
    const [first] = network.addresses()
    if (first === undefined) throw new Error('this host does not listen')
    return first
  }
  return Object.assign(network, { seed, metrics, heard, changes, address })
}

/** Waits for a condition, and fails with its text when it does not come true. */
export async function eventually(what: string, condition: () => unknown, timeoutMs = 15_000): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await sleep(10)
  }
}

export const text = (value: string): Uint8Array => Buffer.from(value)
