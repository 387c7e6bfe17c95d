import type { TaskId } from '../../kernel/ids.ts'
import type { Json } from '../../kernel/outcome.ts'
import { createDocuments, type Documents } from '../../storage/documents.ts'
import { applyBy, type Db, type StoreTools, type Writers } from '../../storage/kept.ts'
import type { WorkStatement } from './proof/receipt.ts'
import { type Reputation, reputationKey } from './proof/reputation.ts'
import type { JobState } from './states.ts'
import { createTaskCounts } from './store/task-counts.ts'
import { createTaskData, type TaskData } from './store/task-data.ts'
import { createTaskReader } from './store/task-reader.ts'
import { createTaskWriter, type TaskWriter } from './store/task-writer.ts'
import type { Job, JobDocument, TaskFact, Work } from './task.ts'

/** Signed statements kept at most, whatever their age. */
const MAX_STATEMENTS = 50_000
const DAY_MS = 24 * 60 * 60_000
const OPEN: readonly JobState[] = ['running', 'waiting']
const ENDED: readonly JobState[] = ['done', 'failed', 'cancelled', 'expired']

/** Where all that is kept lies. */
interface Shelves {
  readonly jobs: Documents<Job>
  readonly documents: Documents<readonly JobDocument[]>
  readonly works: Documents<Work>
  readonly reputations: Documents<Reputation>
  readonly statements: Documents<WorkStatement>
  readonly tasks: TaskWriter
  readonly data: TaskData
}

/**
 * Jobs and tasks. A job may have many thousands of tasks, so they have a table with the indexes the queue asks by, and
 * their inputs and outputs one beside it: a step of a task rewrites neither.
 */
export function tasksStore(db: Db, tools: StoreTools, { resultDays }: { readonly resultDays: number }) {
  const shelves = shelvesOf(db)
  const { now, memory, undo } = tools
  const write = applyBy(writersOf(shelves, now))
  let facts = 0
  return {
    apply(fact: TaskFact): void {
      facts++
      undo(() => {
        facts++
      })
      write(fact)
    },
    /** Forgets jobs that ended long ago, with all that is theirs, so many rows at a time: true while something is left. */
    forget: (nowMs: number, atMost: number) => forgetEnded(shelves, nowMs - resultDays * DAY_MS, atMost),
    read: {
      memory,
      /** Counts what has changed, rows and memory, in a write still open too; what was undone has changed again. */
      changes: () => facts + tools.changes(),
      ...jobsOf(shelves),
      ...createTaskReader(db),
      ...createTaskCounts(db),
      ...workOf(shelves),
    },
  }
}

export type TasksRead = ReturnType<typeof tasksStore>['read']

function shelvesOf(db: Db): Shelves {
  return {
    jobs: createDocuments(db, 'job'),
    documents: createDocuments(db, 'job.documents'),
    works: createDocuments(db, 'work'),
    reputations: createDocuments(db, 'reputation'),
    statements: createDocuments(db, 'work.statement'),
    tasks: createTaskWriter(db),
    data: createTaskData(db),
  }
}

function writersOf(shelves: Shelves, now: () => number): Writers<TaskFact> {
  const { jobs, documents, works, reputations, statements, tasks, data } = shelves
  return {
    'tasks.job': ({ job }) =>
      jobs.put({ key: job.id, state: job.state, owner: job.key ?? '', rank: job.createdMs, body: job }, now()),
    'tasks.job.documents': ({ jobId, documents: body }) => documents.put({ key: jobId, body }, now()),
    // JSON keeps every text as it is, half pairs and zeros included.
    'tasks.job.source': ({ jobId, document, source }) =>
      data.put(sourceKey(jobId, document), jobId, JSON.stringify([source])),
    'tasks.job.sources.gone': ({ jobId }) => data.removeUnder(sourceKey(jobId)),
    'tasks.task': ({ task }) => tasks.put(task, now()),
    'tasks.input': ({ taskId, jobId, text }) => data.put(`${taskId}/in`, jobId, text),
    'tasks.output': ({ taskId, jobId, epoch, text }) => data.put(`${taskId}/${epoch}`, jobId, text),
    'tasks.output.gone': ({ taskId, epoch }) => data.remove(`${taskId}/${epoch}`),
    'tasks.moved': fact => tasks.move(fact, now()),
    'tasks.work': ({ work, input }) => {
      works.put({ key: work.taskId, state: work.state, body: work }, now())
      if (input !== undefined) data.put(`${work.taskId}/work`, '', input)
    },
    'tasks.work.gone': ({ taskId }) => {
      works.remove(taskId)
      data.remove(`${taskId}/work`)
    },
    'tasks.reputation': ({ reputation: body }) => reputations.put({ key: reputationKey(body), body }, now()),
    'tasks.statement': ({ statement: body }) => statements.put({ key: body.signature, owner: body.jobId, body }, now()),
    'tasks.job.gone': ({ jobId, rows }) => void forgetJob(shelves, jobId, rows),
  }
}

/** Of one thing submitted, or what the keys of all of a job begin with. The word is older than other things than texts. */
function sourceKey(jobId: string, document?: number): string {
  return `${jobId}/text/${document ?? ''}`
}

function forgetEnded(shelves: Shelves, endedMs: number, atMost: number): boolean {
  const { jobs, statements } = shelves
  statements.keepNewest(MAX_STATEMENTS)
  let left = atMost
  for (const { id } of jobs.endedBefore(ENDED, endedMs, atMost)) {
    left = forgetJob(shelves, id, left)
    if (left <= 0) return true
  }
  return false
}

/** Takes up to `atMost` rows of a job away, itself last. What is left of `atMost` then; 0: there may be more. */
function forgetJob({ jobs, documents, statements, tasks, data }: Shelves, id: string, atMost: number): number {
  let left = atMost
  left -= tasks.forget(id, left)
  left -= data.forget(id, Math.max(0, left))
  if (left <= 0) return 0
  for (const { signature } of statements.ownedBy(id)) statements.remove(signature)
  documents.remove(id)
  jobs.remove(id)
  return left - 1
}

function jobsOf(shelves: Shelves) {
  const { jobs, documents } = shelves
  return {
    job: (id: string) => jobs.get(id),
    jobs: (limit: number) => jobs.all(limit),
    jobsInState: (state: JobState) =>
      jobs.inState(state).sort((a, b) => b.priority - a.priority || a.createdMs - b.createdMs),
    /** Whether a job is there that time could change. */
    hasOpenJobs: () => OPEN.some(state => jobs.inState(state, 1).length > 0),
    jobsWithKey: (key: string) => jobs.ownedBy(key),
    documents: (jobId: string) => documents.get(jobId) ?? [],
    source: (jobId: string, document: number) => sourceOf(shelves, jobId, document),
  }
}

function sourceOf({ documents, data }: Shelves, jobId: string, document: number): Json | undefined {
  const kept = data.get(sourceKey(jobId, document))
  if (kept === undefined) return undefined
  const value = JSON.parse(kept) as [Json] | string
  // A lone string: the text of a document, as it was kept while all that could be submitted were texts.
  return typeof value === 'string' ? { name: documents.get(jobId)?.[document]?.name ?? '', text: value } : value[0]
}

/** What tasks are about, who works on them, and what is proven of that. */
function workOf({ works, reputations, statements, data }: Shelves) {
  return {
    input: (taskId: TaskId) => data.get(`${taskId}/in`),
    output: (taskId: TaskId, epoch: number) => data.get(`${taskId}/${epoch}`),
    work: (id: TaskId) => works.get(id),
    openWork: () => works.inState('accepted'),
    /** JSON text of a one-element array, as its submitter sent it; own work's is the task's own `input`. */
    workInput: (id: TaskId) => data.get(`${id}/work`),
    reputation: (key: string) => reputations.get(key),
    reputations: () => reputations.all(),
    statements: (jobId: string) => statements.ownedBy(jobId).sort((a, b) => a.atMs - b.atMs),
  }
}
