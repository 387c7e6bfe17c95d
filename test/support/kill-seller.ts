/**
 * A seller without libp2p: the road, storage and trading of a daemon, reached over its standard input and output.
 * Arguments: data directory, seed (hex), the buyer's peer id, offers as JSON. It is made to be killed.
 */

import type { Offer } from '../../src/domains/trading/trade.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { createLog } from '../../src/kernel/log.ts'
import { networkOf } from './memory-network.ts'
import { openRoad } from './road.ts'
import { catalogFact } from './senders.ts'
import { createStdioWire } from './stdio-wire.ts'

const [home = '', seed = '', buyer = '', offers = '[]'] = process.argv.slice(2)
const [offer] = JSON.parse(offers) as readonly Offer[]

const wire = createStdioWire(process.stdin, process.stdout, {
  onRequest: (protocol, bytes) => road.arrives.request(protocol, bytes, buyer as PeerId),
  onEvent: () => undefined,
})
const road = await openRoad({
  home,
  seed: Buffer.from(seed, 'hex'),
  transport: async deps => networkOf(deps, { request: (_peer, protocol, bytes) => wire.request(protocol, bytes) }),
  inZone: false,
  // Its lives are short, on a busy machine shorter than their beginnings: what it says means something for many of them.
  flags: { 'market.stepTimeoutMs': 120_000 },
  log: createLog({ level: 'warn', readable: false, destination: process.stderr }),
})
if (road.trading.catalog(road.self) === undefined && offer !== undefined) {
  await road.keep(catalogFact({ seller: road.self, validUntilMs: Date.now() + 60 * 60_000, offer }))
}
await road.start()
wire.tell('ready', {})
process.stdin.on('end', () => {
  // Answers come by the same pipe: none comes any more.
  wire.close()
  void road.stop()
})
