import { defineDomain, type Round, type Tells } from '../../daemon/domain.ts'
import type { PeerChange } from '../../kernel/connection.ts'
import { messageOf } from '../../kernel/errors.ts'
import type { PeerId } from '../../kernel/ids.ts'
import { type Commit, type Json, type JsonObject, outcome } from '../../kernel/outcome.ts'
import { tasksCommands } from './commands.ts'
import { options, type TasksContext, type TasksNeeds } from './context.ts'
import { progressDrafts } from './messages.ts'
import { asWorker, type Worker } from './placement.ts'
import type { JobRequest } from './queue/request.ts'
import { takeIn } from './queue/submission.ts'
import { createResumption } from './resumption.ts'
import { createRunner, type Runner } from './runner.ts'
import { tasksRuns } from './runs.ts'
import { tasksStore } from './store.ts'
import type { Reason, TaskFact } from './task.ts'
import { createTaskFlows, type TaskFlows } from './task-flows.ts'

/** What lies on the desk for each worker thread, so that none waits for the network; small tasks come many at a time. */
const DESK_PER_THREAD = 8
const LEAVING = 'this machine stops'
const OWN_FIRST = 'own work of this peer has its threads'
/** How long a stop waits until those whose work is handed back have heard of it. */
const GOODBYE_MS = 2_000
/** When they may ask again: this may only be a restart, or a text of the owner's. */
const RETURN_MS = 5_000
/** After a start neighbours are met again: only who is alone for longer than that does its own work itself. */
const SETTLING_MS = 2_000
/** When whoever gets work back in a pause may ask this peer again. */
const GIVE_BACK_MS = 60_000

/** Distributed work: jobs of this peer for others, and tasks of others in its worker threads. */
export const tasksDomain = defineDomain({
  name: 'tasks',
  options,
  commands: tasksCommands,
  store: (db, tools, { compute }) => tasksStore(db, tools, compute),
  open(context: TasksContext, needs: TasksNeeds) {
    const { commit, log } = context
    const place = placeOf(context.options)
    const settledMs = context.now() + SETTLING_MS
    const workers = (kind: string) => workersFor(kind, { context, needs, place, settledMs })
    /** This machine is about to stop. */
    const leaving = { yes: false }
    const flows = openFlows(context, needs, {
      ...place,
      workers,
      paused: () => paused(needs, { leaving: leaving.yes, ownFirst: runner.ownFirst() }),
    })
    const runner = openRunner(context, needs, flows, leaving)
    const queue = queueRound(context, flows, settledMs)

    return {
      run: tasksRuns({ context, flows, kinds: needs.kinds, threads: needs.threads }),
      messages: flows.messages,
      rounds: [queue.round, deskRound(context, needs, runner), giveBackRound(context, needs, flows)],
      tells,
      recover: flows.restarted,
      onPeer(change: PeerChange) {
        queue.look()
        return change.connected ? undefined : () => flows.workerLost(change.peer)
      },
      advert: () => advertOf(context, needs, { place, runner }),
      parts: [runner, createResumption({ tasks: flows, commit, log })],
      gives: { ...place, running: runner.running, workersFor: workers, ...jobsForOthers(context, flows) },
    }
  },
})

const tells: Tells<TaskFact> = {
  'tasks.job': ({ job: { id, kind, state, total } }) => ({ event: 'job.changed', data: { id, kind, state, total } }),
  'tasks.task': ({ task: { id, jobId, state } }) => ({ event: 'task.changed', data: { id, jobId, state } }),
}

interface Place {
  /** Whether this peer works for others; it works for itself when it is alone. */
  readonly offered: boolean
  /** Tasks of others taken at a time. */
  readonly slots: number
  readonly deskTasks: number
}

function placeOf({ roles, compute }: TasksContext['options']): Place {
  const offered = roles.includes('compute')
  const deskTasks = compute.deskTasks ?? compute.threads * DESK_PER_THREAD
  return { offered, deskTasks, slots: offered ? deskTasks : 0 }
}

/** Peers that work on this kind now; this one too, when it works, or when it has nobody. */
function workersFor(kind: string, { context: { self, now }, needs, place, settledMs }: WorkersDeps): Worker[] {
  const others = needs.workers(kind).map(asWorker)
  const isAlone = others.length === 0 && now() >= settledMs
  return [...others, ...(place.offered || isAlone ? [{ peer: self, slots: place.slots }] : [])]
}

interface WorkersDeps {
  readonly context: TasksContext
  readonly needs: TasksNeeds
  readonly place: Place
  readonly settledMs: number
}

/** What neighbours learn of this machine as a worker. */
function advertOf(
  { store, options: { compute } }: TasksContext,
  { kinds, manners, threads }: TasksNeeds,
  { place, runner }: { readonly place: Place; readonly runner: Runner },
): JsonObject {
  const willing = place.offered ? manners.availability() : 'closed'
  const full = runner.ownFirst() || store.openWork().length >= place.slots / 2
  return {
    kinds: place.offered ? Object.values(kinds).map(({ name, version }) => `${name}@${version}`) : [],
    slots: willing === 'closed' ? 0 : place.slots,
    models: [...(threads.model.fingerprints() ?? [])],
    availability: willing === 'open' && full ? 'limited' : willing,
    priceClass: compute.priceClass,
  }
}

/** What other domains may do with jobs. */
function jobsForOthers(context: TasksContext, flows: TaskFlows) {
  const { store, commit } = context
  return {
    openWork: store.openWork,
    /** Takes a job in, whole. */
    submit: (request: JobRequest) => submitted(context, flows, request),
    cancel: (jobId: string) => commit(() => flows.cancel(jobId)),
    /** Forgets a job, so many rows at a time. */
    forget: (jobId: string, rows: number) => commit(() => outcome([{ kind: 'tasks.job.gone', jobId, rows } as const])),
    job: store.job,
    jobsInState: store.jobsInState,
    tasksOfJob: store.tasksOfJob,
    output: store.output,
  }
}

function paused(
  { manners }: TasksNeeds,
  { leaving, ownFirst }: { readonly leaving: boolean; readonly ownFirst: boolean },
): Reason | undefined {
  if (leaving) return { code: 'TASK_PAUSED', message: LEAVING, retryAfterMs: RETURN_MS }
  const asked = manners.asked()
  if (asked !== undefined) return { code: 'TASK_PAUSED', message: asked.sentence, retryAfterMs: asked.retryAfterMs }
  return ownFirst ? { code: 'TASK_BUSY', message: OWN_FIRST, retryAfterMs: RETURN_MS } : undefined
}

function openFlows(
  { self, store, newId, random, now, sign, verify, options: { compute } }: TasksContext,
  needs: TasksNeeds,
  place: Place & { readonly workers: (kind: string) => Worker[]; readonly paused: () => Reason | undefined },
): TaskFlows {
  const { model } = needs.threads
  const { leaseMs, heartbeatMs, maxOpenTasks, threads, memoryMb, priceClass, watts, trustedPeers } = compute
  return createTaskFlows({
    self,
    store,
    memory: store.memory,
    kinds: needs.kinds,
    newId,
    random,
    leaseMs,
    heartbeatMs,
    maxOpenTasks,
    slots: place.slots,
    threads,
    memoryMb,
    priceClass,
    ownSlots: place.deskTasks,
    now,
    sign,
    trustedPeers: trustedPeers as PeerId[],
    verify,
    engines: model.engines,
    models: model.fingerprints,
    learnModel: model.used,
    paused: place.paused,
    // A watt for a millisecond is a 3.6th of a millionth of a watt-hour.
    energyMicroWh: busyMs => (watts * busyMs) / 3.6,
    powerSource: needs.powerSource,
    workersFor: (kind, version) => place.workers(`${kind}@${version}`),
  })
}

function openRunner(context: TasksContext, needs: TasksNeeds, flows: TaskFlows, leaving: { yes: boolean }): Runner {
  const { self, store, commit, clock, log, options: own } = context
  const { threads } = needs
  return createRunner({
    self,
    openWork: store.openWork,
    async run(work, how) {
      const isOwn = work.submitter === self
      // What somebody else sent under the same name is never the input of own work.
      const text = isOwn ? store.input(work.taskId) : store.workInput(work.taskId)
      const [input] = JSON.parse(text ?? '[]') as [Json]
      needs.stepBack()
      const output = await threads.run(work.kind, work.params, input, how)
      return isOwn ? output : needs.said(output)
    },
    worked: async results => void (await commit(() => flows.worked(results))),
    alive(beats) {
      const mine = beats.filter(({ submitter }) => submitter === self)
      if (mine.length > 0) void commit(() => flows.ownProgress(mine)).catch(() => undefined)
      for (const draft of progressDrafts(beats.filter(({ submitter }) => submitter !== self))) needs.post(draft)
    },
    leave(submitters) {
      leaving.yes = true
      return leave(context, needs, flows, submitters)
    },
    // The owner's own jobs are not held back by manners towards others. The threads also encode documents and questions.
    threads: {
      own: () => own.compute.threads,
      others: () => needs.manners.threads(),
      free: () => threads.stats().free,
      queued: () => threads.stats().queued,
    },
    heartbeatMs: own.compute.heartbeatMs,
    clock,
    log,
  })
}

/** A worker that only vanishes would be taken for one that its work had killed. */
async function leave(
  { commit, until, log }: TasksContext,
  { undelivered }: TasksNeeds,
  flows: TaskFlows,
  submitters: ReadonlySet<PeerId>,
): Promise<void> {
  try {
    await commit(() => flows.giveBack(LEAVING, RETURN_MS))
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'work of others was not given back')
  }
  const isAwaited = (peer: PeerId | undefined): boolean => peer !== undefined && submitters.has(peer)
  const heard = () => (undelivered().some(isAwaited) ? undefined : true)
  await until(heard, AbortSignal.timeout(GOODBYE_MS)).catch(() => undefined)
}

/** Gives out what waits, takes back leases that ran out, begins and ends jobs. */
function queueRound({ store, clock }: TasksContext, flows: TaskFlows, settledMs: number) {
  let seen = -1
  let doneMs = 0
  const round: Round<TaskFact> = {
    name: 'queue',
    due() {
      if (!store.hasOpenJobs()) return undefined
      if (store.changes() !== seen) return 0
      const nextMs = flows.nextMs(doneMs)
      return doneMs < settledMs ? Math.min(settledMs, nextMs ?? settledMs) : nextMs
    },
    turn() {
      seen = store.changes()
      doneMs = clock.now()
      return flows.tick()
    },
  }
  return {
    round,
    /** Whoever may work has changed. */
    look() {
      seen = -1
    },
  }
}

/** Looks at the desk when something on it has changed, or there is room for more. */
function deskRound({ self, store }: TasksContext, { manners, threads }: TasksNeeds, runner: Runner): Round<TaskFact> {
  const state = (): string => `${store.changes()} ${manners.threads()} ${threads.stats().free}`
  let seen = ''
  return {
    name: 'desk',
    due: () => (state() === seen ? undefined : 0),
    async plan() {
      runner.wake()
      // What it has begun is seen; a thread that becomes free after this is not.
      seen = state()
      manners.holds(store.openWork().some(({ submitter }) => submitter !== self))
      return undefined
    },
  }
}

/** The grace of a pause is over: what still runs for others is given back, so that it is leased elsewhere. */
function giveBackRound({ self, store }: TasksContext, { manners }: TasksNeeds, flows: TaskFlows): Round<TaskFact> {
  return {
    name: 'give back',
    due() {
      const end = manners.giveBackAt()
      if (end === undefined || store.openWork().every(({ submitter }) => submitter === self)) return undefined
      return end.atMs
    },
    turn() {
      const end = manners.giveBackAt()
      return end === undefined ? outcome() : flows.giveBack(end.sentence, GIVE_BACK_MS)
    },
  }
}

/** An error: it was not taken, or not whole; the job it had become by then is named. */
export async function submitted(
  { commit }: { readonly commit: Commit<TaskFact> },
  flows: Pick<TaskFlows, 'submit'>,
  request: JobRequest,
): Promise<{ readonly jobId: string | undefined; readonly error?: unknown }> {
  let begun: string | undefined
  try {
    const { jobId } = await takeIn(() => {
      const submission = flows.submit(request)
      begun = submission.jobId
      return submission
    }, commit)
    return { jobId }
  } catch (error) {
    return { jobId: begun, error }
  }
}
