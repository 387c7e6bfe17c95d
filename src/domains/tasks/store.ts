import type { PeerId, TaskId } from '../../kernel/ids.ts'
import type { Json } from '../../kernel/outcome.ts'
import { createDocuments } from '../../storage/documents.ts'
import { applyBy, type Db, type StoreTools, type Writers } from '../../storage/kept.ts'
import type { WorkStatement } from './proof/receipt.ts'
import type { Reputation } from './proof/reputation.ts'
import type { JobState, TaskState } from './states.ts'
import type { Job, JobDocument, Task, TaskFact, Work } from './task.ts'

/** Signed statements kept at most, whatever their age. */
const MAX_STATEMENTS = 50_000
const DAY_MS = 24 * 60 * 60_000

/**
 * Jobs and tasks. A job may have many thousands of tasks, so they have a table with the indexes the queue asks by, and
 * their inputs and outputs one beside it: a step of a task rewrites neither.
 */
export function tasksStore(db: Db, { now, memory, undo }: StoreTools, { resultDays }: { readonly resultDays: number }) {
  const jobs = createDocuments<Job>(db, 'job')
  const documents = createDocuments<readonly JobDocument[]>(db, 'job.documents')
  const works = createDocuments<Work>(db, 'work')
  const reputations = createDocuments<Reputation>(db, 'reputation')
  const statements = createDocuments<WorkStatement>(db, 'work.statement')
  const rows = taskRows(db)
  const data = taskData(db)
  let changes = 0

  function count(): void {
    changes++
    undo(() => changes--)
  }

  const writers: Writers<TaskFact> = {
    'tasks.job': ({ job }) =>
      jobs.put({ key: job.id, state: job.state, owner: job.key ?? '', rank: job.createdMs, body: job }, now()),
    'tasks.job.documents': ({ jobId, documents: body }) => documents.put({ key: jobId, body }, now()),
    // JSON keeps every text as it is, half pairs and zeros included.
    'tasks.job.source': ({ jobId, document, source }) =>
      data.put(sourceKey(jobId, document), jobId, JSON.stringify([source])),
    'tasks.job.sources.gone': ({ jobId }) => data.removeUnder(sourceKey(jobId)),
    'tasks.task': ({ task }) => rows.put(task, now()),
    'tasks.input': ({ taskId, jobId, text }) => data.put(`${taskId}/in`, jobId, text),
    'tasks.output': ({ taskId, jobId, epoch, text }) => data.put(`${taskId}/${epoch}`, jobId, text),
    'tasks.output.gone': ({ taskId, epoch }) => data.remove(`${taskId}/${epoch}`),
    'tasks.moved': fact => rows.move(fact, now()),
    'tasks.work': ({ work, input }) => {
      works.put({ key: work.taskId, state: work.state, body: work }, now())
      if (input !== undefined) data.put(`${work.taskId}/work`, '', input)
    },
    'tasks.work.gone': ({ taskId }) => {
      works.remove(taskId)
      data.remove(`${taskId}/work`)
    },
    'tasks.reputation': ({ reputation: body }) => reputations.put({ key: keyOf(body), body }, now()),
    'tasks.statement': ({ statement: body }) => statements.put({ key: body.signature, owner: body.jobId, body }, now()),
    'tasks.job.gone': ({ jobId, rows: atMost }) => void forgetJob(jobId, atMost),
  }

  /** Takes up to `atMost` rows of a job away, itself last. What is left of `atMost` then; 0: there may be more. */
  function forgetJob(id: string, atMost: number): number {
    let left = atMost
    left -= rows.forget(id, left)
    left -= data.forget(id, Math.max(0, left))
    if (left <= 0) return 0
    for (const { signature } of statements.ownedBy(id)) statements.remove(signature)
    documents.remove(id)
    jobs.remove(id)
    return left - 1
  }

  return {
    apply(fact: TaskFact): void {
      count()
      applyBy<TaskFact>(writers)(fact)
    },
    /** Forgets jobs that ended long ago, with all that is theirs, so many rows at a time: true while something is left. */
    forget(nowMs: number, atMost: number): boolean {
      const endedMs = nowMs - resultDays * DAY_MS
      statements.keepNewest(MAX_STATEMENTS)
      let left = atMost
      for (const { id } of jobs.endedBefore(ENDED, endedMs, atMost)) {
        left = forgetJob(id, left)
        if (left <= 0) return true
      }
      return false
    },
    read: {
      memory,
      /** Counts what has changed, in a write still open too. */
      changes: () => changes,
      job: (id: string) => jobs.get(id),
      jobs: (limit: number) => jobs.all(limit),
      jobsInState: (state: JobState) =>
        jobs.inState(state).sort((a, b) => b.priority - a.priority || a.createdMs - b.createdMs),
      /** Whether a job is there that time could change. */
      hasOpenJobs: () => OPEN.some(state => jobs.inState(state, 1).length > 0),
      jobsWithKey: (key: string) => jobs.ownedBy(key),
      documents: (jobId: string) => documents.get(jobId) ?? [],
      source(jobId: string, document: number): Json | undefined {
        const kept = data.get(sourceKey(jobId, document))
        if (kept === undefined) return undefined
        const value = JSON.parse(kept) as [Json] | string
        // A lone string: the text of a document, as it was kept while all that could be submitted were texts.
        return typeof value === 'string'
          ? { name: documents.get(jobId)?.[document]?.name ?? '', text: value }
          : value[0]
      },
      ...rows.readers,

      input: (taskId: TaskId) => data.get(`${taskId}/in`),
      output: (taskId: TaskId, epoch: number) => data.get(`${taskId}/${epoch}`),
      work: (id: TaskId) => works.get(id),
      openWork: () => works.inState('accepted'),
      /** JSON text of a one-element array, as its submitter sent it; own work's is the task's own `input`. */
      workInput: (id: TaskId) => data.get(`${id}/work`),
      reputation: (key: string) => reputations.get(key),
      reputations: () => reputations.all(),
      statements: (jobId: string) => statements.ownedBy(jobId).sort((a, b) => a.atMs - b.atMs),
    },
  }
}

/** Of one thing submitted, or what the keys of all of a job begin with. The word is older than other things than texts. */
const sourceKey = (jobId: string, document?: number): string => `${jobId}/text/${document ?? ''}`

const OPEN: readonly JobState[] = ['running', 'waiting']
const ENDED: readonly JobState[] = ['done', 'failed', 'cancelled', 'expired']

function keyOf({ peer, kind, model }: Reputation): string {
  return `${peer}/${kind}/${model}`
}

/** What somebody began, or gave an opinion on, goes before what has not begun; what must wait goes behind. */
function rankOf({ lostAtMs, opinions, notBeforeMs }: Task): number {
  return lostAtMs !== undefined || opinions.length > 0 ? Math.min(notBeforeMs, 0) : Math.max(1, notBeforeMs)
}

function untilOf({ leases }: Task): number {
  return leases.length === 0 ? 0 : Math.min(...leases.map(({ untilMs, capMs }) => Math.min(untilMs, capMs)))
}

function taskRows(db: Db) {
  const put = db.prepare(
    `INSERT INTO tasks (id, job, state, rank, position, document, worker, until, updated, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, rank = excluded.rank, worker = excluded.worker, until = excluded.until, updated = excluded.updated, body = excluded.body`,
  )
  const get = db.prepare('SELECT body FROM tasks WHERE id = ?')
  const leased = db.prepare(`SELECT body FROM tasks WHERE state = 'leased'`)
  const firstUntil = db.prepare(`SELECT min(until) AS n FROM tasks WHERE state = 'leased'`)
  const firstWaiting = db.prepare(`SELECT min(rank) AS n FROM tasks WHERE state = 'queued' AND rank > ?`)
  const overdue = db.prepare(`SELECT body FROM tasks WHERE state = 'leased' AND until <= ?`)
  const load = db.prepare(`SELECT worker, count(*) AS n FROM tasks WHERE state = 'leased' GROUP BY worker`)
  const next = db.prepare(
    `SELECT body FROM tasks WHERE job = ? AND state = 'queued' AND rank <= ? ORDER BY rank, position LIMIT ?`,
  )
  const byWorker = db.prepare(`SELECT body FROM tasks WHERE job = ? AND state = 'done' AND worker = ?`)
  const doubted = db.prepare(`SELECT body FROM tasks WHERE job = ? AND state = 'queued' AND rank <= 0`)
  const open = db.prepare(`SELECT count(*) AS n FROM tasks WHERE job = ? AND state IN ('queued', 'leased')`)
  const anyOpen = db.prepare(`SELECT EXISTS (SELECT 1 FROM tasks WHERE job = ? AND state IN ('queued', 'leased')) AS n`)
  const slow = db.prepare(
    `SELECT body FROM tasks WHERE job = ? AND state = 'leased' AND json_array_length(body, '$.leases') = 1
       AND body ->> '$.leases[0].grantedMs' < ? ORDER BY body ->> '$.leases[0].grantedMs' LIMIT ?`,
  )
  const allOpen = db.prepare(`SELECT count(*) AS n FROM tasks WHERE state IN ('queued', 'leased')`)
  const counts = db.prepare('SELECT state, count(*) AS n FROM tasks WHERE job = ? GROUP BY state')
  const workers = db.prepare(
    `SELECT worker, count(*) AS n FROM tasks WHERE job = ? AND state IN ('done', 'leased') GROUP BY worker, state HAVING state = ?`,
  )
  const retried = db.prepare(`SELECT count(*) AS n FROM tasks WHERE job = ? AND body ->> '$.attempt' > 1`)
  const ofJob = db.prepare('SELECT body FROM tasks WHERE job = ? ORDER BY position LIMIT ? OFFSET ?')
  const ofDocument = db.prepare('SELECT body FROM tasks WHERE job = ? AND document = ? ORDER BY position')
  const move = db.prepare(
    `UPDATE tasks SET state = $to, updated = $now, body = json_set(body, '$.state', $to, '$.reason', $reason)
     WHERE job = $job AND state IN (SELECT value FROM json_each($from))`,
  )
  const again = db.prepare(
    `UPDATE tasks SET state = 'queued', rank = 1, updated = $now, body = json_set(json_remove(body, '$.lostAtMs', '$.doubt', '$.ownCannot', '$.ownTurn'),
       '$.state', 'queued', '$.reason', $reason, '$.attempt', 0, '$.notBeforeMs', 0,
       '$.leases', json('[]'), '$.opinions', json('[]'), '$.tried', json('[]'), '$.lostWith', json('[]'))
     WHERE job = $job AND state IN (SELECT value FROM json_each($from))`,
  )
  const forget = db.prepare('DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE job = ? LIMIT ?)')
  const bodies = (found: Record<string, unknown>[]): Task[] => found.map(row => JSON.parse(String(row['body'])) as Task)
  const number = (row: Record<string, unknown> | undefined): number => Number(row?.['n'] ?? 0)
  const moment = (row: Record<string, unknown> | undefined) => (typeof row?.['n'] === 'number' ? row['n'] : undefined)

  return {
    put: (task: Task, nowMs: number) => {
      const { id, jobId, state, index, document, worker = '' } = task
      put.run(id, jobId, state, rankOf(task), index, document, worker, untilOf(task), nowMs, JSON.stringify(task))
    },
    move({ jobId, from, to, reason }: Extract<TaskFact, { kind: 'tasks.moved' }>, nowMs: number): void {
      const values = { $job: jobId, $from: JSON.stringify(from), $reason: reason, $now: nowMs }
      if (to === 'queued') again.run(values)
      else move.run({ ...values, $to: to })
    },
    forget: (jobId: string, atMost: number) => Number(forget.run(jobId, atMost).changes),
    readers: {
      task: (id: TaskId) => bodies([get.get(id)].filter(row => row !== undefined))[0],
      leasedTasks: () => bodies(leased.all()),
      /** When the first lease runs out; undefined: nothing is leased. */
      nextLeaseEnd: () => moment(firstUntil.get()),
      /** When the first task that must wait longer than that may be given out. */
      nextWaiting: (afterMs: number) => moment(firstWaiting.get(afterMs)),
      overdueTasks: (nowMs: number) => bodies(overdue.all(nowMs)),
      /** How many tasks of all jobs each worker has; a copy counts for its second worker. */
      load: () => new Map(load.all().map(row => [String(row['worker']) as PeerId, number(row)])),
      nextTasks: (jobId: string, nowMs: number, limit: number) => bodies(next.all(jobId, nowMs, limit)),
      unconfirmedTasks: (jobId: string, worker: PeerId) =>
        bodies(byWorker.all(jobId, worker)).filter(({ confirmed }) => confirmed !== true),
      doubtedTasks: (jobId: string) => bodies(doubted.all(jobId)).filter(({ opinions }) => opinions.length > 0),
      openTasks: (jobId: string) => number(open.get(jobId)),
      hasOpenTasks: (jobId: string) => number(anyOpen.get(jobId)) === 1,
      /** Tasks that one worker has had since before then, the slowest first. */
      slowTasks: (jobId: string, grantedBeforeMs: number, limit: number) =>
        bodies(slow.all(jobId, grantedBeforeMs, limit)),
      allOpenTasks: () => number(allOpen.get()),
      taskCounts: (jobId: string): Readonly<Record<string, number>> =>
        Object.fromEntries(counts.all(jobId).map(row => [String(row['state']), number(row)])),
      /** How many tasks of a job were begun more than once. */
      retriedTasks: (jobId: string) => number(retried.get(jobId)),
      /** How many tasks of a job each worker has in this state. */
      workerCounts: (jobId: string, state: TaskState): Readonly<Record<string, number>> =>
        Object.fromEntries(workers.all(jobId, state).map(row => [String(row['worker']), number(row)])),
      tasksOfJob: (jobId: string, limit = -1, offset = 0) => bodies(ofJob.all(jobId, limit, offset)),
      tasksOfDocument: (jobId: string, document: number) => bodies(ofDocument.all(jobId, document)),
    },
  }
}

export type TasksRead = ReturnType<typeof tasksStore>['read']

function taskData(db: Db) {
  const put = db.prepare('INSERT OR REPLACE INTO task_data (key, job, text) VALUES (?, ?, ?)')
  const get = db.prepare('SELECT text FROM task_data WHERE key = ?')
  const remove = db.prepare('DELETE FROM task_data WHERE key = ?')
  const removeUnder = db.prepare('DELETE FROM task_data WHERE key >= ? AND key < ?')
  const forget = db.prepare('DELETE FROM task_data WHERE key IN (SELECT key FROM task_data WHERE job = ? LIMIT ?)')
  return {
    put: (key: string, job: string, text: string) => void put.run(key, job, text),
    get: (key: string): string | undefined => get.get(key)?.['text'] as string | undefined,
    remove: (key: string) => void remove.run(key),
    /** @param start of the keys */
    removeUnder: (start: string) => void removeUnder.run(start, `${start}\u{10ffff}`),
    forget: (job: string, atMost: number) => Number(forget.run(job, atMost).changes),
  }
}
