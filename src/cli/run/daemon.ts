import { createApi } from '../../api/api.ts'
import type { Config } from '../../config/config.ts'
import type { Client } from '../../daemon/command.ts'
import { lifecycle } from '../../kernel/lifecycle.ts'
import type { Log } from '../../kernel/log.ts'
import type { Engine } from './engine.ts'

export interface Daemon {
  readonly client: Client
  start(): Promise<void>
  stop(): Promise<void>
  apiPort(): number
}

/** Every part of the node has its own five seconds to stop. */
const STOP_MS = 20_000

/** The node and its local door, which opens last and closes first. */
export async function createDaemon(
  engine: Engine,
  { config, seed, log, pid }: { config: Config; seed: Uint8Array; log: Log; pid: number },
): Promise<Daemon> {
  const node = await engine.openNode(config, seed, log)
  let ready = false
  const api = createApi({
    home: config.home,
    port: config.options.api.port,
    pid,
    served: node.served,
    ready: () => ready,
    log: log.child({ part: 'api' }),
  })
  const { start, stop } = lifecycle(
    [{ name: 'node', start: () => node.start(), stop: () => node.stop() }, api],
    log,
    STOP_MS,
  )
  return {
    client: node.client,
    apiPort: () => api.port(),
    async start() {
      await start()
      ready = true
    },
    async stop() {
      ready = false
      await stop()
    },
  }
}
