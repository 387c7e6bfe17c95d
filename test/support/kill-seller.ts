/**
 * A seller without libp2p: the road, storage and trading of a daemon, reached over its standard input and output.
 * Arguments: data directory, seed (hex), the buyer's peer id, offers as JSON. It is made to be killed.
 */

import type { Catalog, Offer } from '../../src/domains/trading/trade.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { createLog } from '../../src/kernel/log.ts'
import { openRoad } from './road.ts'
import { createStdioWire } from './stdio-wire.ts'

const [home = '', seed = '', buyer = '', offers = '[]'] = process.argv.slice(2)

const wire = createStdioWire(process.stdin, process.stdout, {
  onRequest: (_protocol, bytes) => road.reception.request(bytes, buyer as PeerId),
  onEvent: () => undefined,
})
const road = await openRoad({
  home,
  seed: Buffer.from(seed, 'hex'),
  network: { publish: async () => 0, request: (_peer, protocol, bytes) => wire.request(protocol, bytes) },
  inZone: false,
  log: createLog({ level: 'warn', readable: false, destination: process.stderr }),
})
if (road.storage.trading.catalog(road.self) === undefined) {
  const catalog: Catalog = {
    seller: road.self,
    version: 1,
    role: 'household',
    sourceType: 'SOLAR',
    currency: 'USD',
    validUntilMs: Date.now() + 60 * 60_000,
    offers: JSON.parse(offers) as Offer[],
  }
  await road.storage.write(() => road.storage.apply([{ kind: 'catalog', catalog }]))
}
await road.start()
wire.tell('ready', {})
process.stdin.on('end', () => void road.stop())
