import type { PeerId, TaskId } from '../../../kernel/ids.ts'
import type { Db } from '../../../storage/kept.ts'
import type { Task } from '../task.ts'

/** Tasks, and when time changes the next of them. */
export function createTaskReader(db: Db) {
  const get = db.prepare('SELECT body FROM tasks WHERE id = ?')
  const leased = db.prepare(`SELECT body FROM tasks WHERE state = 'leased'`)
  const firstUntil = db.prepare(`SELECT min(until) AS n FROM tasks WHERE state = 'leased'`)
  const firstWaiting = db.prepare(`SELECT min(rank) AS n FROM tasks WHERE state = 'queued' AND rank > ?`)
  const overdue = db.prepare(`SELECT body FROM tasks WHERE state = 'leased' AND until <= ?`)
  const next = db.prepare(
    `SELECT body FROM tasks WHERE job = ? AND state = 'queued' AND rank <= ? ORDER BY rank, position LIMIT ?`,
  )
  const byWorker = db.prepare(`SELECT body FROM tasks WHERE job = ? AND state = 'done' AND worker = ?`)
  const doubted = db.prepare(`SELECT body FROM tasks WHERE job = ? AND state = 'queued' AND rank <= 0`)
  const slow = db.prepare(
    `SELECT body FROM tasks WHERE job = ? AND state = 'leased' AND json_array_length(body, '$.leases') = 1
       AND body ->> '$.leases[0].grantedMs' < ? ORDER BY body ->> '$.leases[0].grantedMs' LIMIT ?`,
  )
  const ofJob = db.prepare('SELECT body FROM tasks WHERE job = ? ORDER BY position LIMIT ? OFFSET ?')
  const ofDocument = db.prepare('SELECT body FROM tasks WHERE job = ? AND document = ? ORDER BY position')

  return {
    task: (id: TaskId) => bodies([get.get(id)].filter(row => row !== undefined))[0],
    leasedTasks: () => bodies(leased.all()),
    /** When the first lease runs out; undefined: nothing is leased. */
    nextLeaseEnd: () => moment(firstUntil.get()),
    /** When the first task that must wait longer than that may be given out. */
    nextWaiting: (afterMs: number) => moment(firstWaiting.get(afterMs)),
    overdueTasks: (nowMs: number) => bodies(overdue.all(nowMs)),
    nextTasks: (jobId: string, nowMs: number, limit: number) => bodies(next.all(jobId, nowMs, limit)),
    unconfirmedTasks: (jobId: string, worker: PeerId) =>
      bodies(byWorker.all(jobId, worker)).filter(({ confirmed }) => confirmed !== true),
    doubtedTasks: (jobId: string) => bodies(doubted.all(jobId)).filter(({ opinions }) => opinions.length > 0),
    /** Tasks that one worker has had since before then, the slowest first. */
    slowTasks: (jobId: string, grantedBeforeMs: number, limit: number) =>
      bodies(slow.all(jobId, grantedBeforeMs, limit)),
    tasksOfJob: (jobId: string, limit = -1, offset = 0) => bodies(ofJob.all(jobId, limit, offset)),
    tasksOfDocument: (jobId: string, document: number) => bodies(ofDocument.all(jobId, document)),
  }
}

function bodies(rows: Record<string, unknown>[]): Task[] {
  return rows.map(row => JSON.parse(String(row['body'])) as Task)
}

function moment(row: Record<string, unknown> | undefined): number | undefined {
  return typeof row?.['n'] === 'number' ? row['n'] : undefined
}
