import type { Db } from './kept.ts'

/** A thing a domain keeps whole: written by a fact, read by key, by state, or by what it belongs to. */
export interface Document<Body> {
  readonly key: string
  readonly state?: string
  readonly owner?: string
  /** What comes first within a state; by default what changed longest ago. */
  readonly rank?: number
  readonly body: Body
}

export interface Documents<Body> {
  put(document: Document<Body>, nowMs: number): void
  remove(key: string): void
  get(key: string): Body | undefined
  all(limit?: number): Body[]
  inState(state: string, limit?: number): Body[]
  /** Of a state, the one that comes last. */
  lastInState(state: string): Body | undefined
  /** Of a state, the first beyond this rank. */
  inStateAfter(state: string, rank: number, limit: number): Body[]
  /** Of a state, those of `from ≤ rank < before`. */
  inStateBetween(state: string, from: number, before: number): Body[]
  /** Of a state, those of exactly this rank. */
  inStateAt(state: string, rank: number): Body[]
  ownedBy(owner: string): Body[]
  count(): number
  countByState(): Record<string, number>
  /** Forgets documents in one of these states not touched since. */
  prune(states: readonly string[], beforeMs: number): number
  pruneRanked(beforeRank: number): void
  /** Of these states, not touched since. */
  endedBefore(states: readonly string[], beforeMs: number, limit: number): Body[]
  /** Forgets all but the newest. */
  keepNewest(count: number): void
}

const MANY = 1_000_000

/** The shape of `Body` is the domain's business: only its own code writes it. */
export function createDocuments<Body>(db: Db, kind: string): Documents<Body> {
  const put = db.prepare(
    `INSERT INTO documents (kind, key, state, owner, rank, updated, body) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (kind, key) DO UPDATE SET state = excluded.state, owner = excluded.owner, rank = excluded.rank, updated = excluded.updated, body = excluded.body`,
  )
  const remove = db.prepare('DELETE FROM documents WHERE kind = ? AND key = ?')
  const get = db.prepare('SELECT body FROM documents WHERE kind = ? AND key = ?')
  const all = db.prepare('SELECT body FROM documents WHERE kind = ? ORDER BY updated DESC LIMIT ?')
  const inState = db.prepare('SELECT body FROM documents WHERE kind = ? AND state = ? ORDER BY rank LIMIT ?')
  const lastInState = db.prepare('SELECT body FROM documents WHERE kind = ? AND state = ? ORDER BY rank DESC LIMIT 1')
  const inStateAfter = db.prepare(
    'SELECT body FROM documents WHERE kind = ? AND state = ? AND rank > ? ORDER BY rank LIMIT ?',
  )
  const inStateBetween = db.prepare(
    'SELECT body FROM documents WHERE kind = ? AND state = ? AND rank >= ? AND rank < ? ORDER BY rank',
  )
  const inStateAt = db.prepare('SELECT body FROM documents WHERE kind = ? AND state = ? AND rank = ?')
  const pruneRanked = db.prepare('DELETE FROM documents WHERE kind = ? AND rank < ?')
  const ownedBy = db.prepare('SELECT body FROM documents WHERE kind = ? AND owner = ? ORDER BY key')
  const counts = db.prepare('SELECT state, count(*) AS n FROM documents WHERE kind = ? GROUP BY state')
  const count = db.prepare('SELECT count(*) AS n FROM documents WHERE kind = ?')
  const prune = db.prepare('DELETE FROM documents WHERE kind = ? AND state = ? AND updated < ?')
  const endedBefore = db.prepare('SELECT body FROM documents WHERE kind = ? AND state = ? AND updated < ? LIMIT ?')
  const keepNewest = db.prepare(
    `DELETE FROM documents WHERE kind = $kind AND rank <
     (SELECT rank FROM documents WHERE kind = $kind AND state = '' ORDER BY rank DESC LIMIT 1 OFFSET $count)`,
  )
  const bodies = (rows: Record<string, unknown>[]): Body[] => rows.map(row => JSON.parse(String(row['body'])) as Body)

  return {
    put: ({ key, state = '', owner = '', rank, body }, nowMs) =>
      void put.run(kind, key, state, owner, rank ?? nowMs, nowMs, JSON.stringify(body)),
    remove: key => void remove.run(kind, key),
    get(key) {
      const row = get.get(kind, key)
      return row === undefined ? undefined : bodies([row])[0]
    },
    all: (limit = MANY) => bodies(all.all(kind, limit)),
    inState: (state, limit = MANY) => bodies(inState.all(kind, state, limit)),
    lastInState: state => bodies(lastInState.all(kind, state))[0],
    inStateAfter: (state, rank, limit) => bodies(inStateAfter.all(kind, state, rank, limit)),
    inStateBetween: (state, from, before) => bodies(inStateBetween.all(kind, state, from, before)),
    inStateAt: (state, rank) => bodies(inStateAt.all(kind, state, rank)),
    pruneRanked: beforeRank => void pruneRanked.run(kind, beforeRank),
    ownedBy: owner => bodies(ownedBy.all(kind, owner)),
    count: () => Number(count.get(kind)?.['n'] ?? 0),
    countByState: () => Object.fromEntries(counts.all(kind).map(row => [String(row['state']), Number(row['n'])])),
    endedBefore: (states, beforeMs, limit) =>
      states.flatMap(state => bodies(endedBefore.all(kind, state, beforeMs, limit))).slice(0, limit),
    keepNewest: most => void keepNewest.run({ $kind: kind, $count: most }),
    prune: (states, beforeMs) => states.reduce((n, state) => n + Number(prune.run(kind, state, beforeMs).changes), 0),
  }
}
