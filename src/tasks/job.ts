import type { NewId, TaskId } from '../kernel/ids.ts'
import { type Json, type JsonObject, type Outcome, outcome } from '../kernel/outcome.ts'
import type { KindTable } from './kinds/kind.ts'
import { type Job, refuseTask, type Task, type TaskFact } from './task.ts'

/** What somebody wants done. */
export interface JobRequest {
  readonly kind: string
  readonly params: JsonObject
  readonly documents: readonly { readonly name: string; readonly text: string }[]
}

export interface OpenedJob {
  readonly jobId: string
  readonly outcome: Outcome<TaskFact>
}

/** Splits a request into tasks, in order; nothing is kept when the kind does not take it. */
export function openJob(request: JobRequest, deps: { kinds: KindTable; newId: NewId; now: () => number }): OpenedJob {
  const { kind, params, documents } = request
  const jobId = deps.newId()
  const table = deps.kinds[kind]
  if (table === undefined) {
    const known = Object.keys(deps.kinds).join(', ')
    return { jobId, outcome: refuseTask('TASK_KIND_UNKNOWN', `no kind of task is called ${kind}; there are: ${known}`) }
  }
  const checked = table.params.safeParse(params)
  if (!checked.success) {
    const [issue] = checked.error.issues
    return { jobId, outcome: refuseTask('TASK_BAD_INPUT', `${issue?.path.join('.')}: ${issue?.message}`) }
  }
  const parts = documents.flatMap((document, number) =>
    [...table.split(document, checked.data)].map(input => ({ document: number, input: input as Json })),
  )
  const job: Job = {
    ...{ id: jobId, kind, params, total: parts.length, createdMs: deps.now(), state: 'running' },
    documents: documents.map(({ name, text }) => ({ name, characters: text.length })),
  }
  const tasks = parts.map(
    (part, index): TaskFact => ({ kind: 'task', task: freshTask(deps, { jobId, index, ...part }) }),
  )
  return { jobId, outcome: outcome([{ kind: 'job', job }, ...tasks]) }
}

function freshTask(deps: { newId: NewId }, part: Pick<Task, 'jobId' | 'index' | 'document' | 'input'>): Task {
  const fresh = {
    state: 'queued',
    attempt: 0,
    leaseEpoch: 0,
    notBeforeMs: 0,
    tried: [],
    lostWith: [],
    accepted: 0,
  } as const
  return { id: deps.newId() as TaskId, ...part, ...fresh }
}
