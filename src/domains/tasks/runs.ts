import { JsonLines, type Runs } from '../../daemon/command.ts'
import { found } from '../../daemon/domain.ts'
import type { KindTable } from '../../daemon/kind.ts'
import type { PeerId } from '../../kernel/ids.ts'
import type { tasksCommands } from './commands.ts'
import type { TasksContext, TaskThreads } from './context.ts'
import { resultLines } from './merge.ts'
import { receiptsOf } from './proof/receipt.ts'
import { isTrusted } from './proof/reputation.ts'
import { jobUnder, namedModel } from './queue/intake.ts'
import { takeIn } from './queue/submission.ts'
import type { Job } from './task.ts'
import type { TaskFlows } from './task-flows.ts'

export interface TasksRunsDeps {
  readonly context: TasksContext
  readonly flows: TaskFlows
  readonly kinds: KindTable
  readonly threads: TaskThreads
}

/** Jobs for the neighbours. */
export function tasksRuns({ context, flows, kinds, threads }: TasksRunsDeps): Runs<typeof tasksCommands> {
  const { store, commit, clock } = context
  const { trustedPeers } = context.options.compute

  function progress(id: string) {
    const job = found('job', id, store.job(id))
    const [done, leased] = [store.workerCounts(id, 'done'), store.workerCounts(id, 'leased')]
    const workers = [...new Set([...Object.keys(done), ...Object.keys(leased)])].map(peer => ({
      peer: peer as PeerId,
      done: done[peer] ?? 0,
      leased: leased[peer] ?? 0,
    }))
    return { ...job, counts: store.taskCounts(id), workers }
  }

  const allowedPeers = ({ peers }: Job): number => (peers.length > 0 ? peers : trustedPeers).length

  return {
    async submit(request) {
      const isNew = jobUnder(request.key, store) === undefined
      if (isNew && namedModel(request) === undefined) await threads.model.learn(request.kind)
      const { jobId } = await takeIn(() => flows.submit(request), commit)
      const job = found('job', jobId, store.job(jobId))
      return job.privacy === 'public' ? job : { ...job, allowed: allowedPeers(job) }
    },
    jobs: ({ limit }) =>
      store.jobs(limit).map(job => {
        const [first] = store.documents(job.id)
        return first === undefined ? job : { ...job, name: first.name }
      }),
    job: ({ id, limit = -1, offset = 0 }) => ({
      ...progress(id),
      documents: store.documents(id),
      retried: store.retriedTasks(id),
      parts: store.tasksOfJob(id, limit, offset),
    }),
    progress: ({ id }) => progress(id),
    receipts: ({ id }) => receiptsOf(store.statements(id)),
    result: ({ id }) => written(resultLines(id, { store, kinds, merge: threads.merge })),
    async retry({ id }) {
      await commit(() => flows.retry(id))
      return {}
    },
    async cancel({ id }) {
      await commit(() => flows.cancel(id))
      return {}
    },
    reputation: () => store.reputations().map(one => ({ ...one, trusted: isTrusted(one, clock.now()) })),
  }
}

async function* written(pieces: AsyncIterable<string>): AsyncGenerator<JsonLines, void> {
  for await (const piece of pieces) yield new JsonLines(piece)
}
