import { setImmediate as turn } from 'node:timers/promises'
import { CodedError } from '../kernel/errors.ts'
import type { Job, JobDocument, Task } from './task.ts'

export interface MergeDeps {
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
 * The ordered result as JSON text, `[{"name":…,"result":…},…]`: read in slices and merged in a thread, for a large one is
 * many megabytes, and the event loop must not wait for it.
 * @throws TASK_UNKNOWN, TASK_NOT_DONE, and what the kind's merge throws
 */
export async function resultText(jobId: string, { store, merge }: MergeDeps): Promise<string> {
  const job = store.job(jobId)
  if (job === undefined) throw new CodedError('TASK_UNKNOWN', `no job ${jobId} here`)
  if (job.state !== 'done') {
    throw new CodedError('TASK_NOT_DONE', `the job is ${job.state}`, { hint: 'wait for it with "wattmesh task show"' })
  }
  const results: string[] = []
  for (const [number, { name }] of store.documents(jobId).entries()) {
    const merged = await merge(job.kind, await partsOf(store, jobId, number))
    results.push(`{"name":${JSON.stringify(name)},"result":${merged}}`)
    await turn()
  }
  return `[${results.join(',')}]`
}

async function partsOf(store: MergeDeps['store'], jobId: string, document: number): Promise<PartText[]> {
  const parts: PartText[] = []
  for (const { id, acceptedEpoch } of store.tasksOfDocument(jobId, document)) {
    const [input, output] = [store.input(id), store.output(id, acceptedEpoch ?? 0)]
    if (input === undefined || output === undefined)
      throw new CodedError('TASK_UNKNOWN', 'a part of the result is gone')
    parts.push({ input, output })
    if (parts.length % READ_AT_ONCE === 0) await turn()
  }
  return parts
}
