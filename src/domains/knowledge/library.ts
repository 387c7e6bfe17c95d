import { CodedError, messageOf } from '../../kernel/errors.ts'
import type { PeerId } from '../../kernel/ids.ts'
import type { Part } from '../../kernel/lifecycle.ts'
import type { Log } from '../../kernel/log.ts'
import { outcome } from '../../kernel/outcome.ts'
import { type Answering, createAnswering } from './answering.ts'
import type { Answered, AskRequest } from './asking/answered.ts'
import { createAsk } from './asking/ask.ts'
import type { RemoteDeps } from './asking/remote.ts'
import type { Access, Collection, KnowledgeCode, KnowledgeFact } from './collection.ts'
import type { Encode } from './encode.ts'
import { createIngest, type IngestDeps } from './ingest/ingest.ts'
import type { IngestJob, IngestRequest } from './ingest/job.ts'
import { createSweep } from './ingest/sweep.ts'
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

/** One's own documents, put together from their parts: read, indexed, searched here and at peers. */
export function createLibrary(deps: LibraryDeps): Library {
  const { store, commit, clock, log } = deps
  const shards = createShards(store)
  const knowledge = createAnswering({ store, shards, now: clock.now })
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
    accessChanged: deps.sharingChanged,
  })
  const stopping = new AbortController()
  const ask = createAsk({ ...deps, shards })

  function requireCollection(name: string): void {
    if (store.accessLists().some(collection => collection.name === name)) return
    throw new CodedError<KnowledgeCode>('KNOWLEDGE_COLLECTION_UNKNOWN', `there is no collection "${name}"`, {
      hint: '"wattmesh collections" lists them; "wattmesh ingest PATH --collection NAME" makes one',
    })
  }

  const keep = (...facts: KnowledgeFact[]) => commit(() => outcome<KnowledgeFact>(facts))

  async function remove(name: string): Promise<void> {
    requireCollection(name)
    if (ingest.busy(name)) {
      throw new CodedError<KnowledgeCode>('KNOWLEDGE_BUSY', `files are going into "${name}" right now`, {
        hint: 'wait until that is done, or stop it',
      })
    }
    // From the first moment on nobody else sees it.
    await keep({ kind: 'knowledge.access', collection: name, access: { to: 'nobody' } })
    deps.sharingChanged()
    const some = () => store.documents(name, '', DROPPED_A_COMMIT)
    for (let page = some(); page.length > 0; page = some())
      await keep(...page.map(({ id }): KnowledgeFact => ({ kind: 'knowledge.dropped', document: id })))
    await sweep.now()
    // Which ends the sweep too early: the collection stays to be removed again.
    stopping.signal.throwIfAborted()
    await keep({ kind: 'knowledge.forgotten', collection: name })
  }

  return {
    name: 'library',
    messages: knowledge.messages,
    kinds: knowledge.kinds,
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
      async share(collection, access) {
        requireCollection(collection)
        await keep({ kind: 'knowledge.access', collection, access })
        deps.sharingChanged()
      },
      remove,
      ask: request => ask(request, stopping.signal),
    },
  }
}
