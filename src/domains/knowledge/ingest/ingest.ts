import { CodedError, messageOf } from '../../../kernel/errors.ts'
import type { Log } from '../../../kernel/log.ts'
import { type AccessList, COLLECTION_NAME, type KnowledgeCode, MAX_COLLECTIONS } from '../collection.ts'
import { createFolderReader, type FolderDeps } from './folders.ts'
import { type IngestJob, type IngestRequest, newTally, type Tally } from './job.ts'
import type { Sweep } from './sweep.ts'

export interface IngestDeps extends FolderDeps {
  readonly sweep: Sweep
  readonly log: Log
}

export interface Ingest {
  /** @throws CodedError<'KNOWLEDGE_QUEUE_FULL' | 'KNOWLEDGE_TOO_MANY' | 'KNOWLEDGE_COLLECTION_UNKNOWN'> */
  begin(request: IngestRequest): IngestJob
  job(id: string): IngestJob | undefined
  cancel(id: string): void
  /** Whether files are going into that collection, or waiting to. */
  busy(collection: string): boolean
  stop(): Promise<void>
}

const MAX_WAITING = 16
/** Ended jobs that can still be asked about. */
const MAX_ENDED = 32

const CANCELLED = { state: 'cancelled', reason: 'you stopped it' } as const

interface Entry {
  readonly tally: Tally
  readonly request: IngestRequest
  readonly stop: AbortController
}

/** Jobs by their ids, in the order in which they were asked for. */
type Entries = Map<string, Entry>

/** Reads folders into collections, one job after the other. What a kill interrupts is done by asking again. */
export function createIngest(deps: IngestDeps): Ingest {
  const { store, newId, now } = deps
  const run = createRun(deps)
  const entries: Entries = new Map()
  let working: Promise<void> | undefined
  let stopped = false

  async function work(): Promise<void> {
    for (let next = waitingIn(entries)[0]; next !== undefined && !stopped; next = waitingIn(entries)[0]) {
      await run(next)
      forgetOldest(entries)
    }
    working = undefined
  }

  return {
    begin(request) {
      admit(request, waitingIn(entries).length, store.accessLists())
      const tally = newTally(newId(), request, now())
      entries.set(tally.id, { tally, request, stop: new AbortController() })
      working ??= work()
      return { ...tally }
    },
    job(id) {
      const entry = entries.get(id)
      return entry === undefined ? undefined : { ...entry.tally }
    },
    cancel(id) {
      const entry = entries.get(id)
      entry?.stop.abort()
      if (entry?.tally.state === 'waiting') Object.assign(entry.tally, { ...CANCELLED, finishedMs: now() })
    },
    busy: collection =>
      [...entries.values()].some(({ tally }) => tally.collection === collection && tally.finishedMs === undefined),
    async stop() {
      stopped = true
      for (const { stop } of entries.values()) stop.abort()
      await working
    },
  }
}

/** Does one job, and says in its tally how it ended. */
function createRun(deps: IngestDeps) {
  const { sweep, now, log } = deps
  const read = createFolderReader(deps)

  return async ({ tally, request, stop }: Entry): Promise<void> => {
    tally.state = 'running'
    try {
      await read(request, tally, stop.signal)
      tally.state = 'done'
    } catch (error) {
      const cancelled = stop.signal.aborted
      Object.assign(tally, cancelled ? CANCELLED : { state: 'failed', reason: reasonOf(error) })
      if (!cancelled) log.warn({ collection: tally.collection, reason: messageOf(error) }, 'reading failed')
    }
    await sweep.now().catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'not swept'))
    tally.finishedMs = now()
  }
}

function waitingIn(entries: Entries): Entry[] {
  return [...entries.values()].filter(({ tally }) => tally.state === 'waiting')
}

function forgetOldest(entries: Entries): void {
  const ended = [...entries.values()].filter(({ tally }) => tally.finishedMs !== undefined)
  for (const { tally } of ended.slice(0, Math.max(0, ended.length - MAX_ENDED))) entries.delete(tally.id)
}

function admit({ collection }: IngestRequest, waiting: number, lists: readonly AccessList[]): void {
  if (!COLLECTION_NAME.test(collection)) {
    throw new CodedError<KnowledgeCode>('KNOWLEDGE_COLLECTION_UNKNOWN', `"${collection}" is no name for a collection`, {
      hint: 'take letters, digits, spaces, dots and dashes, 64 at most',
    })
  }
  if (waiting >= MAX_WAITING) {
    throw new CodedError<KnowledgeCode>('KNOWLEDGE_QUEUE_FULL', `${MAX_WAITING} readings are waiting already`, {
      hint: 'wait until some are done, or name several folders at once',
    })
  }
  if (lists.length < MAX_COLLECTIONS || lists.some(({ name }) => name === collection)) return
  throw new CodedError<KnowledgeCode>('KNOWLEDGE_TOO_MANY', `there are ${MAX_COLLECTIONS} collections already`, {
    hint: 'add to one of them, or remove one',
  })
}

function reasonOf(error: unknown): string {
  return error instanceof CodedError && error.hint !== undefined ? `${error.message}; ${error.hint}` : messageOf(error)
}
