import type { Config } from '../../config/config.ts'
import type { Client } from '../../daemon/command.ts'
import type { Served } from '../../daemon/served.ts'
import type { Log } from '../../kernel/log.ts'

/** What the composition root builds. */
export interface RunningNode {
  start(): Promise<void>
  stop(): Promise<void>
  readonly served: readonly Served[]
  /** Asks it from inside. */
  readonly client: Client
}

export interface Identity {
  readonly peerId: string
  readonly did: string
}

/** The rest of the program, as the commands see it: `main.ts` hands it in, and loads it only when it is asked for. */
export interface Engine {
  version(): Promise<string>
  openNode(config: Config, seed: Uint8Array, log: Log): Promise<RunningNode>
  identityFromSeed(seed: Uint8Array): Promise<Identity>
}
