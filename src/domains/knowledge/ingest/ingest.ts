import { CodedError, messageOf } from '../../../kernel/errors.ts'
import type { Log } from '../../../kernel/log.ts'
import { outcome } from '../../../kernel/outcome.ts'
import {
  type Access,
  COLLECTION_NAME,
  type KnowledgeCode,
  type KnowledgeFact,
  MAX_COLLECTIONS,
  PRIVATE,
} from '../collection.ts'
import { inParallel } from '../parallel.ts'
import { createIntake, type IntakeDeps } from './intake.ts'
import { type IngestJob, type IngestRequest, newTally, noteSkipped, type Tally } from './job.ts'
import type { Sweep } from './sweep.ts'
import { walk } from './walk.ts'

export interface IngestDeps extends IntakeDeps {
  readonly sweep: Sweep
  /** Files of such a collection at work at a time: while one is read, another is encoded. */
  readonly width: (access: Access) => number
  /** Who may read a collection has changed. */
  readonly accessChanged: () => void
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

/** Reads folders into collections, one job after the other. What a kill interrupts is done by asking again. */
export function createIngest(deps: IngestDeps): Ingest {
  const { store, commit, sweep, now, log } = deps
  const intake = createIntake(deps)
  const entries = new Map<string, Entry>()
  let working: Promise<void> | undefined
  let stopped = false

  async function work(): Promise<void> {
    for (let next = waiting()[0]; next !== undefined && !stopped; next = waiting()[0]) await run(next)
    working = undefined
  }

  async function run({ tally, request, stop }: Entry): Promise<void> {
    tally.state = 'running'
    try {
      await readAll(request, tally, stop.signal)
      tally.state = 'done'
    } catch (error) {
      const cancelled = stop.signal.aborted
      Object.assign(tally, cancelled ? CANCELLED : { state: 'failed', reason: reasonOf(error) })
      if (!cancelled) log.warn({ collection: tally.collection, reason: messageOf(error) }, 'reading failed')
    }
    await sweep.now().catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'not swept'))
    tally.finishedMs = now()
    forgetOldest()
  }

  function forgetOldest(): void {
    const ended = [...entries.values()].filter(({ tally }) => tally.finishedMs !== undefined)
    for (const { tally } of ended.slice(0, Math.max(0, ended.length - MAX_ENDED))) entries.delete(tally.id)
  }

  async function readAll({ paths, access }: IngestRequest, tally: Tally, signal: AbortSignal): Promise<void> {
    const { collection } = tally
    const isNew = store.accessLists().every(({ name }) => name !== collection)
    if (isNew || access !== undefined) {
      const fact: KnowledgeFact = { kind: 'knowledge.access', collection, access: access ?? PRIVATE }
      await commit(() => outcome([fact]))
      deps.accessChanged()
    }
    const walked = await walk(paths, signal)
    for (const passed of walked.passed) noteSkipped(tally, passed)
    tally.files = walked.files.length
    tally.bytes = walked.files.reduce((sum, file) => sum + file.bytes, 0)
    await inParallel(
      walked.files,
      () => deps.width(intake.accessOf(collection)),
      async file => {
        signal.throwIfAborted()
        await intake.take(file, tally, signal)
        tally.done += 1
        tally.doneBytes += file.bytes
      },
    )
    await intake.prune(walked, tally)
  }

  function waiting(): Entry[] {
    return [...entries.values()].filter(({ tally }) => tally.state === 'waiting')
  }

  function admit({ collection }: IngestRequest): void {
    if (!COLLECTION_NAME.test(collection)) {
      throw new CodedError<KnowledgeCode>(
        'KNOWLEDGE_COLLECTION_UNKNOWN',
        `"${collection}" is no name for a collection`,
        {
          hint: 'take letters, digits, spaces, dots and dashes, 64 at most',
        },
      )
    }
    if (waiting().length >= MAX_WAITING) {
      throw new CodedError<KnowledgeCode>('KNOWLEDGE_QUEUE_FULL', `${MAX_WAITING} readings are waiting already`, {
        hint: 'wait until some are done, or name several folders at once',
      })
    }
    const names = new Set(store.accessLists().map(({ name }) => name))
    if (names.has(collection) || names.size < MAX_COLLECTIONS) return
    throw new CodedError<KnowledgeCode>('KNOWLEDGE_TOO_MANY', `there are ${MAX_COLLECTIONS} collections already`, {
      hint: 'add to one of them, or remove one',
    })
  }

  return {
    begin(request) {
      admit(request)
      const tally = newTally(deps.newId(), request, now())
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

function reasonOf(error: unknown): string {
  return error instanceof CodedError && error.hint !== undefined ? `${error.message}; ${error.hint}` : messageOf(error)
}
