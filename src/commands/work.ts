import { CodedError } from '../kernel/errors.ts'
import type { JsonObject } from '../kernel/outcome.ts'
import type { Job, Task } from '../tasks/task.ts'
import { type CommandDeps, decided } from './deps.ts'

/** Jobs for the neighbours. */
export function workCommands(deps: CommandDeps) {
  const { storage, tasks } = deps

  return {
    async submit(request: {
      kind: string
      params: JsonObject
      documents: readonly { name: string; text: string }[]
    }): Promise<Job> {
      let jobId = ''
      await decided(deps, () => {
        const submitted = tasks.submit(request)
        jobId = submitted.jobId
        return submitted.outcome
      })
      return storage.tasks.job(jobId) as Job
    },

    jobs: (limit: number): Job[] => storage.tasks.jobs(limit),
    job(id: string): (Job & { counts: Record<string, number>; parts: Omit<Task, 'input' | 'output'>[] }) | undefined {
      const job = storage.tasks.job(id)
      if (job === undefined) return undefined
      const parts = storage.tasks.tasksOfJob(id).map(({ input: _, output: __, ...part }) => part)
      return { ...job, counts: storage.tasks.taskCounts(id), parts }
    },

    /** The ordered result, document by document; canonical text of each, so that it can be compared. */
    result(id: string): { name: string; result: unknown }[] {
      const job = storage.tasks.job(id)
      const kind = job === undefined ? undefined : deps.kinds[job.kind]
      if (job === undefined || kind === undefined) throw new CodedError('TASK_UNKNOWN', `no job ${id} here`)
      if (job.state !== 'done')
        throw new CodedError('TASK_NOT_DONE', `the job is ${job.state}`, {
          hint: 'wait for it with "wattmesh task show"',
        })
      const byDocument = Map.groupBy(storage.tasks.tasksOfJob(id), task => task.document)
      return job.documents.map(({ name }, number) => {
        const parts = (byDocument.get(number) ?? []).map(({ input, output }) => ({ input, output }))
        return { name, result: plain(kind.merge(parts)) }
      })
    },

    cancelJob: (id: string) => decided(deps, () => tasks.cancel(id)),
  }
}

/** Typed arrays as plain ones, for JSON. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, inner: unknown) => (inner instanceof Float32Array ? [...inner] : inner)))
}
