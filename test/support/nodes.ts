import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/config.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { type Node, openNode } from '../../src/node.ts'
import { identityFromSeed } from '../../src/protocol/keys.ts'
import { eventually } from './network-hosts.ts'

export interface TestNode extends Node {
  readonly name: string
  readonly peerId: PeerId
  readonly home: string
  address(): Promise<string>
}

/** Quiet daemons on 127.0.0.1 that meet nobody by themselves. */
export const FLAGS = {
  'network.name': 'test-cluster',
  'network.listen': ['/ip4/127.0.0.1/tcp/0'],
  'network.mdns': false,
  'network.dht': 'off',
  'network.autonat': false,
  'network.dcutr': false,
  'network.relayClient': false,
  'manners.sensors': false,
  // A slot that does not end while a test runs.
  'market.slotMs': 30 * 86_400_000,
}

export const seedOfNode = (name: string): Buffer => createHash('sha256').update(`node ${name}`).digest()

export interface TestNodes extends AsyncDisposable {
  /** Starts a node of that name, on the data its last life left. */
  start(name: string, flags?: Readonly<Record<string, unknown>>): Promise<TestNode>
  stop(node: TestNode): Promise<void>
}

/** Full daemons, but for the process around them; all are stopped and forgotten at the end of the test. */
export function testNodes(): TestNodes {
  const folder = mkdtempSync(join(tmpdir(), 'wattmesh-test-'))
  const running = new Set<TestNode>()
  return {
    async start(name, flags = {}) {
      const home = join(folder, name)
      const seed = seedOfNode(name)
      const config = loadConfig(home, {}, { ...FLAGS, name, ...flags })
      const node = await openNode(config, seed, silentLog, {
        memoryBytes: () => process.memoryUsage.rss(),
        ownCpuMs: () => process.cpuUsage().user / 1000,
      })
      const test: TestNode = {
        ...node,
        name,
        home,
        peerId: identityFromSeed(seed).peerId,
        address: async () => (await node.commands.status()).addresses[0] ?? '',
      }
      running.add(test)
      await node.start()
      return test
    },
    async stop(node) {
      running.delete(node)
      await node.stop()
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...running].map(node => node.stop()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Connects everybody to the first, and waits until all know each other by their adverts. */
export async function meet(first: TestNode, ...others: TestNode[]): Promise<void> {
  const address = await first.address()
  for (const node of others) await node.commands.connect(address)
  await eventually('the first knows everybody', () => {
    const known = new Set(
      first.commands
        .peers()
        .filter(row => row.connected && row.zone)
        .map(({ peer }) => peer),
    )
    return others.every(({ peerId }) => known.has(peerId))
  })
  await eventually('everybody knows the first', () =>
    others.every(node => node.commands.peers().some(row => row.peer === first.peerId && row.zone !== undefined)),
  )
}
