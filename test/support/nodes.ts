import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/config.ts'
import type { Calls, Client } from '../../src/daemon/command.ts'
import { daemonCommands } from '../../src/daemon/commands.ts'
import { knowledgeCommands } from '../../src/domains/knowledge/commands.ts'
import { peersCommands } from '../../src/domains/peers/commands.ts'
import { tasksCommands } from '../../src/domains/tasks/commands.ts'
import { tradingCommands } from '../../src/domains/trading/commands.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { type Node, openNode, type Surroundings } from '../../src/node.ts'
import { identityFromSeed } from '../../src/protocol/keys.ts'
import { checkedClient } from './checked-client.ts'
import { eventually } from './network-hosts.ts'

export interface TestNode extends Node, Asked {
  readonly name: string
  readonly peerId: PeerId
  readonly home: string
  address(): Promise<string>
}

/** What may be asked of a node; every answer is held against its schema. */
export interface Asked {
  readonly daemon: Calls<typeof daemonCommands>
  readonly peers: Calls<typeof peersCommands>
  readonly trading: Calls<typeof tradingCommands>
  readonly tasks: Calls<typeof tasksCommands>
  readonly knowledge: Calls<typeof knowledgeCommands>
}

export function askedOf(client: Client): Asked {
  return {
    daemon: client.of(daemonCommands),
    peers: client.of(peersCommands),
    trading: client.of(tradingCommands),
    tasks: client.of(tasksCommands),
    knowledge: client.of(knowledgeCommands),
  }
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
  start(name: string, flags?: Readonly<Record<string, unknown>>, surroundings?: Surroundings): Promise<TestNode>
  stop(node: TestNode): Promise<void>
}

/** Full daemons, but for the process around them; all are stopped and forgotten at the end of the test. */
export function testNodes(): TestNodes {
  const folder = mkdtempSync(join(tmpdir(), 'wattmesh-test-'))
  const running = new Set<TestNode>()
  return {
    async start(name, flags = {}, surroundings = {}) {
      const home = join(folder, name)
      const seed = seedOfNode(name)
      const config = loadConfig(home, {}, { ...FLAGS, name, ...flags })
      const view = {
        memoryBytes: () => process.memoryUsage.rss(),
        ownCpuMs: () => process.cpuUsage().user / 1000,
      }
      const node = await openNode(config, seed, silentLog, view, surroundings)
      const client = checkedClient(node.served)
      const asked = askedOf(client)
      const test: TestNode = {
        ...node,
        ...asked,
        client,
        name,
        home,
        peerId: identityFromSeed(seed).peerId,
        address: async () => (await asked.daemon.status()).addresses[0] ?? '',
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
  for (const node of others) await node.peers.connect({ address })
  await eventually('the first knows everybody', async () => {
    const rows = await first.peers.peers()
    const known = new Set(rows.filter(row => row.connected && row.zone).map(({ peer }) => peer))
    return others.every(({ peerId }) => known.has(peerId))
  })
  const knowsFirst = async (node: TestNode) =>
    (await node.peers.peers()).some(row => row.peer === first.peerId && row.zone !== undefined)
  await eventually('everybody knows the first', async () => {
    const known = await Promise.all(others.map(knowsFirst))
    return known.every(Boolean)
  })
}
