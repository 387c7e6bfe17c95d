import type { Config } from '../config/config.ts'
import type { Manners } from '../domains/manners/manners.ts'
import type { OwnModel } from '../domains/tasks/kinds/embedders/own-model.ts'
import type { Runner } from '../domains/tasks/runner.ts'
import type { Tasks } from '../domains/tasks/tasks.ts'
import type { Workers } from '../domains/tasks/workers.ts'
import type { Trading } from '../domains/trading/trading.ts'
import type { Clock } from '../kernel/clock.ts'
import { CodedError } from '../kernel/errors.ts'
import type { NewId } from '../kernel/ids.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { Answer, Commit } from '../kernel/outcome.ts'
import type { Network } from '../network/network.ts'
import type { LibraryCommands } from '../parts/library.ts'
import type { MarketDay } from '../parts/market-day.ts'
import type { Identity } from '../protocol/keys.ts'
import type { Fact } from '../storage/facts.ts'
import type { Storage } from '../storage/storage.ts'

export interface CommandDeps {
  readonly config: Config
  readonly identity: Identity
  readonly version: string
  readonly startedMs: number
  readonly storage: Storage
  readonly network: Network
  readonly trading: Trading
  readonly tasks: Tasks
  readonly runner: Runner
  readonly marketDay: MarketDay
  readonly commit: Commit<Fact>
  readonly metrics: Metrics
  readonly clock: Clock
  /** Of the whole process. */
  readonly memoryBytes: () => number
  readonly marketClock: Clock
  readonly newId: NewId
  readonly merge: Workers['merge']
  readonly learnModel: OwnModel['learn']
  readonly library: LibraryCommands
  readonly manners: Manners
  /** Whether this peer works for others at all. */
  readonly offered: boolean
}

/** Commits what a command decides; what the domain refuses is thrown with its code. */
export async function decided(
  { commit }: Pick<CommandDeps, 'commit'>,
  decide: () => { facts: readonly Fact[]; messages: readonly never[] | readonly unknown[]; answer: Answer },
): Promise<void> {
  const { answer } = await commit(decide as Parameters<typeof commit>[0])
  if (answer.status === 'NACK') throw new CodedError(answer.error.code, answer.error.message)
}
