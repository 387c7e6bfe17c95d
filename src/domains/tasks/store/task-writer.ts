import type { Db } from '../../../storage/kept.ts'
import type { Task, TaskFact } from '../task.ts'

export type TaskWriter = ReturnType<typeof createTaskWriter>

/** Where tasks are written: one, or at once all of a job that are in some state. */
export function createTaskWriter(db: Db) {
  const put = db.prepare(
    `INSERT INTO tasks (id, job, state, rank, position, document, worker, until, updated, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, rank = excluded.rank, worker = excluded.worker, until = excluded.until, updated = excluded.updated, body = excluded.body`,
  )
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
  }
}

/** What somebody began, or gave an opinion on, goes before what has not begun; what must wait goes behind. */
function rankOf({ lostAtMs, opinions, notBeforeMs }: Task): number {
  return lostAtMs !== undefined || opinions.length > 0 ? Math.min(notBeforeMs, 0) : Math.max(1, notBeforeMs)
}

function untilOf({ leases }: Task): number {
  return leases.length === 0 ? 0 : Math.min(...leases.map(({ untilMs, capMs }) => Math.min(untilMs, capMs)))
}
