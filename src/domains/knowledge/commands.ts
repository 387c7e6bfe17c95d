import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { commands, type Shape, schemaOf } from '../../daemon/command.ts'
import { byId, nothing, peerId, peerTrusted, timeMs } from '../../daemon/words.ts'
import type { Answered, PeerReport } from './asking/answered.ts'
import { type Access, type Collection, MAX_READERS } from './collection.ts'
import type { IngestJob } from './ingest/job.ts'
import { MAX_WANTED } from './messages.ts'

const MAX_PATHS = 1_000

const count = z.int().min(0)
const nameGiven = z.string().min(1).max(64)
/** Where documents go whose reader names no collection. */
export const DEFAULT_COLLECTION = 'documents'

const accessGiven = schemaOf<Access>()(
  z.discriminatedUnion('to', [
    z.strictObject({ to: z.literal('nobody') }),
    z.strictObject({ to: z.literal('peers'), peers: z.array(peerTrusted).min(1).max(MAX_READERS) }),
    z.strictObject({ to: z.literal('everybody') }),
  ]),
)

const access = schemaOf<Access>()(
  z.discriminatedUnion('to', [
    z.object({ to: z.literal('nobody') }),
    z.object({ to: z.literal('peers'), peers: z.array(peerId) }),
    z.object({ to: z.literal('everybody') }),
  ]),
).meta({ id: 'Access', description: 'Who may read passages: nobody else, the peers listed, or everybody.' })

const collection = schemaOf<Collection>()(
  z.object({
    name: z.string(),
    access,
    fingerprint: z.string().optional().describe('Of the model that made its vectors; missing while there are none.'),
    documents: count,
    passages: count,
    bytes: count.describe('Of the files.'),
  }),
).meta({ id: 'Collection' })

const ingestJob = schemaOf<IngestJob>()(
  z.object({
    id: z.string(),
    collection: z.string(),
    state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']),
    createdMs: timeMs,
    files: count.describe('Files found; 0 until all folders have been walked.'),
    bytes: count,
    done: count.describe('Files dealt with.'),
    doneBytes: count,
    added: count,
    changed: count,
    unchanged: count,
    removed: count.describe('Files that are no longer there, or no longer text.'),
    skipped: count.describe('Files without words in them that could be read.'),
    passages: count,
    byPeers: z
      .array(z.object({ peer: peerId, passages: count }))
      .describe('How many passages peers encoded; the others were encoded here.'),
    reasons: z
      .array(z.object({ path: z.string(), code: z.string(), reason: z.string() }))
      .describe('Why files were skipped: the first of them.'),
    reason: z.string().exactOptional().describe('Of a failed one.'),
    finishedMs: timeMs.exactOptional(),
  }),
).meta({ id: 'IngestJob', description: 'How far reading is, and what came of it.' })

const report = schemaOf<PeerReport>()(
  z.object({
    peer: peerId,
    state: z.enum(['answered', 'nothing', 'late', 'unreachable', 'refused', 'unusable']),
    passages: count.describe('Passages it sent.'),
    tookMs: z.number().describe('Milliseconds.'),
    reason: z.string().exactOptional(),
  }),
).meta({ id: 'PeerReport', description: 'What came of asking one peer.' })

const answered = schemaOf<Answered>()(
  z.object({
    passages: z.array(
      z.object({
        peer: peerId.optional().describe('Whose document; missing: this peer’s.'),
        collection: z.string(),
        name: z.string(),
        path: z.string().optional().describe('Of one’s own documents.'),
        title: z.string(),
        start: z.int().describe('Where it begins in the document, UTF-16 code units.'),
        text: z.string(),
        counts: z.array(z.int()).describe('How often each term of the question stands in it.'),
        length: z.int().describe('How many terms it has.'),
        closeness: z.number().optional().describe('Cosine with the question.'),
        score: z.number(),
      }),
    ),
    peers: z.array(report),
    notAsked: count.describe('Peers that share and were not asked, because there are too many.'),
  }),
).meta({ id: 'Answered', description: 'Passages that answer, best first, and whom they are from.' })

/** Documents: read them, share them, ask them. */
export const knowledgeCommands = commands({
  collections: {
    route: 'GET /v1/collections',
    scope: 'read',
    says: 'Collections of documents here, and who may read them.',
    input: nothing,
    output: z.array(collection),
  },
  share: {
    route: 'POST /v1/collections/:name/share',
    scope: 'control',
    says: 'Says who may read passages of a collection.',
    input: z.strictObject({ name: nameGiven, access: accessGiven }),
    output: nothing,
  },
  remove: {
    route: 'POST /v1/collections/:name/remove',
    scope: 'control',
    says: 'Forgets a collection; the files stay.',
    input: z.object({ name: nameGiven }),
    output: nothing,
  },
  ingest: {
    route: 'POST /v1/ingest',
    scope: 'control',
    says: 'Begins to read files and folders of this machine into a collection.',
    input: z.strictObject({
      paths: z.array(z.string().min(1).max(4_096).refine(isAbsolute, 'an absolute path')).min(1).max(MAX_PATHS),
      collection: nameGiven,
      access: accessGiven.exactOptional().describe('Left out, a collection keeps its own, and a new one is private.'),
    }),
    output: ingestJob,
  },
  reading: {
    route: 'GET /v1/ingest/:id',
    scope: 'read',
    says: 'How far a reading of files is.',
    input: byId,
    output: ingestJob,
  },
  cancelReading: {
    route: 'POST /v1/ingest/:id/cancel',
    scope: 'control',
    says: 'Ends a reading of files; what was read stays.',
    input: byId,
    output: nothing,
  },
  ask: {
    route: 'POST /v1/ask',
    scope: 'read',
    says: 'Finds the passages that answer a question, here and at peers that share.',
    input: z.strictObject({
      question: z.string().min(1).max(4_000),
      top: z.int().min(1).max(MAX_WANTED).default(5).describe('How many passages.'),
      collection: nameGiven.exactOptional().describe('Only collections of that name.'),
      local: z.boolean().default(false).describe('Ask nobody else.'),
    }),
    output: answered,
  },
})

export type AccessGiven = z.input<typeof accessGiven>
export type AccessAnswer = Shape<typeof access>
export type IngestJobAnswer = Shape<typeof ingestJob>
export type AskAnswer = Shape<typeof answered>
export type PeerReportAnswer = Shape<typeof report>
