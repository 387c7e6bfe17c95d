import { LRUCache } from 'lru-cache'
import type { KnownDocument } from '../collection.ts'
import { keep } from '../keep.ts'
import type { ReadAnswer, ReadRequest } from '../reading/reader.ts'
import { type FillDeps, fill } from './fill.ts'
import { noteSkipped, type Tally } from './job.ts'
import type { FoundFile } from './walk.ts'

export interface IntakeDeps extends FillDeps {
  readonly store: FillDeps['store'] & { document(collection: string, path: string): KnownDocument | undefined }
  /** In a worker thread. */
  readonly read: (request: ReadRequest, signal: AbortSignal) => Promise<ReadAnswer>
  readonly newId: () => string
  readonly now: () => number
  readonly maxFileBytes: number
}

/** A file changed so shortly before it was read may have changed again within the same tick of the file system. */
const RACY_MS = 2_000

/** Files without words, such as scans, that are not read again while the daemon runs; their reasons take a megabyte. */
const MAX_WORDLESS = 4_096

/** By which a file is known to be as it was. */
type Stamp = Pick<KnownDocument, 'bytes' | 'modifiedMs' | 'readMs'>

type Unread = Omit<Extract<ReadAnswer, { status: 'unreadable' }>, 'status'>
type Read = Extract<ReadAnswer, { status: 'read' }>

interface Intake extends IntakeDeps {
  /** By their paths. */
  readonly wordless: LRUCache<string, Stamp & Omit<Unread, 'lasting'>>
}

/** The file in hand. */
interface Taken {
  readonly file: FoundFile
  /** What is known of it from the last time. */
  readonly before: KnownDocument | undefined
  readonly readMs: number
  readonly tally: Tally
  readonly signal: AbortSignal
}

/** One file of a folder into a collection: nothing when it has not changed, in place of what was read of it before. */
export function createIntake(deps: IntakeDeps) {
  const intake: Intake = { ...deps, wordless: new LRUCache({ max: MAX_WORDLESS }) }

  return {
    async take(file: FoundFile, tally: Tally, signal: AbortSignal): Promise<void> {
      const before = deps.store.document(tally.collection, file.path)
      await take(intake, { file, before, readMs: deps.now(), tally, signal })
    },
  }
}

async function take(intake: Intake, taken: Taken): Promise<void> {
  const { file, before, tally, signal } = taken
  if (before !== undefined && hasStamp(file, before)) {
    tally.unchanged += 1
    return
  }
  const wordless = intake.wordless.get(file.path)
  if (wordless !== undefined && hasStamp(file, wordless)) {
    return await skip(intake, taken, { ...wordless, lasting: true })
  }
  const request = { path: file.path, name: file.name, hash: before?.hash, maxBytes: intake.maxFileBytes }
  const answer = await intake.read(request, signal)
  if (answer.status === 'unchanged') await restamp(intake, taken)
  else if (answer.status === 'unreadable') await leaveOut(intake, taken, answer)
  else await takeIn(intake, taken, answer)
}

/** The same content: next time its stamp alone will tell. */
async function restamp({ commit }: Intake, { file, before, readMs, tally }: Taken): Promise<void> {
  tally.unchanged += 1
  if (before === undefined) return
  await keep(commit, { kind: 'knowledge.unchanged', document: before.id, modifiedMs: file.modifiedMs, readMs })
}

/** Remembers what has no words by its content; what the disk or a thread made of it is tried again. */
async function leaveOut(intake: Intake, taken: Taken, why: Unread): Promise<void> {
  const { file, readMs } = taken
  const { code, reason } = why
  if (why.lasting && code !== 'READ_FAILED') {
    const modifiedMs = Math.round(file.modifiedMs)
    intake.wordless.set(file.path, { code, reason, bytes: file.bytes, modifiedMs, readMs })
  }
  await skip(intake, taken, why)
}

async function skip({ commit }: Intake, taken: Taken, { code, reason, lasting }: Unread): Promise<void> {
  const { file, before, tally } = taken
  noteSkipped(tally, { path: file.path, code, reason })
  if (before === undefined || !lasting) return
  await keep(commit, { kind: 'knowledge.dropped', document: before.id })
  tally.removed += 1
}

async function takeIn(intake: Intake, taken: Taken, { text, title, hash, bytes }: Read): Promise<void> {
  const { file, before, readMs, tally, signal } = taken
  const { path, name, modifiedMs } = file
  const { collection } = tally
  const document = { id: intake.newId(), collection, path, name, title, hash, bytes, modifiedMs, readMs }
  if (!(await fill(intake, { document, text, tally, signal }))) {
    const reason = `${name} has no words that could be compared`
    return await leaveOut(intake, taken, { code: 'TEXT_EMPTY', reason, lasting: true })
  }
  if (before === undefined) tally.added += 1
  else tally.changed += 1
}

function hasStamp({ bytes, modifiedMs }: FoundFile, before: Stamp): boolean {
  const same = before.bytes === bytes && before.modifiedMs === Math.round(modifiedMs)
  return same && before.readMs - modifiedMs > RACY_MS
}
