import type { DatabaseSync } from 'node:sqlite'
import { CodedError } from '../kernel/errors.ts'

/**
 * Each entry takes the database from version i to i + 1, in one transaction. Entries are never changed once released:
 * a daemon in the field has run them. The first three made the tables of domains too; since the fourth each domain
 * brings its own migrations, and has a version of its own.
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
  `
  -- Knowledge: documents cut into passages that are compared by meaning, and sections that are compared by words.
  CREATE TABLE knowledge_collections (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    access TEXT NOT NULL,
    fingerprint TEXT,                -- of the model; NULL: no vectors yet
    sections INTEGER NOT NULL DEFAULT 0,
    passages INTEGER NOT NULL DEFAULT 0,
    terms INTEGER NOT NULL DEFAULT 0 -- of all sections together, repeated ones counted
  ) STRICT;
  CREATE TABLE knowledge_documents (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    collection INTEGER NOT NULL REFERENCES knowledge_collections,
    path TEXT NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    hash TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    read INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('partial', 'whole', 'dropped'))
  ) STRICT;
  CREATE INDEX knowledge_documents_path ON knowledge_documents (collection, path);
  CREATE INDEX knowledge_documents_debris ON knowledge_documents (seq) WHERE state <> 'whole';
  CREATE TABLE knowledge_sections (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES knowledge_documents,
    length INTEGER NOT NULL,
    terms TEXT NOT NULL              -- each term once, by spaces: what to take out of the postings
  ) STRICT;
  CREATE INDEX knowledge_sections_document ON knowledge_sections (document);
  CREATE TABLE knowledge_passages (
    id INTEGER PRIMARY KEY,
    section INTEGER NOT NULL REFERENCES knowledge_sections,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    text TEXT NOT NULL
  ) STRICT;
  CREATE INDEX knowledge_passages_section ON knowledge_passages (section);
  -- Apart from the text, so that comparing reads nothing else.
  CREATE TABLE knowledge_vectors (
    passage INTEGER PRIMARY KEY REFERENCES knowledge_passages,
    section INTEGER NOT NULL,
    scale REAL NOT NULL,
    vector BLOB NOT NULL             -- a signed byte a dimension
  ) STRICT;
  CREATE INDEX knowledge_vectors_section ON knowledge_vectors (section);
  -- 256 passages a row: their bits one after the other, and a float32 each (0: no such passage).
  CREATE TABLE knowledge_signatures (
    collection INTEGER NOT NULL,
    block INTEGER NOT NULL,
    bits BLOB NOT NULL,
    sizes BLOB NOT NULL,
    PRIMARY KEY (collection, block)
  ) STRICT, WITHOUT ROWID;
  -- 256 sections a row, those with the term: four bytes each, number in the block, count, length (little-endian).
  CREATE TABLE knowledge_postings (
    collection INTEGER NOT NULL,
    term TEXT NOT NULL,
    block INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (collection, term, block)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Tasks are many: the queue finds them by job, state and rank, and their inputs and outputs lie apart.
  CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    job TEXT NOT NULL,
    state TEXT NOT NULL,
    rank INTEGER NOT NULL,           -- not given out before; 0: at once
    position INTEGER NOT NULL,
    document INTEGER NOT NULL,
    worker TEXT NOT NULL,
    until INTEGER NOT NULL,          -- when its first lease runs out; 0: it has none
    updated INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tasks_next ON tasks (job, state, rank, position);
  CREATE INDEX tasks_document ON tasks (job, document, position);
  CREATE INDEX tasks_order ON tasks (job, position);
  CREATE INDEX tasks_worker ON tasks (job, worker, state);
  CREATE INDEX tasks_leased ON tasks (worker, until) WHERE state = 'leased';
  CREATE INDEX tasks_open ON tasks (state) WHERE state IN ('queued', 'leased');
  CREATE TABLE task_data (
    key TEXT PRIMARY KEY,            -- task/in, task/epoch of an output, task/work at a worker
    job TEXT NOT NULL,
    text TEXT NOT NULL
  ) STRICT;
  CREATE INDEX task_data_job ON task_data (job);
  -- Before this version tasks were documents; what was running then is submitted again.
  DELETE FROM documents WHERE kind IN ('job', 'task', 'work');
  `,
  `
  CREATE TABLE domain_versions (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
]

export function migrate(db: DatabaseSync): void {
  const from = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0)
  requireKnown('the database', from, MIGRATIONS.length)
  for (const [i, sql] of MIGRATIONS.entries()) {
    if (i < from) continue
    db.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${i + 1}; COMMIT`)
  }
}

/** Brings the tables of one domain up to date. @throws STORE_TOO_NEW */
export function migrateDomain(db: DatabaseSync, name: string, migrations: readonly string[]): void {
  const versionOf = db.prepare('SELECT version FROM domain_versions WHERE name = ?')
  const setVersion = db.prepare(
    'INSERT INTO domain_versions (name, version) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET version = excluded.version',
  )
  const from = Number(versionOf.get(name)?.['version'] ?? 0)
  requireKnown(`"${name}" in the database`, from, migrations.length)
  for (const [i, sql] of migrations.entries()) {
    if (i < from) continue
    db.exec('BEGIN IMMEDIATE')
    try {
      db.exec(sql)
      setVersion.run(name, i + 1)
      db.exec('COMMIT')
    } catch (error) {
      db.exec('ROLLBACK')
      throw error
    }
  }
}

function requireKnown(what: string, version: number, known: number): void {
  if (version <= known) return
  throw new CodedError('STORE_TOO_NEW', `${what} is of version ${version}, this wattmesh knows ${known}`, {
    hint: 'start the newer wattmesh that wrote it, or restore a backup',
  })
}
