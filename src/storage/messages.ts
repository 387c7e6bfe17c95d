import { createHash } from 'node:crypto'
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { MessageId, PeerId, SubjectId } from '../kernel/ids.ts'
import type { Answer, Carrier } from '../kernel/outcome.ts'

export type MessageState = 'handled' | 'pending' | 'delivered' | 'refused' | 'expired'

export interface MessageRow {
  readonly seq: number
  readonly direction: 'in' | 'out'
  readonly id: MessageId
  readonly type: string
  readonly taskId: SubjectId
  readonly peer: PeerId | undefined
  readonly at: number
  readonly expires: number
  readonly envelope: string
  readonly carrier: Carrier
  readonly sealed: boolean
  readonly state: MessageState
  readonly answer: Answer | undefined
  readonly attempts: number
}

export type NewMessage = Omit<MessageRow, 'seq' | 'attempts'> & {
  /** Kept in the place of the envelope, which then counts by its digest alone. */
  readonly instead?: string | undefined
}

export interface MessageFilter {
  readonly afterSeq?: number
  readonly taskId?: string
  readonly type?: string
  readonly peer?: string
  readonly limit: number
}

export interface Messages {
  /** False when a message of that direction and id is there already. */
  insert(message: NewMessage): boolean
  /** The stored answer to a request seen before, and whether its content was the same. */
  seen(sender: PeerId, id: MessageId, envelope: string): { same: boolean; answer: Answer } | undefined
  sent(id: MessageId): MessageRow | undefined
  /** Recipients that something waits for; undefined stands for everybody. */
  waitingRecipients(): (PeerId | undefined)[]
  /** The oldest message that waits for a recipient and is on the disk: what a commit may still undo is not sent. */
  nextFor(peer: PeerId | undefined): MessageRow | undefined
  finish(id: MessageId, state: MessageState, answer: Answer | undefined): void
  tried(id: MessageId): void
  counts(): Record<string, number>
  list(filter: MessageFilter): MessageRow[]
  /** Drops what is older and beyond the newest `keep`; never what is pending or could still be replayed. */
  prune(bounds: { beforeMs: number; keep: number; nowMs: number }, atMost: number): number
  /** A group of writes was committed, or undone. */
  ended(how: 'committed' | 'undone'): void
}

type Row = Record<string, SQLInputValue>

export function createMessages(db: DatabaseSync): Messages {
  const sql = statements(db)
  let committedSeq = Number(sql.newestSeq.get()?.['seq'])
  let insertedSeq = committedSeq

  return {
    insert(message) {
      const { changes, lastInsertRowid } = sql.insert.run(valuesOf(message))
      if (changes === 1) insertedSeq = Number(lastInsertRowid)
      return changes === 1
    },
    seen(sender, id, envelope) {
      const row = sql.seen.get(sender, id)
      if (row === undefined) return undefined
      return {
        same: digestOf(envelope).equals(row['digest'] as Uint8Array),
        answer: answerOf(row) ?? { status: 'ACK' },
      }
    },
    sent: id => messageOf(sql.sent.get(id)),
    waitingRecipients: () => sql.recipients.all().map(row => (row['peer'] ?? undefined) as PeerId | undefined),
    nextFor: peer => messageOf(sql.next.get(peer ?? null, committedSeq)),
    finish: (id, state, answer) => void sql.finish.run(state, answerText(answer), id),
    tried: id => void sql.tried.run(id),
    counts: () => Object.fromEntries(sql.counts.all().map(row => [String(row['name']), Number(row['n'])])),
    list(filter) {
      const values = { $task: filter.taskId ?? null, $type: filter.type ?? null, $peer: filter.peer ?? null }
      const rows =
        filter.afterSeq === undefined
          ? sql.newest.all({ ...values, $limit: filter.limit })
          : first(sql.list.iterate({ ...values, $after: filter.afterSeq }), filter.limit)
      return rows.map(row => messageOf(row) as MessageRow)
    },
    prune: ({ beforeMs, keep, nowMs }, atMost) =>
      Number(sql.prune.run({ $before: beforeMs, $keep: keep, $safe: nowMs, $most: atMost }).changes),
    ended(how) {
      if (how === 'committed') committedSeq = insertedSeq
      else insertedSeq = committedSeq
    },
  }
}

function statements(db: DatabaseSync) {
  return {
    insert: db.prepare(
      `INSERT OR IGNORE INTO messages (direction, id, type, task_id, peer, at, expires, envelope, digest, carrier, sealed, state, answer)
       VALUES ($direction, $id, $type, $taskId, $peer, $at, $expires, $envelope, $digest, $carrier, $sealed, $state, $answer)`,
    ),
    seen: db.prepare(`SELECT digest, answer FROM messages WHERE direction = 'in' AND peer = ? AND id = ?`),
    sent: db.prepare(`SELECT * FROM messages WHERE direction = 'out' AND id = ?`),
    recipients: db.prepare(`SELECT DISTINCT peer FROM messages WHERE state = 'pending'`),
    next: db.prepare(`SELECT * FROM messages WHERE state = 'pending' AND peer IS ? AND seq <= ? ORDER BY seq LIMIT 1`),
    finish: db.prepare(`UPDATE messages SET state = ?, answer = ? WHERE direction = 'out' AND id = ?`),
    tried: db.prepare(`UPDATE messages SET attempts = attempts + 1 WHERE direction = 'out' AND id = ?`),
    counts: db.prepare(`SELECT direction || '.' || state AS name, count(*) AS n FROM messages GROUP BY 1`),
    list: db.prepare(
      `SELECT * FROM messages WHERE seq > $after AND ($task IS NULL OR task_id = $task) AND ($type IS NULL OR type GLOB $type)
       AND ($peer IS NULL OR peer = $peer) ORDER BY seq`,
    ),
    newest: db.prepare(
      `SELECT * FROM (SELECT * FROM messages WHERE ($task IS NULL OR task_id = $task) AND ($type IS NULL OR type GLOB $type)
       AND ($peer IS NULL OR peer = $peer) ORDER BY seq DESC LIMIT $limit) ORDER BY seq`,
    ),
    prune: db.prepare(
      `DELETE FROM messages WHERE seq IN (SELECT seq FROM messages WHERE state <> 'pending' AND expires < $safe
       AND (at < $before OR seq <= (SELECT max(seq) FROM messages) - $keep) ORDER BY seq LIMIT $most)`,
    ),
    newestSeq: db.prepare('SELECT coalesce(max(seq), 0) AS seq FROM messages'),
  }
}

function valuesOf(message: NewMessage): Row {
  return {
    $direction: message.direction,
    $id: message.id,
    $type: message.type,
    $taskId: message.taskId,
    $peer: message.peer ?? null,
    $at: message.at,
    $expires: message.expires,
    $envelope: message.instead ?? message.envelope,
    $digest: digestOf(message.envelope),
    $carrier: message.carrier,
    $sealed: message.sealed ? 1 : 0,
    $state: message.state,
    $answer: answerText(message.answer),
  }
}

function answerText(answer: Answer | undefined): string | null {
  return answer === undefined ? null : JSON.stringify(answer)
}

function digestOf(envelope: string): Buffer {
  return createHash('sha256').update(envelope).digest()
}

function answerOf(row: Row | Record<string, unknown>): Answer | undefined {
  return typeof row['answer'] === 'string' ? (JSON.parse(row['answer']) as Answer) : undefined
}

function messageOf(row: Record<string, unknown> | undefined): MessageRow | undefined {
  if (row === undefined) return undefined
  return {
    seq: Number(row['seq']),
    direction: row['direction'] as 'in' | 'out',
    id: row['id'] as MessageId,
    type: String(row['type']),
    taskId: row['task_id'] as SubjectId,
    peer: (row['peer'] ?? undefined) as PeerId | undefined,
    at: Number(row['at']),
    expires: Number(row['expires']),
    envelope: String(row['envelope']),
    carrier: row['carrier'] as Carrier,
    sealed: row['sealed'] === 1,
    state: row['state'] as MessageState,
    answer: answerOf(row),
    attempts: Number(row['attempts']),
  }
}

function first<T>(rows: Iterable<T>, limit: number): T[] {
  const result: T[] = []
  for (const row of rows) {
    if (result.length >= limit) break
    result.push(row)
  }
  return result
}
