import { createHash } from 'node:crypto'
import { messageOf } from '../../kernel/errors.ts'
import type { PeerId, TaskId } from '../../kernel/ids.ts'
import type { Commit, Json, JsonObject } from '../../kernel/outcome.ts'
import { outcome } from '../../kernel/outcome.ts'
import { canonical } from '../../protocol/canonical.ts'
import { type AnyKind, takesModel } from '../kinds/kind.ts'
import { hashOfText } from '../proof/receipt.ts'
import { nextJobState } from '../states.ts'
import { type Job, type Needs, refuseTask, type Task, type TaskFact, type TasksOutcome } from '../task.ts'
import type { QueueDeps } from './deps.ts'
import { withStep } from './steps.ts'

/** What somebody wants done. */
export interface JobRequest {
  readonly kind: string
  readonly params: JsonObject
  readonly documents: readonly { readonly name: string; readonly text: string }[]
  /** Higher goes first, −100 to 100; 0 when absent. */
  readonly priority?: number
  /** Unix milliseconds. */
  readonly deadlineMs?: number
  readonly needs?: Partial<Needs>
  /** `public` when absent. */
  readonly privacy?: 'public' | 'private'
  /** Who may have a private job; the trusted peers when absent. Of a public job it is refused. */
  readonly peers?: readonly PeerId[]
  readonly after?: readonly string[]
  /** The same key with the same request is the same job. */
  readonly key?: string
  /** Of results of other peers; `adaptive` for public jobs when absent. */
  readonly verify?: 'none' | 'adaptive'
}

/** A job being taken in: `outcome` first, then every slice until there is none. */
export interface Submission {
  readonly jobId: string
  readonly outcome: TasksOutcome
  /** The next slice of its parts, of a few milliseconds; undefined after the last. */
  next(): TasksOutcome | undefined
  /** A slice could not be made or kept: the job fails with the parts it has, and says why. */
  abandon(reason: string): TasksOutcome
}

/** Parts and milliseconds of splitting between two turns of the event loop. */
const SLICE_PARTS = 128
const SLICE_MS = 10

/** Checks a request and splits it into tasks, in order; nothing is kept when the kind does not take it. */
export function openJob(request: JobRequest, deps: QueueDeps): Submission {
  const known = request.key === undefined ? undefined : deps.store.jobWithKey(request.key)
  if (known !== undefined) return sameAgain(known, request)
  const jobId = deps.newId()
  const kind = deps.kinds[request.kind]
  const params = kind?.params.safeParse(request.params)
  if (kind === undefined || params?.success !== true) {
    const [issue] = params?.error?.issues ?? []
    return refusedJob(
      jobId,
      kind === undefined
        ? refuseTask(
            'TASK_KIND_UNKNOWN',
            `no kind of task is called ${request.kind}; there are: ${Object.keys(deps.kinds).join(', ')}`,
          )
        : refuseTask('TASK_BAD_INPUT', `${issue?.path.join('.')}: ${issue?.message}`),
    )
  }
  const hindrance = hindered(request, deps)
  if (hindrance !== undefined) return refusedJob(jobId, hindrance)
  const job = freshJob(jobId, request, { kind, now: deps.now(), fingerprint: deps.models()?.[0] })
  const documents = request.documents.map(({ name, text }) => ({ name, characters: text.length }))
  return {
    jobId,
    outcome: outcome<TaskFact>([
      { kind: 'job', job },
      { kind: 'job.documents', jobId, documents },
    ]),
    next: slicer(job, partsOf(request, kind, params.data), deps),
    abandon: reason => abandoned(deps.store.job(jobId), reason, deps),
  }
}

/**
 * Takes a job in, slice by slice; the event loop runs in between. The answer of what ended it.
 * @throws what a slice threw (text that is no Unicode, a full disk); the job has failed then, and its key is free again
 */
export async function takeIn(submission: Submission, commit: Commit<TaskFact>): Promise<TasksOutcome['answer']> {
  try {
    return await takeSlices(submission, commit)
  } catch (error) {
    // What cannot be kept now either is failed by the next start.
    await commit(() => submission.abandon(messageOf(error))).catch(() => undefined)
    throw error
  }
}

async function takeSlices(submission: Submission, commit: Commit<TaskFact>): Promise<TasksOutcome['answer']> {
  const { answer } = await commit(() => submission.outcome)
  if (answer.status === 'NACK') return answer
  for (;;) {
    let over = false
    const slice = await commit(() => {
      const next = submission.next()
      over = next === undefined
      return next ?? outcome<TaskFact>()
    })
    if (over || slice.answer.status === 'NACK') return slice.answer
  }
}

function refusedJob(jobId: string, refusal: TasksOutcome): Submission {
  return { jobId, outcome: refusal, next: () => undefined, abandon: () => outcome<TaskFact>() }
}

/** What was never taken in whole: it is not retried, and its key does not stand for it. */
export function notTakenIn({ key: _, ...job }: Job): Job {
  return { ...job, total: 0 }
}

function abandoned(job: Job | undefined, reason: string, { now }: QueueDeps): TasksOutcome {
  if (job?.state !== 'opening') return outcome<TaskFact>()
  const failed: Job = {
    ...{ ...notTakenIn(job), state: 'failed', reason, finishedMs: now() },
    steps: withStep(job.steps, now(), reason),
  }
  return outcome<TaskFact>([
    { kind: 'job', job: failed },
    { kind: 'tasks.moved', jobId: job.id, from: ['queued'], to: 'failed', reason },
  ])
}

function sameAgain(job: Job, request: JobRequest): Submission {
  const same = job.requestHash === requestHash(request)
  const refusal = refuseTask('TASK_KEY_REUSED', `the key ${request.key} stands for another request, job ${job.id}`)
  return refusedJob(job.id, same ? outcome<TaskFact>() : refusal)
}

function hindered(request: JobRequest, { store, now, maxOpenTasks }: QueueDeps) {
  const { deadlineMs, after = [] } = request
  if (request.privacy !== 'private' && (request.peers ?? []).length > 0) {
    return refuseTask('TASK_BAD_INPUT', 'peers are named for a public job, which goes to everybody: make it private')
  }
  if (deadlineMs !== undefined && deadlineMs <= now()) {
    return refuseTask('TASK_DEADLINE_PAST', `the deadline passed ${Math.ceil((now() - deadlineMs) / 1000)} s ago`)
  }
  const missing = after.find(id => store.job(id) === undefined)
  if (missing !== undefined) return refuseTask('TASK_UNKNOWN', `there is no job ${missing} to come after`)
  return store.allOpenTasks() >= maxOpenTasks ? queueFull(maxOpenTasks) : undefined
}

function queueFull(maxOpenTasks: number) {
  return refuseTask('TASK_QUEUE_FULL', `${maxOpenTasks} tasks are open already; submit again when some are done`)
}

/** Vectors are compared with this machine's own, so its model is wanted where nobody says otherwise. */
function modelOf({ needs, params }: JobRequest, kind: AnyKind, own: string | undefined): string | undefined {
  const said = needs?.fingerprint ?? params['fingerprint']
  if (typeof said === 'string') return said
  return takesModel(kind) ? own : undefined
}

function needsOf({ needs }: JobRequest, kind: AnyKind, fingerprint: string | undefined): Needs {
  return {
    memoryMb: needs?.memoryMb ?? kind.limits.maxMemoryMb,
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(needs?.engine === undefined ? {} : { engine: needs.engine }),
  }
}

function freshJob(
  id: string,
  request: JobRequest,
  { kind, now, fingerprint: own }: { kind: AnyKind; now: number; fingerprint: string | undefined },
): Job {
  const { privacy = 'public', documents, deadlineMs, key } = request
  const fingerprint = modelOf(request, kind, own)
  const pinned = takesModel(kind) && fingerprint !== undefined ? { fingerprint } : {}
  const params: JsonObject = { ...pinned, ...request.params }
  return {
    ...{ id, kind: kind.name, version: kind.version, params, privacy, state: 'opening' },
    ...{ texts: documents.length, total: 0, createdMs: now, priority: request.priority ?? 0 },
    ...{ peers: request.peers ?? [], after: request.after ?? [] },
    verify: request.verify ?? (privacy === 'public' ? 'adaptive' : 'none'),
    needs: needsOf(request, kind, fingerprint),
    requestHash: key === undefined ? '' : requestHash(request),
    steps: [{ atMs: now, text: `submitted, ${documents.length} texts` }],
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(key === undefined ? {} : { key }),
  }
}

function* partsOf({ documents }: JobRequest, kind: AnyKind, params: unknown) {
  for (const [document, text] of documents.entries()) {
    for (const input of kind.split(text, params)) yield { document, input: input as Json }
  }
}

function slicer(opening: Job, parts: Iterator<{ document: number; input: Json }>, deps: QueueDeps) {
  let index = 0
  let over = false
  return (): TasksOutcome | undefined => {
    // Cancelled by its owner while it was taken in.
    const job = deps.store.job(opening.id)
    if (over || job?.state !== 'opening') return undefined
    const facts: TaskFact[] = []
    const untilMs = deps.now() + SLICE_MS
    for (let count = 0; count < SLICE_PARTS && deps.now() <= untilMs; count++) {
      const part = parts.next()
      if (part.done === true) {
        over = true
        return outcome([...facts, { kind: 'job', job: opened(job, index, deps.now()) }])
      }
      facts.push(...freshTask(deps.newId() as TaskId, job.id, { ...part.value, index: index++ }))
    }
    const room = deps.maxOpenTasks - deps.store.allOpenTasks()
    if (facts.length / 2 <= room) return outcome(facts)
    over = true
    const reason = `it has more parts than the queue has room for (${deps.maxOpenTasks} tasks)`
    return { ...queueFull(deps.maxOpenTasks), facts: abandoned(job, reason, deps).facts }
  }
}

function opened(job: Job, total: number, nowMs: number): Job {
  const step = { atMs: nowMs, text: `split into ${total} parts` }
  const state = nextJobState(job.state, job.after.length > 0 ? 'hold' : 'opened') ?? job.state
  return { ...job, total, state, steps: [...job.steps, step] }
}

function freshTask(id: TaskId, jobId: string, part: { index: number; document: number; input: Json }): TaskFact[] {
  const { index, document, input } = part
  const text = canonical([input])
  const task: Task = {
    ...{ id, jobId, index, document, state: 'queued', attempt: 0, leaseEpoch: 0, leases: [], opinions: [] },
    ...{ notBeforeMs: 0, tried: [], lostWith: [], accepted: 0, steps: [] },
    ...{ inputBytes: Buffer.byteLength(text), inputHash: hashOfText(text) },
  }
  return [
    { kind: 'task', task },
    { kind: 'task.input', taskId: id, jobId, text },
  ]
}

/** Of everything that makes two requests the same. */
function requestHash({ documents, key: _, ...rest }: JobRequest): string {
  const hash = createHash('sha256').update(canonical(rest))
  for (const { name, text } of documents) hash.update(`\n${name.length} ${text.length}\n${name}\n`).update(text)
  return hash.digest('base64url')
}
