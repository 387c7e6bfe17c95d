import { createHash } from 'node:crypto'
import type { ZodError } from 'zod'
import { type AnyKind, takesModel } from '../../../daemon/kind.ts'
import { type Json, type JsonObject, outcome } from '../../../kernel/outcome.ts'
import { canonical } from '../../../protocol/canonical.ts'
import { type Job, type Needs, refuseTask, type TaskFact, type TasksOutcome } from '../task.ts'
import type { QueueDeps } from './deps.ts'
import { type JobRequest, type Source, sourcesOf } from './request.ts'
import { queueFull, type Submission, submissionOf } from './submission.ts'

const NO_MODEL =
  'its vectors would be of no known model: that of this machine was not opened, and the parameter fingerprint names none'

/** Checks a request, keeps what is submitted and begins to split it into tasks; of what is refused nothing is kept. */
export function openJob(request: JobRequest, deps: QueueDeps): Submission {
  const known = jobUnder(request.key, deps.store)
  if (known !== undefined) return sameAgain(known, request)
  const jobId = deps.newId()
  const read = readRequest(request, deps)
  if ('refusal' in read) return refusedJob(jobId, read.refusal)
  const { kind, sources } = read
  const fingerprint = takesModel(kind) ? (namedModel(request) ?? deps.models()?.[0]) : undefined
  if (takesModel(kind) && fingerprint === undefined)
    return refusedJob(jobId, refuseTask('TASK_MODEL_UNKNOWN', NO_MODEL))
  const job = freshJob(jobId, request, { kind, now: deps.now(), fingerprint, texts: sources.length })
  const documents = sources.map(({ name, characters }) => ({ name, characters }))
  return submissionOf(job, deps, [
    { kind: 'tasks.job', job },
    { kind: 'tasks.job.documents', jobId, documents },
    ...sources.map(({ value }, document): TaskFact => ({ kind: 'tasks.job.source', jobId, document, source: value })),
  ])
}

interface ReadRequest {
  readonly kind: AnyKind
  readonly sources: readonly Source[]
}

function readRequest(request: JobRequest, deps: QueueDeps): ReadRequest | { readonly refusal: TasksOutcome } {
  const kind = Object.hasOwn(deps.kinds, request.kind) ? deps.kinds[request.kind] : undefined
  if (kind === undefined) {
    const names = Object.keys(deps.kinds).join(', ')
    return {
      refusal: refuseTask('TASK_KIND_UNKNOWN', `no kind of task is called ${request.kind}; there are: ${names}`),
    }
  }
  const params = kind.params.safeParse(request.params)
  if (!params.success) return { refusal: refuseTask('TASK_BAD_INPUT', complaint(params.error)) }
  const hindrance = hindered(request, deps)
  if (hindrance !== undefined) return { refusal: hindrance }
  const sources: Source[] = []
  for (const source of sourcesOf(request)) {
    const taken = kind.source.safeParse(source.value)
    if (!taken.success) return { refusal: refuseTask('TASK_BAD_INPUT', complaint(taken.error, source.place)) }
    sources.push({ ...source, value: taken.data as Json })
  }
  return sources.length === 0 ? { refusal: refuseTask('TASK_BAD_INPUT', 'nothing is submitted') } : { kind, sources }
}

/** The first thing that is wrong, and where. */
function complaint({ issues: [issue] }: ZodError, ...place: readonly string[]): string {
  return `${[...place, ...(issue?.path ?? [])].join('.')}: ${issue?.message}`
}

/**
 * The job that a key stands for. Not one that expired, was cancelled, or was never taken in whole: who submits the same
 * again wants it done.
 */
export function jobUnder(key: string | undefined, store: Pick<QueueDeps['store'], 'jobsWithKey'>): Job | undefined {
  return key === undefined ? undefined : store.jobsWithKey(key).find(hasItsKey)
}

function hasItsKey({ state, total }: Job): boolean {
  return state !== 'expired' && state !== 'cancelled' && (state !== 'failed' || total > 0)
}

function refusedJob(jobId: string, refusal: TasksOutcome): Submission {
  return { jobId, outcome: refusal, next: () => undefined, abandon: () => outcome<TaskFact>() }
}

function sameAgain(job: Job, request: JobRequest): Submission {
  const same = job.requestHash === requestHash(request)
  const refusal = refuseTask('TASK_KEY_REUSED', `the key ${request.key} stands for another request, job ${job.id}`)
  return refusedJob(job.id, same ? outcome<TaskFact>() : refusal)
}

function hindered(request: JobRequest, { store, now, maxOpenTasks }: QueueDeps) {
  const { deadlineMs, after = [] } = request
  if (request.privacy === 'public' && (request.peers ?? []).length > 0) {
    return refuseTask('TASK_BAD_INPUT', 'peers are named for a public job, which goes to everybody: make it private')
  }
  if (deadlineMs !== undefined && deadlineMs <= now()) {
    return refuseTask('TASK_DEADLINE_PAST', `the deadline passed ${Math.ceil((now() - deadlineMs) / 1000)} s ago`)
  }
  const missing = after.find(id => store.job(id) === undefined)
  if (missing !== undefined) return refuseTask('TASK_UNKNOWN', `there is no job ${missing} to come after`)
  return store.allOpenTasks() >= maxOpenTasks ? queueFull(maxOpenTasks) : undefined
}

/** Where nobody names one, vectors are made with this machine's own model: then it must be known, or answers differ. */
export function namedModel({ needs, params }: Pick<JobRequest, 'needs' | 'params'>): string | undefined {
  const said = needs?.fingerprint ?? params['fingerprint']
  return typeof said === 'string' ? said : undefined
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
  about: { kind: AnyKind; now: number; fingerprint: string | undefined; texts: number },
): Job {
  const { kind, now, fingerprint, texts } = about
  const { privacy = 'private', deadlineMs, key } = request
  const params: JsonObject = { ...request.params, ...(fingerprint === undefined ? {} : { fingerprint }) }
  return {
    id,
    kind: kind.name,
    version: kind.version,
    params,
    privacy,
    state: 'opening',
    texts,
    total: 0,
    createdMs: now,
    priority: request.priority ?? 0,
    peers: request.peers ?? [],
    after: request.after ?? [],
    verify: request.verify ?? (privacy === 'public' ? 'adaptive' : 'none'),
    needs: needsOf(request, kind, fingerprint),
    requestHash: key === undefined ? '' : requestHash(request),
    steps: [{ atMs: now, text: `submitted, ${texts} ${request.inputs === undefined ? 'texts' : 'inputs'}` }],
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(key === undefined ? {} : { key }),
  }
}

/** Of everything that makes two requests the same; `2h from now` is another moment each time it is said. */
function requestHash({ documents = [], key: _, deadlineMs: __, ...rest }: JobRequest): string {
  const hash = createHash('sha256').update(canonical(rest))
  for (const { name, text } of documents) hash.update(`\n${name.length} ${text.length}\n${name}\n`).update(text)
  return hash.digest('base64url')
}
