import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../kernel/clock.ts'
import { CodedError, messageOf } from '../kernel/errors.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Metrics } from '../kernel/metrics.ts'
import { createFacts, type Fact } from './facts.ts'
import { groupedCommits, storageError } from './groups.ts'
import { createMessages, type Messages } from './messages.ts'
import { migrate } from './schema.ts'

export type StorageCode = 'STORE_FULL' | 'STORE_FAILED' | 'STORE_LOCKED' | 'STORE_CORRUPT' | 'STORE_TOO_NEW'

export type Facts = ReturnType<typeof createFacts>

export interface Storage extends Part, Omit<Facts, 'apply'> {
  write<T>(work: () => T): Promise<T>
  apply(facts: readonly Fact[]): void
  readonly messages: Messages
  stop(): void
}

/** SQLite's code for "somebody else has it". */
const SQLITE_BUSY = 5

/**
 * Opens the one database file, for this process alone: its lock is the daemon's lock on the data directory, and the
 * system lets go of it however the process ends.
 */
export function openStorage(file: string, deps: { clock: Clock; metrics: Metrics }): Storage {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const db = open(file)
  const { now } = deps.clock
  const messages = createMessages(db)
  const groups = groupedCommits(db, how => messages.ended(how))
  const writes = deps.metrics.counter('storage_writes_total', 'Durable writes, several of which share a commit')
  const { apply, ...facts } = createFacts(db, () => now())
  return {
    name: 'storage',
    write: work => {
      writes()
      return groups.write(work)
    },
    apply,
    ...facts,
    messages,
    stop() {
      if (!db.isOpen) return
      groups.flush()
      db.close()
    },
  }
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
