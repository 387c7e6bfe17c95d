import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync, truncateSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { codeOf } from '../../src/kernel/errors.ts'
import type { MessageId, PeerId, SubjectId } from '../../src/kernel/ids.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import { groupedCommits } from '../../src/storage/groups.ts'
import type { Db, Kept } from '../../src/storage/kept.ts'
import type { NewMessage } from '../../src/storage/messages.ts'
import { openStorage, type Storage } from '../../src/storage/storage.ts'
import { createUndoLog } from '../../src/storage/undo.ts'
import { scratch } from '../support/storm.ts'

interface KeptWords extends Storage, Disposable {
  /** Keeps words in the open write. */
  apply(words: readonly string[]): void
  /** Those that are kept, by the alphabet. */
  words(): string[]
}

/** A storage with the simplest of domains: it keeps words. */
function storageIn(file: string): KeptWords {
  const storage = openStorage(file, { clock: systemClock, metrics: createMetrics() })
  const { read, apply } = storage.open({
    name: 'words',
    migrations: ['CREATE TABLE words (word TEXT)'],
    store: wordStore,
  })
  return { ...storage, ...read, apply: words => words.forEach(apply), [Symbol.dispose]: () => storage.stop() }
}

function wordStore(db: Db): Kept<string, { words(): string[] }> {
  const insert = db.prepare('INSERT INTO words VALUES (?)')
  const all = db.prepare('SELECT word FROM words ORDER BY word')
  return {
    apply: word => void insert.run(word),
    read: { words: () => all.all().map(row => String(row['word'])) },
  }
}

function caught(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return expect.fail('it did not throw')
}

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('it was kept'),
    e => e,
  )

test('writes of one turn share a commit, and an error in one undoes only itself', async () => {
  using folder = scratch()
  using storage = storageIn(folder.path('db'))
  const results = await Promise.allSettled([
    storage.write(() => storage.apply(['one'])),
    storage.write(() => {
      storage.apply(['two'])
      throw new TypeError('a bug')
    }),
    storage.write(() => {
      storage.apply(['three'])
      return 3
    }),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(results[1]).toMatchObject({ reason: new TypeError('a bug') })
  expect(results[2]).toMatchObject({ value: 3 })
  expect(storage.words()).toEqual(['one', 'three'])
})

test('nobody is told of a write before it is on the disk', async () => {
  const db = new DatabaseSync(':memory:')
  db.exec('CREATE TABLE t (n)')
  const { write } = groupedCommits(
    db,
    createUndoLog(() => db.isTransaction),
    () => undefined,
  )
  let open: boolean | undefined
  const told = write(() => db.exec('INSERT INTO t VALUES (1)')).then(() => {
    open = db.isTransaction
  })
  expect(db.isTransaction).toBe(true)
  await told
  expect(open).toBe(false)
  db.close()
})

/** A database that may not grow any more: SQLite answers as on a full disk. */
function fullDisk() {
  const db = new DatabaseSync(':memory:')
  db.exec('CREATE TABLE t (n, text)')
  const { write } = groupedCommits(
    db,
    createUndoLog(() => db.isTransaction),
    () => undefined,
  )
  const insert = db.prepare('INSERT INTO t VALUES (?, ?)')
  const pages = Number(db.prepare('PRAGMA page_count').get()?.['page_count'])
  const limit = (n: number): void => db.exec(`PRAGMA max_page_count = ${n}`)
  limit(pages + 4)
  return {
    put: (n: number, bytes: number) => write(() => insert.run(n, 'x'.repeat(bytes))),
    rows: () =>
      db
        .prepare('SELECT n FROM t ORDER BY n')
        .all()
        .map(row => row['n']),
    makeRoom: () => limit(1_000_000),
    close: () => db.close(),
  }
}

test('a full disk fails what did not fit, with its own code, and goes on by itself when there is room', async () => {
  const disk = fullDisk()
  await disk.put(1, 10)
  const error = await rejection(disk.put(2, 100_000))
  expect(codeOf(error)).toBe('STORE_FULL')
  expect(error).toMatchObject({ hint: expect.stringContaining('free some space') })
  disk.makeRoom()
  await disk.put(3, 100_000)
  expect(disk.rows()).toEqual([1, 3])
  disk.close()
})

test('on a full disk everybody whose write is not kept is told so', async () => {
  const disk = fullDisk()
  const results = await Promise.allSettled([disk.put(1, 10), disk.put(2, 100_000), disk.put(3, 10)])
  const kept = results.flatMap(({ status }, i) => (status === 'fulfilled' ? [i + 1] : []))
  expect(disk.rows()).toEqual(kept)
  expect(results[1]?.status).toBe('rejected')
  disk.close()
})

test('a data directory in use is refused with what to do, and free again when its daemon is killed', async () => {
  using folder = scratch()
  const script = fileURLToPath(new URL('../support/hold-database.ts', import.meta.url))
  const file = folder.path('home/db')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    await once(child.stdout, 'data')
    const error = caught(() => storageIn(file))
    expect(error).toMatchObject({ code: 'STORE_LOCKED', hint: expect.stringContaining('WATTMESH_HOME') })
  } finally {
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }
  using storage = storageIn(file)
  expect(storage.messages.list({ limit: 1 })).toEqual([])
})

test('two storages of one process do not share a data directory either', () => {
  using folder = scratch()
  using _ = storageIn(folder.path('db'))
  expect(codeOf(caught(() => storageIn(folder.path('db'))))).toBe('STORE_LOCKED')
})

test('a file that is no database, or a broken one, is named as damaged', async () => {
  using folder = scratch()
  writeFileSync(
    folder.path('text'),
    'this is not a database, whatever its name says, and it is long enough to be one\n',
  )
  expect(caught(() => storageIn(folder.path('text')))).toMatchObject({ code: 'STORE_CORRUPT' })

  const file = folder.path('torn')
  const whole = storageIn(file)
  await whole.write(() => whole.apply(Array.from({ length: 500 }, (_, i) => `need ${i}`)))
  whole.stop()
  // Half of it is lost, as a failing disk would have it.
  truncateSync(file, Math.floor(statSync(file).size / 2 / 4096) * 4096)
  expect(codeOf(caught(() => storageIn(file)))).toBe('STORE_CORRUPT')
})

test('a fresh file is brought to the newest version, and opened again as it is', async () => {
  using folder = scratch()
  const file = folder.path('db')
  const empty = new DatabaseSync(file)
  empty.close()
  {
    using storage = storageIn(file)
    await storage.write(() => storage.apply(['kept']))
  }
  using again = storageIn(file)
  expect(again.words()).toEqual(['kept'])
})

test('the database of a newer wattmesh is refused, and left as it is', () => {
  using folder = scratch()
  const file = folder.path('db')
  const newer = new DatabaseSync(file)
  newer.exec('CREATE TABLE later (n); PRAGMA user_version = 999')
  newer.close()
  expect(caught(() => storageIn(file))).toMatchObject({ code: 'STORE_TOO_NEW', hint: expect.stringContaining('newer') })
  const after = new DatabaseSync(file)
  expect(after.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'later' }])
  after.close()
})

const DAY_MS = 86_400_000
const NOW_MS = 100 * DAY_MS

function message(n: number, more: Partial<NewMessage> = {}): NewMessage {
  return {
    direction: 'in',
    id: `id-${n}` as MessageId,
    type: 'a.b',
    taskId: `task-${n}` as SubjectId,
    peer: 'peer' as PeerId,
    at: NOW_MS,
    expires: NOW_MS - DAY_MS,
    envelope: `{"n":${n}}`,
    carrier: 'stream',
    sealed: false,
    state: 'handled',
    answer: undefined,
    ...more,
  }
}

test('pruning drops what is old or too much, and never what is pending or could be replayed', async () => {
  using folder = scratch()
  using storage = storageIn(folder.path('db'))
  const old = { at: NOW_MS - 40 * DAY_MS }
  const ids = (): string[] => storage.messages.list({ limit: 100 }).map(({ id }) => id)
  await storage.write(() => {
    storage.messages.insert(message(1, old))
    storage.messages.insert(message(2, { ...old, direction: 'out', state: 'pending' }))
    storage.messages.insert(message(3, { ...old, expires: NOW_MS + 1 }))
    storage.messages.insert(message(4))
    storage.messages.insert(message(5))
  })
  expect(
    await storage.write(() =>
      storage.messages.prune({ beforeMs: NOW_MS - 30 * DAY_MS, keep: 1_000, nowMs: NOW_MS }, 100),
    ),
  ).toBe(1)
  expect(ids()).toEqual(['id-2', 'id-3', 'id-4', 'id-5'])
  await storage.write(() => storage.messages.prune({ beforeMs: NOW_MS - 30 * DAY_MS, keep: 1, nowMs: NOW_MS }, 100))
  expect(ids()).toEqual(['id-2', 'id-3', 'id-5'])
})

test('a message is inserted once, and seen again with the same or with other content', async () => {
  using folder = scratch()
  using storage = storageIn(folder.path('db'))
  const nack = { status: 'NACK', error: { code: 'NO', message: 'no' } } as const
  const inserted = await storage.write(() => [
    storage.messages.insert(message(1, { answer: nack })),
    storage.messages.insert(message(1)),
    // What is sent may bear the id of what was received.
    storage.messages.insert(message(1, { direction: 'out' })),
  ])
  expect(inserted).toEqual([true, false, true])
  const { messages } = storage
  expect(messages.seen('peer' as PeerId, 'id-1' as MessageId, '{"n":1}')).toEqual({ same: true, answer: nack })
  expect(messages.seen('peer' as PeerId, 'id-1' as MessageId, '{"n":2}')?.same).toBe(false)
  expect(messages.seen('peer' as PeerId, 'id-2' as MessageId, '{"n":2}')).toBeUndefined()
})

test('the journal can be read by task, type pattern and peer, from a place on', async () => {
  using folder = scratch()
  using storage = storageIn(folder.path('db'))
  await storage.write(() => {
    for (let n = 1; n <= 6; n++)
      storage.messages.insert(message(n, { type: n % 2 === 0 ? 'beckn.select' : 'task.assign' }))
  })
  const list = (filter: object) => storage.messages.list({ limit: 2, ...filter }).map(({ id }) => id)
  expect(list({})).toEqual(['id-5', 'id-6'])
  expect(list({ afterSeq: 0 })).toEqual(['id-1', 'id-2'])
  expect(list({ afterSeq: 2, type: 'beckn.*' })).toEqual(['id-4', 'id-6'])
  expect(list({ taskId: 'task-3' })).toEqual(['id-3'])
  expect(list({ peer: 'nobody' })).toEqual([])
})
