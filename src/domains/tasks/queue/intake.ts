import { createHash } from 'node:crypto'
import type { PeerId } from '../../../kernel/ids.ts'
import { type JsonObject, outcome } from '../../../kernel/outcome.ts'
import { canonical } from '../../../protocol/canonical.ts'
import { type AnyKind, takesModel } from '../kinds/kind.ts'
import { type Job, type Needs, refuseTask, type TaskFact, type TasksOutcome } from '../task.ts'
import type { QueueDeps } from './deps.ts'
import { queueFull, type Submission, submissionOf } from './submission.ts'

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
  /** `private` when absent: anybody's machine is for the owner to allow, job by job. */
  readonly privacy?: 'public' | 'private'
  /** Who may have a private job; the trusted peers when absent. Of a public job it is refused. */
  readonly peers?: readonly PeerId[]
  readonly after?: readonly string[]
  /** The same key with the same request is the same job, whatever the deadline, until that expires or is cancelled. */
  readonly key?: string
  /** Of results of other peers; `adaptive` for public jobs when absent. */
  readonly verify?: 'none' | 'adaptive'
}

const NO_MODEL =
  'its vectors would be of no known model: that of this machine was not opened, and the parameter fingerprint names none'

/** Checks a request, keeps its texts and begins to split them into tasks; of what is refused nothing is kept. */
export function openJob(request: JobRequest, deps: QueueDeps): Submission {
  const known = jobUnder(request.key, deps.store)
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
  const fingerprint = takesModel(kind) ? (namedModel(request) ?? deps.models()?.[0]) : undefined
  if (takesModel(kind) && fingerprint === undefined)
    return refusedJob(jobId, refuseTask('TASK_MODEL_UNKNOWN', NO_MODEL))
  const job = freshJob(jobId, request, { kind, now: deps.now(), fingerprint })
  const documents = request.documents.map(({ name, text }) => ({ name, characters: text.length }))
  const texts = request.documents.map(({ text }, document): TaskFact => ({ kind: 'job.text', jobId, document, text }))
  return submissionOf(job, deps, [{ kind: 'job', job }, { kind: 'job.documents', jobId, documents }, ...texts])
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
  { kind, now, fingerprint }: { kind: AnyKind; now: number; fingerprint: string | undefined },
): Job {
  const { privacy = 'private', documents, deadlineMs, key } = request
  const params: JsonObject = { ...request.params, ...(fingerprint === undefined ? {} : { fingerprint }) }
  return {
    id,
    kind: kind.name,
    version: kind.version,
    params,
    privacy,
    state: 'opening',
    texts: documents.length,
    total: 0,
    createdMs: now,
    priority: request.priority ?? 0,
    peers: request.peers ?? [],
    after: request.after ?? [],
    verify: request.verify ?? (privacy === 'public' ? 'adaptive' : 'none'),
    needs: needsOf(request, kind, fingerprint),
    requestHash: key === undefined ? '' : requestHash(request),
    steps: [{ atMs: now, text: `submitted, ${documents.length} texts` }],
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(key === undefined ? {} : { key }),
  }
}

/** Of everything that makes two requests the same; `2h from now` is another moment each time it is said. */
function requestHash({ documents, key: _, deadlineMs: __, ...rest }: JobRequest): string {
  const hash = createHash('sha256').update(canonical(rest))
  for (const { name, text } of documents) hash.update(`\n${name.length} ${text.length}\n${name}\n`).update(text)
  return hash.digest('base64url')
}
