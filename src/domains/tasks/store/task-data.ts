import type { Db } from '../../../storage/kept.ts'

export type TaskData = ReturnType<typeof createTaskData>

/** Texts beside the rows: what was submitted, inputs and outputs; a step of a task rewrites none of them. */
export function createTaskData(db: Db) {
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
