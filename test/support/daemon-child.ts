/**
 * A whole daemon, as `main.ts` would run it, without a command line. Arguments: data directory, seed (hex), flags as
 * JSON. It says its address when it is ready, and is made to be killed.
 */
import { loadConfig } from '../../src/config/config.ts'
import { daemonCommands } from '../../src/daemon/commands.ts'
import { tradingCommands } from '../../src/domains/trading/commands.ts'
import { createLog } from '../../src/kernel/log.ts'
import { openNode } from '../../src/node.ts'

const [home = '', seed = '', flags = '{}'] = process.argv.slice(2)
const config = loadConfig(home, {}, JSON.parse(flags) as Record<string, unknown>)
const log = createLog({ level: 'error', readable: false, destination: process.stderr })
const node = await openNode(config, Buffer.from(seed, 'hex'), log, {
  memoryBytes: () => process.memoryUsage.rss(),
  ownCpuMs: () => process.cpuUsage().user / 1000,
})
await node.start()
const trading = node.client.of(tradingCommands)
const { addresses } = await node.client.of(daemonCommands).status()
if (process.env['OFFER_WH'] !== undefined && (await trading.catalogs()).length === 0) {
  await trading.sell({ energyWh: Number(process.env['OFFER_WH']), priceMicro: 100_000 })
}
process.stdout.write(`${addresses[0] ?? ''}\n`)
process.stdin.on('end', () => void node.stop().then(() => process.exit(0))).resume()
