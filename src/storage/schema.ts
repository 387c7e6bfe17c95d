import type { DatabaseSync } from 'node:sqlite'
import { CodedError } from '../kernel/errors.ts'

/**
 * Each entry takes the database from version i to i + 1, in one transaction. Entries are never changed once released:
 * a daemon in the field has run them.
 */
const MIGRATIONS: readonly string[] = [
  `
  -- The journal: every message handled or sent. An 'out' row that is pending is the outbox.
  CREATE TABLE messages (
    seq INTEGER PRIMARY KEY,
    direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    task_id TEXT NOT NULL,
    peer TEXT,                       -- sender, or recipient; NULL: everybody
    at INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    envelope TEXT NOT NULL,          -- canonical JSON, unsigned, payload open
    digest BLOB NOT NULL,            -- sha-256 of envelope
    carrier TEXT NOT NULL,
    sealed INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('handled', 'pending', 'delivered', 'refused', 'expired')),
    answer TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    UNIQUE (direction, peer, id)    -- senders choose ids: only their own can collide
  ) STRICT;
  CREATE INDEX messages_pending ON messages (peer, seq) WHERE state = 'pending';
  CREATE INDEX messages_at ON messages (at);
  CREATE INDEX messages_state ON messages (direction, state);
  CREATE INDEX messages_id ON messages (id);
  CREATE INDEX messages_task ON messages (task_id);

  -- What a domain keeps: one document a row, found by kind and key, or by kind, state and key.
  CREATE TABLE documents (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT '',
    owner TEXT NOT NULL DEFAULT '',  -- what it belongs to: a seller, a job, …
    rank INTEGER NOT NULL,           -- what comes first within a state
    updated INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX documents_state ON documents (kind, state, rank);
  CREATE INDEX documents_owner ON documents (kind, owner);
  `,
]

export function migrate(db: DatabaseSync): void {
  const from = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0)
  if (from > MIGRATIONS.length) {
    throw new CodedError(
      'STORE_TOO_NEW',
      `the database is of version ${from}, this wattmesh knows ${MIGRATIONS.length}`,
      {
        hint: 'start the newer wattmesh that wrote it, or restore a backup',
      },
    )
  }
  for (const [i, sql] of MIGRATIONS.entries()) {
    if (i < from) continue
    db.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${i + 1}; COMMIT`)
  }
}
