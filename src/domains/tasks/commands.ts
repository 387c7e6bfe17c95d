import { z } from 'zod'
import { commands, type Shape, schemaOf } from '../../daemon/command.ts'
import { byId, json, jsonObject, nothing, page, peerId, taskId, timeMs } from '../../daemon/words.ts'
import type { WorkClaim, WorkReceipt, WorkStatement } from './proof/receipt.ts'
import type { Reputation } from './proof/reputation.ts'
import { jobRequest } from './queue/request.ts'
import type { Job, Needs, Step, Task } from './task.ts'

const count = z.int().min(0)

const step = schemaOf<Step>()(z.object({ atMs: timeMs, text: z.string() })).meta({
  id: 'Step',
  description: 'Something that happened, for people.',
})

const needs = schemaOf<Needs>()(
  z.object({
    memoryMb: z.int(),
    fingerprint: z.string().exactOptional().describe('The model whose vectors are wanted.'),
    engine: z.string().exactOptional().describe('What must compute, like `onnxruntime-node`.'),
  }),
)

const job = schemaOf<Job>()(
  z.object({
    id: z.string(),
    kind: z.string(),
    version: z.int(),
    params: jsonObject,
    texts: count,
    total: count.describe('How many parts.'),
    createdMs: timeMs,
    state: z.enum(['opening', 'waiting', 'running', 'done', 'failed', 'cancelled', 'expired']),
    priority: z.int().describe('Higher goes first, −100 to 100.'),
    needs,
    privacy: z.enum(['public', 'private']),
    peers: z.array(peerId).describe('Who may have a private job beside this machine.'),
    after: z.array(z.string()).describe('Jobs that must be done before this one begins.'),
    verify: z.enum(['none', 'adaptive']),
    requestHash: z.string(),
    steps: z.array(step),
    finishedMs: timeMs.exactOptional(),
    deadlineMs: timeMs.exactOptional().describe('What is not done by then is dropped, Unix milliseconds.'),
    key: z.string().exactOptional().describe('The submitter’s word for this job.'),
    reason: z.string().exactOptional(),
  }),
).meta({ id: 'Job' })

const jobRow = job.extend({ name: z.string().exactOptional().describe('Of its first text.') }).meta({ id: 'JobRow' })

const submittedJob = job
  .extend({
    allowed: count.exactOptional().describe('How many peers may have it beside this machine; missing: anybody may.'),
  })
  .meta({ id: 'SubmittedJob' })

const jobProgress = job
  .extend({
    counts: z.record(z.string(), count).describe('How many parts are in each state.'),
    workers: z
      .array(z.object({ peer: peerId, done: count, leased: count }))
      .describe('Of each worker: parts done, and parts it has now.'),
  })
  .meta({ id: 'JobProgress' })

const lease = z
  .object({
    worker: peerId,
    epoch: z.int(),
    grantedMs: timeMs,
    untilMs: timeMs.describe('Prolonged by signs of life, never past `capMs`.'),
    capMs: timeMs,
    progress: z.object({ done: z.number(), total: z.number(), atMs: timeMs }),
    begun: z.literal(true).exactOptional().describe('Work on it has begun.'),
  })
  .meta({ id: 'Lease', description: 'One worker’s right to a task for a time.' })

const task = schemaOf<Task>()(
  z.object({
    id: taskId,
    jobId: z.string(),
    index: count.describe('Its place in the result.'),
    document: count.describe('Which of the job’s texts it is a part of.'),
    state: z.enum(['queued', 'leased', 'done', 'failed', 'cancelled', 'expired', 'poisoned']),
    inputBytes: count,
    inputHash: z.string().describe('SHA-256 of the canonical input, base64url.'),
    attempt: count,
    leaseEpoch: count,
    leases: z.array(lease).describe('One, or two while a copy of slow work runs elsewhere.'),
    opinions: z
      .array(z.object({ worker: peerId, epoch: z.int(), claim: z.string().exactOptional() }))
      .describe('What workers say the answer is, before one is accepted.'),
    doubt: z
      .object({ ask: z.enum(['peer', 'own']), because: z.enum(['new', 'sampled', 'disagreement']) })
      .exactOptional()
      .describe('Why and from whom another opinion is wanted.'),
    ownCannot: z.literal(true).exactOptional().describe('This machine tried and cannot.'),
    ownTurn: z.literal(true).exactOptional().describe('This machine tries once before it is given up.'),
    worker: peerId.exactOptional().describe('Who has it, or whose result was accepted.'),
    notBeforeMs: timeMs,
    tried: z.array(peerId),
    lostWith: z.array(peerId).describe('Who vanished while working on it.'),
    lostAtMs: timeMs.exactOptional(),
    releaseMs: z.number().exactOptional().describe('How long until somebody else had it, milliseconds.'),
    accepted: count,
    acceptedEpoch: z.int().exactOptional(),
    confirmed: z.boolean().exactOptional().describe('A second opinion bears the result out.'),
    reason: z.string().exactOptional(),
    steps: z.array(step),
  }),
).meta({ id: 'Task', description: 'A part of a job.' })

const jobView = jobProgress
  .extend({
    documents: z.array(z.object({ name: z.string(), characters: count })),
    retried: count.describe('How many parts were begun more than once.'),
    parts: z.array(task).describe('A page of them.'),
  })
  .meta({ id: 'JobView' })

const resultEntry = z
  .object({
    document: z.string(),
    index: count,
    start: z.int().exactOptional().describe('UTF-16 code units into the document.'),
    end: z.int().exactOptional(),
    tokens: z.int().exactOptional(),
    vector: z.string().exactOptional().describe('Base64 of little-endian float32.'),
    fingerprint: z.string().exactOptional(),
  })
  .catchall(json)
  .meta({ id: 'ResultEntry', description: 'Of kinds that make a list: one entry, and what else its kind says of it.' })

const resultOfInput = z
  .object({ document: z.string(), result: json })
  .meta({ id: 'ResultOfInput', description: 'Of other kinds: what came of one text, or of whatever was given.' })

const resultLine = z.union([resultEntry, resultOfInput])

const claim = schemaOf<WorkClaim>()(
  z.object({
    taskId,
    leaseEpoch: z.int(),
    kind: z.string().describe('`embed@1`'),
    inputHash: z.string(),
    outputHash: z.string(),
    units: count.describe('Bytes of the canonical input.'),
    busyMs: z.number().describe('How long a worker thread had it, milliseconds.'),
    energyMicroWh: z.number().describe('Millionths of a watt-hour.'),
    measure: z.enum(['estimated', 'metered']),
    source: z.enum(['grid', 'solar', 'battery', 'unknown']),
  }),
).meta({ id: 'WorkClaim', description: 'What a worker says it did for one task.' })

const statement = schemaOf<WorkStatement>()(
  z.object({
    role: z.enum(['worker', 'submitter']),
    jobId: z.string(),
    worker: peerId,
    submitter: peerId,
    hashes: z.array(z.string()).describe('Of the claims it stands under.'),
    claims: z.array(claim),
    signature: z.string().describe('Ed25519, base64url.'),
    atMs: timeMs,
  }),
).meta({ id: 'WorkStatement', description: 'A worker signs what it did, a submitter what it accepted of it.' })

const receipt = schemaOf<WorkReceipt>()(z.object({ claim, worker: statement, submitter: statement })).meta({
  id: 'WorkReceipt',
  description: 'One accepted result, and both signatures under it.',
})

const reputation = schemaOf<Reputation & { readonly trusted: boolean }>()(
  z.object({
    peer: peerId,
    kind: z.string().describe('`embed@1`'),
    model: z.string().describe('The model’s fingerprint; empty where the kind has none.'),
    consecutive: z.number().describe('Results in a row that a second opinion bore out, less what time took.'),
    confirmed: count,
    wrong: count,
    atMs: timeMs,
    notBeforeMs: timeMs.describe('After a wrong result, not asked before this.'),
    trusted: z.boolean().describe('Whether its results are checked only now and then.'),
  }),
).meta({ id: 'Reputation', description: 'What this peer learnt about another’s work of one kind with one model.' })

const parts = z.object({
  limit: z.int().min(0).max(100_000).optional().describe('Parts shown; left out, all.'),
  offset: z.int().min(0).optional(),
})

/** Jobs for the neighbours. */
export const tasksCommands = commands({
  submit: {
    route: 'POST /v1/jobs',
    scope: 'compute',
    says: 'Has texts, or whatever a kind takes, worked on by this machine and the neighbours.',
    input: jobRequest,
    output: submittedJob,
  },
  jobs: {
    route: 'GET /v1/jobs',
    scope: 'read',
    says: 'Jobs of this peer, newest first.',
    input: page,
    output: z.array(jobRow),
  },
  job: {
    route: 'GET /v1/jobs/:id',
    scope: 'read',
    says: 'One job, with a page of its parts.',
    input: byId.extend(parts.shape),
    output: jobView,
  },
  progress: {
    route: 'GET /v1/jobs/:id/progress',
    scope: 'read',
    says: 'How far a job is, in a few numbers however many parts it has.',
    input: byId,
    output: jobProgress,
  },
  receipts: {
    route: 'GET /v1/jobs/:id/receipts',
    scope: 'read',
    says: 'What was accepted of whom in a job, signed by both.',
    input: byId,
    output: z.array(receipt),
  },
  result: {
    route: 'GET /v1/jobs/:id/result',
    scope: 'read',
    says: 'The result of a job that is done, in the order of its texts.',
    input: byId,
    output: resultLine,
    stream: true,
  },
  retry: {
    route: 'POST /v1/jobs/:id/retry',
    scope: 'compute',
    says: 'Has what failed of a job, or was dropped, done again.',
    input: byId,
    output: nothing,
  },
  cancel: {
    route: 'POST /v1/jobs/:id/cancel',
    scope: 'compute',
    says: 'Ends a job; what is done of it stays.',
    input: byId,
    output: nothing,
  },
  reputation: {
    route: 'GET /v1/compute/reputation',
    scope: 'read',
    says: 'What this peer learnt about the work of others.',
    input: nothing,
    output: z.array(reputation),
  },
})

export type JobAnswer = Shape<typeof job>
export type JobRowAnswer = Shape<typeof jobRow>
export type SubmittedJobAnswer = Shape<typeof submittedJob>
export type JobProgressAnswer = Shape<typeof jobProgress>
export type JobViewAnswer = Shape<typeof jobView>
export type TaskAnswer = Shape<typeof task>
export type ResultEntryAnswer = Shape<typeof resultEntry>
export type ResultLineAnswer = Shape<typeof resultLine>
export type ReputationAnswer = Shape<typeof reputation>
export type JobGiven = z.input<typeof jobRequest>
