import type { PeerId } from '../../../kernel/ids.ts'
import type { Db } from '../../../storage/kept.ts'
import type { TaskState } from '../states.ts'

/** How many tasks there are, without reading them. */
export function createTaskCounts(db: Db) {
  const load = db.prepare(`SELECT worker, count(*) AS n FROM tasks WHERE state = 'leased' GROUP BY worker`)
  const open = db.prepare(`SELECT count(*) AS n FROM tasks WHERE job = ? AND state IN ('queued', 'leased')`)
  const anyOpen = db.prepare(`SELECT EXISTS (SELECT 1 FROM tasks WHERE job = ? AND state IN ('queued', 'leased')) AS n`)
  const allOpen = db.prepare(`SELECT count(*) AS n FROM tasks WHERE state IN ('queued', 'leased')`)
  const counts = db.prepare('SELECT state, count(*) AS n FROM tasks WHERE job = ? GROUP BY state')
  const workers = db.prepare(
    `SELECT worker, count(*) AS n FROM tasks WHERE job = ? AND state IN ('done', 'leased') GROUP BY worker, state HAVING state = ?`,
  )
  const retried = db.prepare(`SELECT count(*) AS n FROM tasks WHERE job = ? AND body ->> '$.attempt' > 1`)

  return {
    /** How many tasks of all jobs each worker has; a copy counts for its second worker. */
    load: () => new Map(load.all().map(row => [String(row['worker']) as PeerId, number(row)])),
    openTasks: (jobId: string) => number(open.get(jobId)),
    hasOpenTasks: (jobId: string) => number(anyOpen.get(jobId)) === 1,
    allOpenTasks: () => number(allOpen.get()),
    taskCounts: (jobId: string): Readonly<Record<string, number>> =>
      Object.fromEntries(counts.all(jobId).map(row => [String(row['state']), number(row)])),
    /** How many tasks of a job were begun more than once. */
    retriedTasks: (jobId: string) => number(retried.get(jobId)),
    /** How many tasks of a job each worker has in this state. */
    workerCounts: (jobId: string, state: TaskState): Readonly<Record<string, number>> =>
      Object.fromEntries(workers.all(jobId, state).map(row => [String(row['worker']), number(row)])),
  }
}

function number(row: Record<string, unknown> | undefined): number {
  return Number(row?.['n'] ?? 0)
}
