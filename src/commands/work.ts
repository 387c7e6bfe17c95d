import { kinds } from '../domains/tasks/kinds/kinds.ts'
import { resultLines } from '../domains/tasks/merge.ts'
import { receiptsOf, type WorkReceipt } from '../domains/tasks/proof/receipt.ts'
import { type JobRequest, jobUnder, namedModel } from '../domains/tasks/queue/intake.ts'
import { takeIn } from '../domains/tasks/queue/submission.ts'
import type { Job, JobDocument, Task } from '../domains/tasks/task.ts'
import { CodedError } from '../kernel/errors.ts'
import type { PeerId } from '../kernel/ids.ts'
import { type CommandDeps, decided } from './deps.ts'

/** How far a job is, in a few numbers however many parts it has. */
export interface JobProgress extends Job {
  /** How many parts are in each state. */
  readonly counts: Readonly<Record<string, number>>
  /** Of each worker: parts done, and parts it has now. */
  readonly workers: readonly { readonly peer: PeerId; readonly done: number; readonly leased: number }[]
}

export interface SubmittedJob extends Job {
  /** How many peers may have it beside this machine; absent: anybody may. */
  readonly allowed?: number
}

/** A job in a list: what it is about, in a word. */
export interface JobRow extends Job {
  /** Of its first text. */
  readonly name?: string
}

export interface JobView extends JobProgress {
  readonly documents: readonly JobDocument[]
  readonly retried: number
  readonly parts: readonly Task[]
}

/** Jobs for the neighbours. */
export function workCommands(deps: CommandDeps) {
  const { storage, tasks } = deps
  const store = storage.tasks

  function progress(id: string): JobProgress | undefined {
    const job = store.job(id)
    if (job === undefined) return undefined
    const [done, leased] = [store.workerCounts(id, 'done'), store.workerCounts(id, 'leased')]
    const workers = [...new Set([...Object.keys(done), ...Object.keys(leased)])].map(peer => ({
      peer: peer as PeerId,
      done: done[peer] ?? 0,
      leased: leased[peer] ?? 0,
    }))
    return { ...job, counts: store.taskCounts(id), workers }
  }

  const allowedPeers = ({ peers }: Job): number =>
    (peers.length > 0 ? peers : deps.config.options.compute.trustedPeers).length

  return {
    async submit(request: JobRequest): Promise<SubmittedJob> {
      const isNew = jobUnder(request.key, store) === undefined
      if (isNew && namedModel(request) === undefined) await deps.learnModel(request.kind)
      const { jobId, answer } = await takeIn(() => tasks.submit(request), deps.commit)
      if (answer.status === 'NACK') throw new CodedError(answer.error.code, answer.error.message)
      const job = store.job(jobId) as Job
      return job.privacy === 'public' ? job : { ...job, allowed: allowedPeers(job) }
    },

    jobs: (limit: number): JobRow[] =>
      store.jobs(limit).map(job => {
        const [first] = store.documents(job.id)
        return first === undefined ? job : { ...job, name: first.name }
      }),
    jobProgress: progress,
    /** A page of a job's parts beside its progress. */
    job(
      id: string,
      { limit = -1, offset = 0 }: { limit?: number | undefined; offset?: number | undefined } = {},
    ): JobView | undefined {
      const view = progress(id)
      if (view === undefined) return undefined
      return {
        ...view,
        documents: store.documents(id),
        retried: store.retriedTasks(id),
        parts: store.tasksOfJob(id, limit, offset),
      }
    },

    /** The ordered result, document by document, as lines of JSON; see `resultLines`. */
    result: (id: string) => resultLines(id, { store, kinds, merge: deps.merge }),
    workReceipts: (id: string): WorkReceipt[] => receiptsOf(store.statements(id)),
    reputations: () => store.reputations(),
    cancelJob: (id: string) => decided(deps, () => tasks.cancel(id)),
    retryJob: (id: string) => decided(deps, () => tasks.retry(id)),
  }
}
