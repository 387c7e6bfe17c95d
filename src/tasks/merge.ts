import { setImmediate as turn } from 'node:timers/promises'
import { CodedError } from '../kernel/errors.ts'
import type { AnyKind, DonePart, KindTable } from './kinds/kind.ts'
import type { Job, JobDocument, Task } from './task.ts'

export interface MergeDeps {
  readonly kinds: KindTable
  readonly store: {
    job(id: string): Job | undefined
    documents(jobId: string): readonly JobDocument[]
    /** In order. */
    tasksOfDocument(jobId: string, document: number): Pick<Task, 'id' | 'acceptedEpoch'>[]
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
 * @throws TASK_UNKNOWN, TASK_NOT_DONE; while it is read, what the kind's merge throws
 */
export function resultLines(jobId: string, deps: MergeDeps): AsyncGenerator<string, void> {
  const job = deps.store.job(jobId)
  if (job === undefined) throw new CodedError('TASK_UNKNOWN', `no job ${jobId} here`)
  if (job.state !== 'done') {
    throw new CodedError('TASK_NOT_DONE', `the job is ${job.state}`, { hint: 'wait for it with "wattmesh task show"' })
  }
  return linesOf(job, deps)
}

async function* linesOf({ id, kind }: Job, { store, kinds, merge }: MergeDeps): AsyncGenerator<string, void> {
  const rows = kinds[kind]?.rows
  for (const [number, { name }] of store.documents(id).entries()) {
    if (rows !== undefined) yield* rowsOf(rows, name, partsOf(store, id, number))
    else yield `{"document":${JSON.stringify(name)},"result":${await merge(kind, await allOf(store, id, number))}}\n`
  }
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

function* partsOf(store: MergeDeps['store'], jobId: string, document: number): Generator<PartText, void> {
  for (const { id, acceptedEpoch } of store.tasksOfDocument(jobId, document)) {
    const [input, output] = [store.input(id), store.output(id, acceptedEpoch ?? 0)]
    if (input === undefined || output === undefined) {
      throw new CodedError('TASK_UNKNOWN', 'a part of the result is gone')
    }
    yield { input, output }
  }
}

async function allOf(store: MergeDeps['store'], jobId: string, document: number): Promise<PartText[]> {
  const read: PartText[] = []
  for (const part of partsOf(store, jobId, document)) {
    read.push(part)
    if (read.length % READ_AT_ONCE === 0) await turn()
  }
  return read
}

function parsed({ input, output }: PartText): DonePart<unknown, unknown> {
  const only = (text: string): unknown => (JSON.parse(text) as unknown[])[0]
  return { input: only(input), output: only(output) }
}
