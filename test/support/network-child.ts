/**
 * One network host as a process of its own. Argument: its options as JSON. Standard output: events, a JSON line each.
 * Standard input: `publish <text>` and `peers`.
 */
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import { createNetwork } from '../../src/network/network.ts'
import { OPTIONS, TOPIC } from './network-hosts.ts'

const say = (event: object): void => {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

const network = await createNetwork({
  options: { ...OPTIONS, ...(JSON.parse(process.argv[2] ?? '{}') as object) },
  seed: randomBytes(32),
  topics: [TOPIC],
  protocols: [],
  onGossip: async (_topic, bytes) => {
    say({ event: 'heard', text: Buffer.from(bytes).toString() })
    return 'accept'
  },
  onRequest: async (_protocol, bytes) => bytes,
  onPeer: change => say({ event: 'peer', ...change }),
  clock: systemClock,
  random: Math.random,
  log: silentLog,
  metrics: createMetrics(),
})
await network.start()
say({ event: 'ready', peer: network.peerId, addresses: network.addresses() })

createInterface({ input: process.stdin }).on('line', line => {
  const [command, ...words] = line.split(' ')
  if (command === 'publish') void network.publish(TOPIC, Buffer.from(words.join(' ')))
  if (command === 'state') say({ event: 'state', subscribers: network.subscribers(TOPIC), found: network.discovered() })
})
process.stdin.on('end', () => process.exit(0))
