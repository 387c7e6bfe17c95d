import { type Access, mayRead } from '../domains/knowledge/collection.ts'
import type { DocumentText, Encoded } from '../domains/knowledge/encode.ts'
import { EMBED_PARAMS, encodedPart, type Outside } from '../domains/knowledge/encoder.ts'
import { type EmbedOutput, embed } from '../domains/knowledge/kinds/embed.ts'
import type { Worker } from '../domains/tasks/placement.ts'
import type { JobRequest } from '../domains/tasks/queue/request.ts'
import { JOB_STATES, type JobState } from '../domains/tasks/states.ts'
import type { Job, Task } from '../domains/tasks/task.ts'
import type { Clock } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { NewId, PeerId, TaskId } from '../kernel/ids.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'

export interface PeerEncoderDeps {
  readonly self: PeerId
  readonly tasks: {
    /** Takes a job in. An error: it was not taken, or not whole; the job it had become by then is named. */
    submit(request: JobRequest): Promise<{ readonly jobId: string | undefined; readonly error?: unknown }>
    cancel(jobId: string): Promise<unknown>
    /** Forgets a job, so many rows at a time. */
    forget(jobId: string, rows: number): Promise<unknown>
    job(id: string): Job | undefined
    jobsInState(state: JobState): Job[]
    /** In order. */
    tasksOfJob(jobId: string, limit: number, offset: number): Task[]
    /** Canonical JSON of a one-element array. */
    output(taskId: TaskId, epoch: number): string | undefined
    workersFor(kind: string): readonly Worker[]
  }
  readonly until: <T>(look: () => T | undefined, signal: AbortSignal) => Promise<T>
  readonly clock: Clock
  readonly newId: NewId
  readonly log: Log
}

/** Documents out at a time: enough for several peers, and few enough to lie in memory and in the queue. */
const MAX_OUT = 8
/** What is not done by then is done here: some minutes to find workers, and what a slow one may take of a part. */
const [PATIENCE_MS, PART_MS] = [5 * 60_000, 20_000]
/** Tasks read, and rows forgotten, in one turn of the event loop: an answer has some 85 kB. */
const [TASKS_A_PAGE, ROWS_A_COMMIT] = [16, 64]
/** By which the next life knows what this one left. */
const KEY = 'ingest/'
const OPEN: ReadonlySet<JobState> = new Set(['opening', 'waiting', 'running'])

const KIND = `${embed.name}@${embed.version}`

/**
 * Documents encoded by peers, each as a job of its own in the queue of tasks, and only by peers that may read it anyway:
 * what everybody may read goes out as a public job, what some may read to those alone, and what nobody else may read
 * never becomes a job. When a document is encoded its job is forgotten.
 */
export function createPeerEncoder(deps: PeerEncoderDeps): Outside & Part & { start(): Promise<void> } {
  const { tasks } = deps
  const jobs = createIngestJobs(deps)
  let out = 0

  async function* sent(
    document: DocumentText,
    { fingerprint, to, signal }: { fingerprint: string; to: Audience; signal: AbortSignal },
  ): AsyncGenerator<Encoded, number> {
    const jobId = await jobs.take(requestFor(document, fingerprint, { to, deps }))
    if (jobId === undefined) return 0
    try {
      // Not wanted any more once those it was given to may not read the document.
      await jobs.ended(jobId, signal, () => covers(document.access(), to))
      signal.throwIfAborted()
      await jobs.close(jobId)
      return yield* done(jobId, document.text, deps)
    } finally {
      await jobs.forget(jobId)
    }
  }

  return {
    name: 'peer encoder',
    /** Forgets what a kill left, of jobs that had ended too: ingest begins those documents anew. */
    async start() {
      const left = JOB_STATES.flatMap(tasks.jobsInState).filter(({ key }) => key?.startsWith(KEY) === true)
      for (const { id } of left) await jobs.forget(id)
    },
    room: access => Math.min(MAX_OUT, slotsFor(deps, access)),
    async *encode(document, fingerprint, signal) {
      const access = document.access()
      const to = audienceOf(access)
      if (to === undefined || out >= Math.min(MAX_OUT, slotsFor(deps, access, fingerprint))) return 0
      out += 1
      try {
        return yield* sent(document, { fingerprint, to, signal })
      } finally {
        out -= 1
      }
    },
  }
}

/** Tasks that peers take at a time which may read such a collection and, where they say it, have this model. */
function slotsFor({ self, tasks }: PeerEncoderDeps, access: Access, fingerprint?: string): number {
  const able = tasks.workersFor(KIND).filter(({ peer, models }) => {
    const fits = fingerprint === undefined || models === undefined || models.includes(fingerprint)
    return peer !== self && fits && mayRead(access, peer)
  })
  return able.reduce((sum, { slots }) => sum + slots, 0)
}

function requestFor(
  { name, text }: DocumentText,
  fingerprint: string,
  { to, deps }: { to: Audience; deps: PeerEncoderDeps },
): JobRequest {
  const parts = Math.ceil(text.length / embed.limits.maxInputBytes)
  return {
    kind: embed.name,
    params: { ...EMBED_PARAMS, fingerprint },
    documents: [{ name, text }],
    ...to,
    // Who may read is not thereby believed: a wrong vector would hide a passage from its own owner.
    verify: 'adaptive',
    key: `${KEY}${deps.newId()}`,
    deadlineMs: deps.clock.now() + PATIENCE_MS + parts * PART_MS,
  }
}

/** The life of a job that a document became. */
function createIngestJobs({ tasks, until, log }: PeerEncoderDeps) {
  function isOpen(jobId: string): boolean {
    const job = tasks.job(jobId)
    return job !== undefined && OPEN.has(job.state)
  }

  async function close(jobId: string): Promise<void> {
    if (isOpen(jobId)) await tasks.cancel(jobId)
  }

  async function forget(jobId: string): Promise<void> {
    try {
      await close(jobId)
      while (tasks.job(jobId) !== undefined) await tasks.forget(jobId, ROWS_A_COMMIT)
    } catch (error) {
      log.warn(
        { job: jobId, reason: messageOf(error) },
        'a job of ingest was not forgotten; it goes with other old jobs',
      )
    }
  }

  return {
    /** The job that the queue made of it; undefined: it does not take it. */
    async take(request: JobRequest): Promise<string | undefined> {
      const { jobId, error } = await tasks.submit(request)
      if (error === undefined) return jobId
      log.debug({ reason: messageOf(error) }, 'a document is encoded here: the queue does not take it')
      if (jobId !== undefined) await forget(jobId)
      return undefined
    },
    /** Resolves when the job has ended, or is not wanted any more. */
    async ended(jobId: string, signal: AbortSignal, isWanted: () => boolean): Promise<void> {
      const over = () => (isOpen(jobId) && isWanted() ? undefined : true)
      await until(over, signal).catch(() => undefined)
    },
    close,
    forget,
  }
}

/** What is done, up to the first part that is not. */
async function* done(jobId: string, text: string, { self, tasks }: PeerEncoderDeps): AsyncGenerator<Encoded, number> {
  const inOrder = tasksOf(jobId, tasks)
  // Cut again rather than read: the same text is cut in the same places.
  for (const part of embed.split({ name: '', text }, EMBED_PARAMS)) {
    const task = inOrder.next().value
    const output = outputOf(task, tasks)
    if (output === undefined) return part.offset
    const by = task?.worker === self ? undefined : task?.worker
    yield { ...encodedPart(part, output), ...(by === undefined ? {} : { by }) }
  }
  return text.length
}

function* tasksOf(jobId: string, tasks: PeerEncoderDeps['tasks']): Generator<Task, undefined> {
  for (let at = 0; ; at += TASKS_A_PAGE) {
    const page = tasks.tasksOfJob(jobId, TASKS_A_PAGE, at)
    yield* page
    if (page.length < TASKS_A_PAGE) return undefined
  }
}

function outputOf(task: Task | undefined, tasks: PeerEncoderDeps['tasks']): EmbedOutput | undefined {
  if (task?.state !== 'done' || task.acceptedEpoch === undefined) return undefined
  const [output] = JSON.parse(tasks.output(task.id, task.acceptedEpoch) ?? '[]') as EmbedOutput[]
  return output
}

/** To whom a job goes. */
type Audience = Required<Pick<JobRequest, 'privacy' | 'peers'>>

/** undefined: to nobody. */
function audienceOf(access: Access): Audience | undefined {
  switch (access.to) {
    case 'nobody':
      return undefined
    case 'everybody':
      return { privacy: 'public', peers: [] }
    case 'peers':
      // A private job that names nobody would go to the trusted peers, who may not read this.
      return access.peers.length === 0 ? undefined : { privacy: 'private', peers: access.peers }
  }
}

/** Whether all whom a job goes to may read what has this access now. */
function covers(access: Access, { privacy, peers }: Audience): boolean {
  return privacy === 'public' ? access.to === 'everybody' : peers.every(peer => mayRead(access, peer))
}
