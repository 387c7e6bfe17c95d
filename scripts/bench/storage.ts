import { randomUUID } from 'node:crypto'
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemClock } from '../../src/kernel/clock.ts'
import type { MessageId, PeerId, SubjectId } from '../../src/kernel/ids.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import type { NewMessage } from '../../src/storage/messages.ts'
import { openStorage } from '../../src/storage/storage.ts'
import { createIdentity, ENVELOPE_BYTES } from './envelopes.ts'
import type { Figure, Part } from './figure.ts'
import { race } from './race.ts'
import { openScratch } from './scratch.ts'

/** Messages that arrive in one turn of the event loop of a busy daemon. */
const GROUP = 64
const LENGTH = { rounds: 15, roundMs: 120 }
const BODY = 'x'.repeat(ENVELOPE_BYTES)
const PAGE_BYTES = 4096

/** Durable commits through the journal, against the least that SQLite and the disk can do. */
export const storage: Part = {
  name: 'storage',
  async run() {
    using scratch = openScratch()
    const store = openStorage(join(scratch.folder, 'wattmesh.db'), { clock: systemClock, metrics: createMetrics() })
    const raw = openRaw(join(scratch.folder, 'raw.db'))
    const file = openSync(join(scratch.folder, 'synced'), 'w')
    const { peerId } = createIdentity()
    const keep = () => store.write(() => store.messages.insert(createMessage(peerId)))
    try {
      const speeds = await race(
        {
          raw: raw.group,
          grouped: async () => (await Promise.all(Array.from({ length: GROUP }, keep))).length,
          rawSingle: raw.single,
          single: async () => ((await keep()) ? 1 : 0),
          sync: () => sync(file),
        },
        LENGTH,
      )
      return figuresOf(speeds)
    } finally {
      closeSync(file)
      raw.close()
      store.stop()
    }
  },
}

function figuresOf({
  rate,
  ratio,
}: Awaited<ReturnType<typeof race<'raw' | 'grouped' | 'rawSingle' | 'single' | 'sync'>>>): Figure[] {
  const rows = `${ENVELOPE_BYTES} bytes and a unique id`
  const grouped = `node:sqlite, same pragmas, ${GROUP} rows (${rows}) a transaction`
  const single = `node:sqlite, same pragmas, one row (${rows}) a transaction`
  const journal = 'storage.write of a message, digest and indexes'
  return [
    { name: 'storage.groupedVsRaw', value: ratio('grouped', 'raw'), unit: 'ratio', against: grouped },
    { name: 'storage.groupedVsRawSingle', value: ratio('grouped', 'rawSingle'), unit: 'ratio', against: single },
    { name: 'storage.singleVsRaw', value: ratio('single', 'rawSingle'), unit: 'ratio', against: single },
    {
      name: 'storage.singleVsSync',
      value: ratio('single', 'sync'),
      unit: 'ratio',
      against: 'write of a page + fdatasync',
    },
    { name: 'storage.groupedPerSecond', value: rate('grouped'), unit: '/s', against: `${journal}, ${GROUP} a turn` },
    { name: 'storage.singlePerSecond', value: rate('single'), unit: '/s', against: `${journal}, one a turn` },
    { name: 'storage.rawGroupedPerSecond', value: rate('raw'), unit: '/s', against: grouped },
    { name: 'storage.rawSinglePerSecond', value: rate('rawSingle'), unit: '/s', against: single },
    {
      name: 'storage.syncPerSecond',
      value: rate('sync'),
      unit: '/s',
      against: `write of ${PAGE_BYTES} bytes + fdatasync`,
    },
  ]
}

function openRaw(path: string) {
  const db = new DatabaseSync(path)
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  db.exec('CREATE TABLE raw (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT')
  const insert = db.prepare('INSERT INTO raw VALUES (?, ?)')
  return {
    single: () => Number(insert.run(randomUUID(), BODY).changes),
    group() {
      db.exec('BEGIN IMMEDIATE')
      for (let i = 0; i < GROUP; i++) insert.run(randomUUID(), BODY)
      db.exec('COMMIT')
      return GROUP
    },
    close: () => db.close(),
  }
}

function createMessage(peer: PeerId): NewMessage {
  const id = randomUUID()
  const now = Date.now()
  return {
    direction: 'in',
    id: id as MessageId,
    type: 'bench.message',
    taskId: id as string as SubjectId,
    peer,
    at: now,
    expires: now + 60_000,
    envelope: BODY,
    carrier: 'stream',
    sealed: false,
    state: 'handled',
    answer: { status: 'ACK' },
  }
}

const page = Buffer.alloc(PAGE_BYTES, 1)

/** What a durable write costs on this disk before any database. */
function sync(file: number): number {
  writeSync(file, page, 0, PAGE_BYTES, 0)
  fdatasyncSync(file)
  return 1
}
