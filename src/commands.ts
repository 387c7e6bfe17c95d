import { bookCommands } from './commands/books.ts'
import { computeCommands } from './commands/compute.ts'
import { daemonCommands } from './commands/daemon.ts'
import type { CommandDeps } from './commands/deps.ts'
import { tradeCommands } from './commands/trade.ts'
import { workCommands } from './commands/work.ts'

export type { PeerRow } from './commands/daemon.ts'

/** What people and programs may ask of a running daemon: the local API and the harness call these. */
export type Commands = ReturnType<typeof createCommands>

export function createCommands(deps: CommandDeps) {
  return {
    ...daemonCommands(deps),
    ...tradeCommands(deps),
    ...bookCommands(deps),
    ...workCommands(deps),
    ...computeCommands(deps),
    library: deps.library,
  }
}
