import type { Options } from './config/options.ts'
import type { Clock } from './kernel/clock.ts'
import type { NewId, PeerId } from './kernel/ids.ts'
import type { Part } from './kernel/lifecycle.ts'
import type { Log } from './kernel/log.ts'
import type { Commit } from './kernel/outcome.ts'
import type { Random } from './kernel/random.ts'
import type { Outbox } from './outbox/outbox.ts'
import type { Fact } from './storage/facts.ts'
import type { Storage } from './storage/storage.ts'
import type { KindTable } from './tasks/kinds/kind.ts'
import { kinds } from './tasks/kinds/kinds.ts'
import { progressDraft } from './tasks/messages.ts'
import type { Worker } from './tasks/placement.ts'
import { createRunner, type Runner } from './tasks/runner.ts'
import { createTasks, type Tasks } from './tasks/tasks.ts'
import { createWorkers } from './tasks/workers.ts'

/** What a worker thread may take from the desk beyond the one it works on, so that it never waits for the network. */
const DESK_PER_THREAD = 2

export interface WorkDeps {
  readonly self: PeerId
  readonly options: Options
  readonly storage: Storage
  readonly commit: Commit<Fact>
  readonly outbox: Outbox<Fact>
  readonly workersFor: (kind: string) => Worker[]
  readonly clock: Clock
  readonly random: Random
  readonly newId: NewId
  readonly log: Log
}

export interface Work {
  /** Whether this peer works for others. */
  readonly offered: boolean
  readonly slots: number
  readonly kinds: KindTable
  readonly kindNames: readonly string[]
  readonly tasks: Tasks
  readonly runner: Runner
  readonly parts: readonly Part[]
}

/** Jobs of ours for the neighbours, and their tasks in our worker threads. */
export function createWork(deps: WorkDeps): Work {
  const { self, options, storage, commit, outbox, clock, random, newId, log } = deps
  const { threads, memoryMb, leaseMs, heartbeatMs } = options.compute
  const offered = options.roles.includes('compute')
  const slots = offered ? threads * DESK_PER_THREAD : 0
  const table = kinds as unknown as KindTable
  const workers = createWorkers({ threads, niceIncrement: 10, maxMemoryMb: memoryMb, idleTimeoutMs: 60_000, log })
  const tasks = createTasks({
    ...{ self, store: storage.tasks, kinds: table, newId, random, leaseMs, slots, now: clock.now },
    workersFor: (kind, version) => deps.workersFor(`${kind}@${version}`),
  })
  const runner = createRunner({
    openWork: storage.tasks.openWork,
    run: (work, how) => workers.run(work.kind, work.params, work.input, how),
    worked: async (taskId, leaseEpoch, result) => void (await commit(() => tasks.worked(taskId, leaseEpoch, result))),
    alive: (work, done, total) => {
      if (work.submitter === self)
        void commit(() => tasks.progressed(work.taskId, self, work.leaseEpoch, done)).catch(() => undefined)
      else outbox.post(progressDraft(work, done, total))
    },
    ...{ heartbeatMs, threads, clock, log: log.child({ part: 'tasks' }) },
  })
  return {
    ...{ offered, slots, kinds: table, tasks, runner },
    kindNames: Object.values(table).map(kind => `${kind.name}@${kind.version}`),
    parts: [{ name: 'workers', stop: () => workers.stop() }, runner],
  }
}
