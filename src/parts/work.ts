import type { Options } from '../config/options.ts'
import type { Manners } from '../domains/manners/manners.ts'
import { createIdleIo } from '../domains/manners/sensors/idle-io.ts'
import type { Advert } from '../domains/peers/peers.ts'
import { createOwnModel, type OwnModel } from '../domains/tasks/kinds/embedders/own-model.ts'
import type { KindTable } from '../domains/tasks/kinds/kind.ts'
import { kinds } from '../domains/tasks/kinds/kinds.ts'
import { progressDrafts } from '../domains/tasks/messages.ts'
import type { Worker } from '../domains/tasks/placement.ts'
import type { PowerSource } from '../domains/tasks/proof/receipt.ts'
import { createRunner, type Runner } from '../domains/tasks/runner.ts'
import type { Reason } from '../domains/tasks/task.ts'
import { createTasks, type Tasks } from '../domains/tasks/tasks.ts'
import { createWorkers, type Workers } from '../domains/tasks/workers.ts'
import type { Clock } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { NewId, PeerId } from '../kernel/ids.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import type { Commit } from '../kernel/outcome.ts'
import type { Random } from '../kernel/random.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { type Identity, verifySignature } from '../protocol/keys.ts'
import { createResumption } from '../resumption.ts'
import type { Fact } from '../storage/facts.ts'
import type { Storage } from '../storage/storage.ts'
import { createLies } from './mishap.ts'

/** What lies on the desk for each worker thread, so that none waits for the network; small tasks come many at a time. */
const DESK_PER_THREAD = 8
const LEAVING = 'this machine stops'
const OWN_FIRST = 'own work of this peer has its threads'
/** Worker threads give way to everything else. */
const NICE = 10
/** Threads come and go; each new one is told to step back behind other programs' disk this soon. */
const IDLE_IO_MS = 10_000
/** How long a stop waits until those whose work is handed back have heard of it. */
const GOODBYE_MS = 2_000
const GOODBYE_LOOK_MS = 20
/** When they may ask again: this may only be a restart, or a text of the owner's. */
const RETURN_MS = 5_000

export interface WorkDeps {
  readonly self: PeerId
  readonly identity: Identity
  readonly options: Options
  readonly storage: Storage
  readonly commit: Commit<Fact>
  readonly outbox: Outbox<Fact>
  readonly workersFor: (kind: string) => Worker[]
  readonly manners: () => Manners
  /** Where the power comes from now, in a word for receipts. */
  readonly powerSource: () => PowerSource
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
  readonly merge: Workers['merge']
  readonly workers: Workers
  readonly learnModel: OwnModel['learn']
  /** The most a kind may take of a thread's memory. */
  readonly threadMemoryMb: number
  /** What a start after a stop or a crash changes, before anybody can give this peer new work. */
  readonly recovery: Part
  /** Goes on with what was being taken in. */
  readonly resumption: Part
  /** What an advert says of it, read anew for each. */
  advert(): Pick<Advert, 'slots' | 'models' | 'availability' | 'priceClass'>
  readonly parts: readonly Part[]
}

/** Jobs of ours for the neighbours, and their tasks in our worker threads. */
export function createWork(deps: WorkDeps): Work {
  const { self, identity, options, storage, commit, outbox, clock, random, newId, log } = deps
  const { threads, memoryMb, leaseMs, heartbeatMs, maxOpenTasks, priceClass, watts } = options.compute
  const offered = options.roles.includes('compute')
  const deskTasks = options.compute.deskTasks ?? threads * DESK_PER_THREAD
  const slots = offered ? deskTasks : 0
  const table = kinds as unknown as KindTable
  const idleIo = createIdleIo({ nice: NICE, log })
  const said = createLies(options, random)
  const pool = createWorkers({
    threads,
    niceIncrement: NICE,
    embedder: options.embedder,
    maxMemoryMb: memoryMb,
    idleTimeoutMs: 60_000,
    log,
  })
  const model = createOwnModel(pool, { now: clock.now, log: log.child({ part: 'tasks' }) })
  const workers: Workers = { ...pool, run: model.run }
  let leaving = false
  const stepBack = atMostEvery(IDLE_IO_MS, clock, () => void idleIo())
  const tasks = createTasks({
    self,
    store: storage.tasks,
    kinds: table,
    newId,
    random,
    leaseMs,
    heartbeatMs,
    maxOpenTasks,
    slots,
    threads,
    memoryMb,
    priceClass,
    ownSlots: deskTasks,
    now: clock.now,
    sign: identity.sign,
    trustedPeers: options.compute.trustedPeers as PeerId[],
    verify: (peer, text, signature) => verifySignature(peer, text, signature) === true,
    engines: model.engines,
    models: model.fingerprints,
    learnModel: model.used,
    paused,
    // A watt for a millisecond is a 3.6th of a millionth of a watt-hour.
    energyMicroWh: busyMs => (watts * busyMs) / 3.6,
    powerSource: deps.powerSource,
    workersFor: (kind, version) => deps.workersFor(`${kind}@${version}`),
  })
  function paused(): Reason | undefined {
    if (leaving) return { code: 'TASK_PAUSED', message: LEAVING, retryAfterMs: RETURN_MS }
    const asked = deps.manners().asked()
    if (asked !== undefined) return { code: 'TASK_PAUSED', message: asked.sentence, retryAfterMs: asked.retryAfterMs }
    return runner.ownFirst() ? { code: 'TASK_BUSY', message: OWN_FIRST, retryAfterMs: RETURN_MS } : undefined
  }

  /** A worker that only vanishes would be taken for one that its work had killed. */
  async function leave(submitters: ReadonlySet<PeerId>): Promise<void> {
    leaving = true
    try {
      await commit(() => tasks.giveBack(LEAVING, RETURN_MS))
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'work of others was not given back')
    }
    const isAwaited = (peer: PeerId | undefined) => peer !== undefined && submitters.has(peer)
    const untilMs = clock.now() + GOODBYE_MS
    while (clock.now() < untilMs && storage.messages.waitingRecipients().some(isAwaited)) {
      await clock.sleep(GOODBYE_LOOK_MS)
    }
  }

  const runner = createRunner({
    self,
    openWork: storage.tasks.openWork,
    run: async (work, how) => {
      const own = work.submitter === self
      // What somebody else sent under the same name is never the input of own work.
      const text = own ? storage.tasks.input(work.taskId) : storage.tasks.workInput(work.taskId)
      const [input] = JSON.parse(text ?? '[]') as [unknown]
      stepBack()
      const output = await workers.run(work.kind, work.params, input, how)
      return own ? output : said(output)
    },
    worked: async results => void (await commit(() => tasks.worked(results))),
    alive: beats => {
      const own = beats.filter(({ submitter }) => submitter === self)
      if (own.length > 0) void commit(() => tasks.ownProgress(own)).catch(() => undefined)
      const others = beats.filter(({ submitter }) => submitter !== self)
      for (const draft of progressDrafts(others)) outbox.post(draft)
    },
    leave,
    // The owner's own jobs are not held back by manners towards others. The threads also encode documents and questions.
    threads: {
      own: () => threads,
      others: () => deps.manners().threads(),
      free: () => workers.stats().free,
      queued: () => workers.stats().queued,
    },
    heartbeatMs,
    clock,
    log: log.child({ part: 'tasks' }),
  })
  return {
    offered,
    slots,
    kinds: table,
    tasks,
    runner,
    merge: workers.merge,
    workers,
    learnModel: model.learn,
    recovery: { name: 'recovery', start: async () => void (await commit(() => tasks.restarted())) },
    resumption: createResumption({ tasks, commit, log }),
    threadMemoryMb: Math.max(...Object.values(table).map(kind => kind.limits.maxMemoryMb)),
    advert() {
      const willing = offered ? deps.manners().availability() : 'closed'
      const full = runner.ownFirst() || storage.tasks.openWork().length >= slots / 2
      return {
        slots: willing === 'closed' ? 0 : slots,
        models: model.fingerprints() ?? [],
        availability: willing === 'open' && full ? 'limited' : willing,
        priceClass,
      }
    },
    kindNames: Object.values(table).map(kind => `${kind.name}@${kind.version}`),
    parts: [{ name: 'workers', stop: () => workers.stop() }, runner],
  }
}

/** Once, and not again before so many milliseconds have passed. */
function atMostEvery(everyMs: number, clock: Clock, act: () => void): () => void {
  let nextMs = 0
  return () => {
    if (clock.now() < nextMs) return
    nextMs = clock.now() + everyMs
    act()
  }
}
