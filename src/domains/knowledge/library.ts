import { CodedError, messageOf } from '../../kernel/errors.ts'
import type { PeerId } from '../../kernel/ids.ts'
import type { Part } from '../../kernel/lifecycle.ts'
import type { Log } from '../../kernel/log.ts'
import { type Answering, createAnswering } from './answering.ts'
import type { Answered, AskRequest } from './asking/answered.ts'
import { createAsk } from './asking/ask.ts'
import type { RemoteDeps } from './asking/remote.ts'
import { type Access, type Collection, type KnowledgeCode, type KnowledgeFact, PRIVATE } from './collection.ts'
import type { Encode } from './encode.ts'
import { createIngest, type Ingest, type IngestDeps } from './ingest/ingest.ts'
import type { IngestJob, IngestRequest } from './ingest/job.ts'
import { createSweep, type Sweep } from './ingest/sweep.ts'
import { keep } from './keep.ts'
import { createReaders } from './reading/readers.ts'
import { createShards, type ShardStore } from './search/shards.ts'

export interface LibraryDeps
  extends Pick<IngestDeps, 'commit' | 'maxFileBytes'>,
    Pick<RemoteDeps, 'askPeer' | 'clock' | 'newId'> {
  readonly store: ShardStore &
    IngestDeps['store'] & {
      collections(): Collection[]
      dropped(limit: number): string[]
      debris(): string[]
    }
  /** Of questions and of passages of others, which are compared here. */
  readonly encode: Encode
  readonly documents: Pick<IngestDeps, 'encode' | 'width'>
  /** Threads that read files. */
  readonly threads: number
  /** Connected peers that advertise `SHARES`. */
  readonly sharers: () => readonly PeerId[]
  /** Whether anything is shared may have changed: the next advert should not wait for its hour. */
  readonly sharingChanged: () => void
  readonly log: Log
}

/** What people may do with their collections. */
export interface LibraryCommands {
  collections(): Collection[]
  ingest(request: IngestRequest): IngestJob
  ingestJob(id: string): IngestJob | undefined
  cancelIngest(id: string): void
  /** @throws KNOWLEDGE_COLLECTION_UNKNOWN */
  share(collection: string, access: Access): Promise<void>
  /** @throws KNOWLEDGE_COLLECTION_UNKNOWN, KNOWLEDGE_BUSY */
  remove(collection: string): Promise<void>
  ask(request: AskRequest): Promise<Answered>
}

export interface Library extends Part {
  readonly messages: Answering['messages']
  readonly kinds: Answering['kinds']
  readonly commands: LibraryCommands
  start(): Promise<void>
  stop(): Promise<void>
}

/** A file takes as long as a large PDF on a small board; then its thread is ended. */
const READ_MS = 120_000
/** Dropped in one commit: a few milliseconds. */
const DROPPED_A_COMMIT = 200

/** What changing a collection goes by. */
interface Shelves extends Pick<LibraryDeps, 'store' | 'commit' | 'sharingChanged'> {
  readonly sweep: Sweep
  readonly ingest: Ingest
  readonly stopping: AbortController
}

/** One's own documents, put together from their parts: read, indexed, searched here and at peers. */
export function createLibrary(deps: LibraryDeps): Library {
  const { store, commit, sharingChanged, clock, log } = deps
  const shards = createShards(store)
  const answering = createAnswering({ store, shards, now: clock.now })
  const ask = createAsk({ ...deps, shards })
  const readers = createReaders({ threads: deps.threads, timeoutMs: READ_MS, log })
  const sweep = createSweep({ store, commit })
  const ingest = createIngest({
    store,
    commit,
    sweep,
    log,
    ...deps.documents,
    newId: deps.newId,
    maxFileBytes: deps.maxFileBytes,
    read: readers.read,
    now: clock.now,
    accessChanged: sharingChanged,
  })
  const stopping = new AbortController()
  const shelves: Shelves = { store, commit, sharingChanged, sweep, ingest, stopping }

  return {
    name: 'library',
    messages: answering.messages,
    kinds: answering.kinds,
    async start() {
      await sweep.mark()
      sweep.now().catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'not swept'))
    },
    async stop() {
      stopping.abort()
      await Promise.all([sweep.stop(), ingest.stop()])
      await readers.stop()
    },
    commands: {
      collections: () => store.collections(),
      ingest: request => ingest.begin(request),
      ingestJob: id => ingest.job(id),
      cancelIngest: id => ingest.cancel(id),
      share: (collection, access) => share(shelves, collection, access),
      remove: collection => remove(shelves, collection),
      ask: request => ask(request, stopping.signal),
    },
  }
}

async function share(shelves: Shelves, collection: string, access: Access): Promise<void> {
  requireCollection(shelves, collection)
  await setAccess(shelves, collection, access)
}

async function remove(shelves: Shelves, collection: string): Promise<void> {
  const { commit, sweep, stopping } = shelves
  requireCollection(shelves, collection)
  requireIdle(shelves, collection)
  // From the first moment on nobody else sees it.
  await setAccess(shelves, collection, PRIVATE)
  await dropDocuments(shelves, collection)
  await sweep.now()
  // Which ends the sweep too early: the collection stays to be removed again.
  stopping.signal.throwIfAborted()
  await keep(commit, { kind: 'knowledge.forgotten', collection })
}

async function setAccess({ commit, sharingChanged }: Shelves, collection: string, access: Access): Promise<void> {
  await keep(commit, { kind: 'knowledge.access', collection, access })
  sharingChanged()
}

async function dropDocuments({ store, commit }: Shelves, collection: string): Promise<void> {
  const some = () => store.documents(collection, '', DROPPED_A_COMMIT)
  for (let page = some(); page.length > 0; page = some())
    await keep(commit, ...page.map(({ id }): KnowledgeFact => ({ kind: 'knowledge.dropped', document: id })))
}

function requireCollection({ store }: Shelves, collection: string): void {
  if (store.accessLists().some(({ name }) => name === collection)) return
  throw new CodedError<KnowledgeCode>('KNOWLEDGE_COLLECTION_UNKNOWN', `there is no collection "${collection}"`, {
    hint: '"wattmesh collections" lists them; "wattmesh ingest PATH --collection NAME" makes one',
  })
}

function requireIdle({ ingest }: Shelves, collection: string): void {
  if (!ingest.busy(collection)) return
  throw new CodedError<KnowledgeCode>('KNOWLEDGE_BUSY', `files are going into "${collection}" right now`, {
    hint: 'wait until that is done, or stop it',
  })
}
