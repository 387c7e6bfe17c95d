import type { DatabaseSync } from 'node:sqlite'
import { CodedError, messageOf } from '../kernel/errors.ts'
import type { UndoLog } from './undo.ts'

/** SQLite's primary codes for a disk that is full, and for one that fails. */
const SQLITE_FULL = 13

export interface Groups {
  /**
   * Runs `work` (synchronous) inside a transaction shared with everything else of this turn of the event loop, and
   * resolves with its result once that transaction is on the disk. When `work` throws, its own writes are undone and
   * the others go on. When the disk fails, everybody in the group is told and nothing of it is kept.
   */
  write<T>(work: () => T): Promise<T>
  /** Commits what is open, now. */
  flush(): void
}

/** A transaction, open or not, and the memory that goes with it. */
interface Group {
  readonly db: DatabaseSync
  readonly memory: UndoLog
  readonly ended: (how: 'committed' | 'undone') => void
  /** Those whose work is in it: told of its end, with what went wrong, if anything. */
  waiting: ((failure: unknown) => void)[]
}

/** Many messages share one fsync: the price of durability is paid once a turn, not once a message. */
export function groupedCommits(db: DatabaseSync, memory: UndoLog, ended: Group['ended']): Groups {
  const group: Group = { db, memory, ended, waiting: [] }
  return {
    write: work => write(work, group),
    flush: () => flush(group),
  }
}

function write<T>(work: () => T, group: Group): Promise<T> {
  const { db } = group
  return new Promise((resolve, reject) => {
    try {
      if (!db.isTransaction) open(group)
      const result = inSavepoint(work, group)
      group.waiting.push(failure => (failure === undefined ? resolve(result) : reject(failure)))
    } catch (error) {
      // A full disk can end the whole transaction: then those who wrote before are told as well.
      if (!db.isTransaction) fail(error, group)
      reject(storageError(error))
    }
  })
}

function open(group: Group): void {
  group.db.exec('BEGIN IMMEDIATE')
  setImmediate(() => flush(group))
}

function inSavepoint<T>(work: () => T, { db, memory }: Group): T {
  db.exec('SAVEPOINT work')
  const mark = memory.mark()
  try {
    const result = work()
    db.exec('RELEASE work')
    return result
  } catch (error) {
    memory.backTo(mark)
    if (db.isTransaction) db.exec('ROLLBACK TO work; RELEASE work')
    throw error
  }
}

function flush(group: Group): void {
  const { db, memory } = group
  if (!db.isOpen || !db.isTransaction) return
  try {
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    fail(error, group)
    return
  }
  memory.forget()
  for (const tell of taken(group)) tell(undefined)
  group.ended('committed')
}

function fail(error: unknown, group: Group): void {
  group.memory.backTo(0)
  for (const tell of taken(group)) tell(storageError(error))
  group.ended('undone')
}

/** Those who wait; whoever writes from now on waits for the next transaction. */
function taken(group: Group): Group['waiting'] {
  const { waiting } = group
  group.waiting = []
  return waiting
}

/** Errors of SQLite as ours; anything else (a bug in `work`) as it is. */
export function storageError(error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error)) return error
  const full = (Number(error.errcode) & 0xff) === SQLITE_FULL
  return new CodedError(
    full ? 'STORE_FULL' : 'STORE_FAILED',
    full ? 'the disk is full' : `the database failed: ${messageOf(error)}`,
    {
      hint: full ? 'free some space; the daemon goes on by itself' : 'check the disk and the journal of the system',
      cause: error,
    },
  )
}
