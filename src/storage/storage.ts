import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../kernel/clock.ts'
import { CodedError, messageOf } from '../kernel/errors.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Metrics } from '../kernel/metrics.ts'
import { groupedCommits, storageError } from './groups.ts'
import type { Db, Kept, StoreTools } from './kept.ts'
import { createMessages, type Messages } from './messages.ts'
import { migrate, migrateDomain } from './schema.ts'
import { createUndoLog, rolledBackMap, type UndoLog } from './undo.ts'

export type StorageCode =
  | 'STORE_CLOSED'
  | 'STORE_FULL'
  | 'STORE_FAILED'
  | 'STORE_LOCKED'
  | 'STORE_CORRUPT'
  | 'STORE_TOO_NEW'

/** How a group of writes ended. */
export type GroupEnd = 'committed' | 'undone'

/** What of a domain the storage needs to know. */
export interface StoreMaker<Fact, Read> {
  readonly name: string
  /** Each takes the domain's tables from version i to i + 1. Never changed once released. */
  readonly migrations?: readonly string[]
  store(db: Db, tools: StoreTools): Kept<Fact, Read>
}

export interface Storage extends Part {
  /** @throws STORE_CLOSED, STORE_FULL, STORE_FAILED, and what `work` throws */
  write<T>(work: () => T): Promise<T>
  /** Brings a domain's tables up to date and opens its store. @throws STORE_TOO_NEW */
  open<Fact, Read>(domain: StoreMaker<Fact, Read>): Kept<Fact, Read>
  readonly messages: Messages
  /** Counts what has changed in the memory of all stores. */
  memoryChanges(): number
  /** Called after every group of writes, kept or undone. @returns what ends that */
  onEnd(listener: (how: GroupEnd) => void): () => void
  stop(): void
}

/** SQLite's code for "somebody else has it". */
const SQLITE_BUSY = 5

/**
 * Opens the one database file, for this process alone: its lock is the daemon's lock on the data directory, and the
 * system lets go of it however the process ends.
 */
export function openStorage(file: string, deps: { clock: Pick<Clock, 'now'>; metrics: Metrics }): Storage {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const db = open(file)
  const now = () => deps.clock.now()
  const messages = createMessages(db)
  const listeners = new Set<(how: GroupEnd) => void>()
  const memory = createUndoLog(() => db.isOpen && db.isTransaction)
  const groups = groupedCommits(db, memory, how => {
    messages.ended(how)
    for (const listener of listeners) listener(how)
  })
  const writes = deps.metrics.counter('storage_writes_total', 'Durable writes, several of which share a commit')
  return {
    name: 'storage',
    write(work) {
      if (!db.isOpen) return Promise.reject(closed())
      writes()
      return groups.write(work)
    },
    open(domain) {
      migrateDomain(db, domain.name, domain.migrations ?? [])
      return domain.store(db, toolsOf(memory, now))
    },
    messages,
    memoryChanges: memory.changes,
    onEnd(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop() {
      if (!db.isOpen) return
      groups.flush()
      db.close()
    },
  }
}

/** Of one domain's store. */
function toolsOf(memory: UndoLog, now: () => number): StoreTools {
  let changes = 0
  function note(act: () => void): void {
    changes++
    memory.note(() => {
      changes++
      act()
    })
  }
  return { now, memory: most => rolledBackMap(most, note), undo: note, changes: () => changes }
}

function closed(): CodedError<StorageCode> {
  return new CodedError('STORE_CLOSED', 'the daemon has stopped: nothing is kept any more')
}

function open(file: string): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(file, { timeout: 0 })
    db.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON',
    )
    db.exec('BEGIN IMMEDIATE; COMMIT')
    migrate(db)
    return db
  } catch (error) {
    db?.close()
    throw openError(file, error)
  }
}

function openError(file: string, error: unknown): unknown {
  if (error instanceof CodedError) return error
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
  if (code === SQLITE_BUSY) {
    return new CodedError<StorageCode>('STORE_LOCKED', `another daemon uses this data directory: ${dirname(file)}`, {
      hint: 'stop it, or give this one its own with WATTMESH_HOME or --home',
      cause: error,
    })
  }
  // 11: malformed; 26: not a database.
  if (code === 11 || code === 26) {
    return new CodedError<StorageCode>('STORE_CORRUPT', `the database ${file} is damaged: ${messageOf(error)}`, {
      hint: 'restore a backup, or move it away to start without its history',
      cause: error,
    })
  }
  return storageError(error)
}
