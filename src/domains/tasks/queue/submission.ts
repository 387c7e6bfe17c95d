import type { AnyKind } from '../../../daemon/kind.ts'
import { CodedError, messageOf } from '../../../kernel/errors.ts'
import type { TaskId } from '../../../kernel/ids.ts'
import { type Answer, type Commit, type Json, outcome } from '../../../kernel/outcome.ts'
import { canonical } from '../../../protocol/canonical.ts'
import { hashOfText } from '../proof/receipt.ts'
import { nextJobState } from '../states.ts'
import { type Job, refuseTask, type Task, type TaskCode, type TaskFact, type TasksOutcome } from '../task.ts'
import type { QueueDeps } from './deps.ts'
import { withStep } from './steps.ts'

/** A job being taken in: `outcome` first, then every slice until there is none. */
export interface Submission {
  readonly jobId: string
  readonly outcome: TasksOutcome
  /** The next slice of its parts, of a few milliseconds; undefined after the last. */
  next(): TasksOutcome | undefined
  /** A slice could not be made or kept: the job fails with the parts it has, and says why. */
  abandon(reason: string): TasksOutcome
}

export interface TakenIn {
  /** An older job's, when the key stands for that. */
  readonly jobId: string
  readonly answer: Answer
}

/**
 * Takes a job in, slice by slice; the event loop runs in between.
 * @param submit called inside the first commit: of two at a time with one key, the second finds the job of the first
 * @returns the answer of what ended it
 * @throws what a slice threw (text that is no Unicode, a full disk); the job has failed then, and its key is free again
 */
export async function takeIn(submit: () => Submission, commit: Commit<TaskFact>): Promise<TakenIn> {
  const { submission, answer } = await commit(() => {
    const submission = submit()
    return { ...submission.outcome, submission }
  })
  const { jobId } = submission
  if (answer.status === 'NACK') return { jobId, answer }
  try {
    return { jobId, answer: await takeSlices(submission, commit) }
  } catch (error) {
    // What cannot be kept now either is gone on with at the next start.
    await commit(() => submission.abandon(messageOf(error))).catch(() => undefined)
    throw error
  }
}

async function takeSlices(submission: Submission, commit: Commit<TaskFact>): Promise<Answer> {
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

/** Parts and milliseconds of splitting between two turns of the event loop. */
const SLICE_PARTS = 128
const SLICE_MS = 10

/**
 * A job on its way from what was submitted, which is kept until then, to its tasks. After a crash it goes on behind the
 * parts there are: a kind splits the same source in the same way each time.
 * @param first what the first commit keeps beside the parts
 */
export function submissionOf(job: Job, deps: QueueDeps, first: readonly TaskFact[] = []): Submission {
  return {
    jobId: job.id,
    outcome: outcome(first),
    next: slicer(job, deps),
    abandon: reason => abandoned(deps.store.job(job.id), reason, deps),
  }
}

/** What was never taken in whole: it is not retried, and its key does not stand for it. */
export function notTakenIn(job: Job): Job {
  return { ...job, total: 0 }
}

export function queueFull(maxOpenTasks: number) {
  return refuseTask('TASK_QUEUE_FULL', `${maxOpenTasks} tasks are open already; submit again when some are done`)
}

function abandoned(job: Job | undefined, reason: string, { now }: QueueDeps): TasksOutcome {
  if (job?.state !== 'opening') return outcome<TaskFact>()
  const failed: Job = {
    ...notTakenIn(job),
    state: 'failed',
    reason,
    finishedMs: now(),
    steps: withStep(job.steps, now(), reason),
  }
  return outcome<TaskFact>([
    { kind: 'tasks.job', job: failed },
    { kind: 'tasks.moved', jobId: job.id, from: ['queued'], to: 'failed', reason },
    { kind: 'tasks.job.sources.gone', jobId: job.id },
  ])
}

interface Part {
  readonly index: number
  readonly document: number
  readonly input: Json
}

/** Read one by one, when its turn comes. */
function* partsOf({ id, texts, params }: Job, kind: AnyKind, store: QueueDeps['store']): Generator<Part, void> {
  const read = kind.params.parse(params)
  for (let document = 0, index = 0; document < texts; document++) {
    const source = store.source(id, document)
    if (source === undefined) throw unfinished('a part of what was submitted is not kept here; submit it again')
    for (const input of kind.split(source, read)) {
      yield { index: index++, document, input: input as Json }
    }
  }
}

function slicer(opening: Job, deps: QueueDeps) {
  const made = Object.values(deps.store.taskCounts(opening.id)).reduce((sum, count) => sum + count, 0)
  let parts: Iterator<Part, void> | undefined
  let total = 0
  let over = false

  /** The next few parts; of those that a life before has made, nothing. */
  function slice(from: Iterator<Part, void>): TaskFact[] {
    const facts: TaskFact[] = []
    const untilMs = deps.now() + SLICE_MS
    for (let count = 0; count < SLICE_PARTS && deps.now() <= untilMs; count++) {
      const { done, value: part } = from.next()
      over = done === true
      if (part === undefined) break
      total = part.index + 1
      if (part.index >= made) facts.push(...freshTask(deps.newId() as TaskId, opening.id, part))
    }
    return facts
  }

  return (): TasksOutcome | undefined => {
    // Cancelled by its owner while it was taken in.
    const job = deps.store.job(opening.id)
    if (over || job?.state !== 'opening') return undefined
    parts ??= partsOf(job, kindOf(job, deps), deps.store)
    const facts = slice(parts)
    const room = deps.maxOpenTasks - deps.store.allOpenTasks()
    if (facts.length / 2 <= room) return outcome(over ? [...facts, ...opened(job, total, deps.now())] : facts)
    over = true
    const reason = `it has more parts than the queue has room for (${deps.maxOpenTasks} tasks)`
    return { ...queueFull(deps.maxOpenTasks), facts: abandoned(job, reason, deps).facts }
  }
}

/** An update between two slices may have brought another way of splitting. */
function kindOf({ kind: name, version }: Job, { kinds }: QueueDeps): AnyKind {
  const kind = kinds[name]
  if (kind?.version === version) return kind
  throw unfinished(`the kind ${name} is another than when the job was submitted; submit it again`)
}

function unfinished(message: string): CodedError {
  return new CodedError<TaskCode>('TASK_STATE', message)
}

function opened(job: Job, total: number, nowMs: number): TaskFact[] {
  const step = { atMs: nowMs, text: `split into ${total} parts` }
  const state = nextJobState(job.state, job.after.length > 0 ? 'hold' : 'opened') ?? job.state
  return [
    { kind: 'tasks.job', job: { ...job, total, state, steps: [...job.steps, step] } },
    { kind: 'tasks.job.sources.gone', jobId: job.id },
  ]
}

function freshTask(id: TaskId, jobId: string, { index, document, input }: Part): TaskFact[] {
  const text = canonical([input])
  const task: Task = {
    id,
    jobId,
    index,
    document,
    state: 'queued',
    attempt: 0,
    leaseEpoch: 0,
    leases: [],
    opinions: [],
    notBeforeMs: 0,
    tried: [],
    lostWith: [],
    accepted: 0,
    steps: [],
    inputBytes: Buffer.byteLength(text),
    inputHash: hashOfText(text),
  }
  return [
    { kind: 'tasks.task', task },
    { kind: 'tasks.input', taskId: id, jobId, text },
  ]
}
