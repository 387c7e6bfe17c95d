import { setImmediate as turn } from 'node:timers/promises'
import type { AnyKind, DonePart, KindErrorCode, KindTable } from '../../daemon/kind.ts'
import { CodedError } from '../../kernel/errors.ts'
import type { Job, JobDocument, Task } from './task.ts'

export interface MergeDeps {
  readonly kinds: KindTable
  readonly store: {
    job(id: string): Job | undefined
    documents(jobId: string): readonly JobDocument[]
    /** In order. */
    tasksOfDocument(jobId: string, document: number): Pick<Task, 'id' | 'index' | 'acceptedEpoch'>[]
    /** Canonical JSON of a one-element array. */
    input(taskId: Task['id']): string | undefined
    output(taskId: Task['id'], epoch: number): string | undefined
  }
  /** Merges a document's parts in a worker thread: the JSON text of its result. */
  merge(kind: string, parts: readonly PartText[]): Promise<string>
}

/** A part's input and output, each as the JSON text of a one-element array. */
export interface PartText {
  readonly input: string
  readonly output: string
}

/** Parts read from the disk between two turns of the event loop. */
const READ_AT_ONCE = 32

/**
 * The result in the order of the texts, as lines of JSON, a few in each piece. Of kinds that make a list (chunks) a line
 * for each entry: `{"document":…,"index":…,"start":…,…}`, vectors in base64 of little-endian float32; of others a line
 * for each text: `{"document":…,"result":…}`. A part is read when its turn comes, so a result of any size takes the memory of one
 * part, or of one text where a kind merges.
 * @throws TASK_UNKNOWN, TASK_NOT_DONE; while it is read, TASK_PARTS_INCOMPLETE where a part is gone, and what the kind's
 * merge throws
 */
export function resultLines(jobId: string, deps: MergeDeps): AsyncGenerator<string, void> {
  const job = deps.store.job(jobId)
  if (job === undefined) throw new CodedError('TASK_UNKNOWN', `no job ${jobId} here`)
  if (job.state !== 'done') {
    throw new CodedError('TASK_NOT_DONE', `the job is ${job.state}`, { hint: 'wait for it with "wattmesh task show"' })
  }
  return linesOf(job, deps)
}

async function* linesOf(job: Job, { store, kinds, merge }: MergeDeps): AsyncGenerator<string, void> {
  const { id, kind } = job
  const rows = kinds[kind]?.rows
  const read = { job, parts: 0 }
  for (const [document, { name }] of store.documents(id).entries()) {
    const parts = partsOf(store, read, document)
    if (rows !== undefined) yield* rowsOf(rows, name, parts)
    else yield `{"document":${JSON.stringify(name)},"result":${await merge(kind, await allOf(parts))}}\n`
  }
  if (read.parts !== job.total) throw incomplete(read)
}

async function* rowsOf(
  rows: NonNullable<AnyKind['rows']>,
  document: string,
  parts: Iterable<PartText>,
): AsyncGenerator<string, void> {
  let index = 0
  for (const part of parts) {
    yield rows(parsed(part))
      .map(row => `${JSON.stringify({ document, index: index++, ...row })}\n`)
      .join('')
    await turn()
  }
}

/** How far a result was read. An old job is taken off the disk row by row, perhaps meanwhile: what is missing is said. */
interface Reading {
  readonly job: Job
  parts: number
}

function* partsOf(store: MergeDeps['store'], read: Reading, document: number): Generator<PartText, void> {
  for (const { id, index, acceptedEpoch } of store.tasksOfDocument(read.job.id, document)) {
    const [input, output] = [store.input(id), store.output(id, acceptedEpoch ?? 0)]
    if (index !== read.parts || input === undefined || output === undefined) throw incomplete(read)
    read.parts++
    yield { input, output }
  }
}

function incomplete({ job, parts }: Reading): CodedError<KindErrorCode> {
  const message = `part ${parts + 1} of ${job.total} is gone: what was told of the result so far is not all of it`
  return new CodedError('TASK_PARTS_INCOMPLETE', message, {
    hint: 'Results are kept for compute.resultDays; have the work done again, and fetch its result before then.',
    details: { found: parts, total: job.total },
  })
}

async function allOf(parts: Iterable<PartText>): Promise<PartText[]> {
  const read: PartText[] = []
  for (const part of parts) {
    read.push(part)
    if (read.length % READ_AT_ONCE === 0) await turn()
  }
  return read
}

function parsed({ input, output }: PartText): DonePart<unknown, unknown> {
  const only = (text: string): unknown => (JSON.parse(text) as unknown[])[0]
  return { input: only(input), output: only(output) }
}
