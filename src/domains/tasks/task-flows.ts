import type { Row } from '../../daemon/domain.ts'
import { outcome } from '../../kernel/outcome.ts'
import { type DeliveryDeps, type Done, deliver } from './delivery.ts'
import type { DeskDeps } from './desk/deps.ts'
import { createDesk, type Desk } from './desk/desk.ts'
import type { Beat, Progress, Result } from './messages.ts'
import type { QueueDeps } from './queue/deps.ts'
import { createQueue, type Queue } from './queue/queue.ts'
import { tasksRouter } from './router.ts'
import type { TaskFact, TasksOutcome, WorkResult } from './task.ts'

export interface TaskFlows
  extends Pick<Queue, 'submit' | 'unopened' | 'tick' | 'nextMs' | 'workerLost' | 'cancel' | 'retry'>,
    Pick<Desk, 'giveBack'> {
  /** The rows of the router this domain answers for. */
  readonly messages: ReadonlyMap<string, Row<TaskFact>>
  /** What came of work in this machine's threads, its own and that of others. */
  worked(results: readonly WorkResult[]): TasksOutcome
  /** Own work is still going on. */
  ownProgress(beats: readonly Beat[]): TasksOutcome
  /** What a start after a stop or a crash changes: work of others is forgotten, for their leases are over. */
  restarted(): TasksOutcome
}

export interface TaskFlowsDeps extends Omit<QueueDeps, 'ownLacks'>, Omit<DeskDeps, 'store'>, DeliveryDeps {
  readonly store: QueueDeps['store'] & DeskDeps['store']
}

export function createTaskFlows(deps: TaskFlowsDeps): TaskFlows {
  const { self, store } = deps
  const desk = createDesk(deps)
  const queue = createQueue({ ...deps, ownLacks: desk.lacks })

  return {
    submit: queue.submit,
    unopened: queue.unopened,
    tick: queue.tick,
    nextMs: queue.nextMs,
    workerLost: queue.workerLost,
    cancel: queue.cancel,
    retry: queue.retry,
    giveBack: desk.giveBack,
    messages: tasksRouter(queue, desk),

    worked(results) {
      const done = onTheDesk(results, store)
      for (const { work, result } of done) desk.took(work.kind, result.busyMs)
      const own = done.filter(({ work }) => work.submitter === self)
      const others = done.filter(({ work }) => work.submitter !== self)
      const theirs = deliver(others, deps)
      const ours = queue.finished('', self, resultOf(own))
      const gone = done.map(({ work }) => workGone(work))
      return outcome([...gone, ...theirs.facts, ...ours.facts], [...theirs.messages, ...ours.messages])
    },

    ownProgress: beats => queue.progressed('', self, progressOf(beats)),

    restarted() {
      const forgotten = store.openWork().map(workGone)
      const own = queue.restarted()
      return outcome([...forgotten, ...own.facts], own.messages)
    },
  }
}

/** Not what was taken off it meanwhile, or lies there again under another lease. */
function onTheDesk(results: readonly WorkResult[], store: DeskDeps['store']): Done[] {
  return results.flatMap(result => {
    const work = store.work(result.taskId)
    return work?.leaseEpoch === result.leaseEpoch ? [{ work, result }] : []
  })
}

function workGone({ taskId }: Done['work']): TaskFact {
  return { kind: 'tasks.work.gone', taskId }
}

/** What a worker would say of it in a message. */
function resultOf(own: readonly Done[]): Result {
  const results = own.map(({ result: { result, taskId, leaseEpoch } }) => ({
    task_id: taskId,
    lease_epoch: leaseEpoch,
    ...result,
  }))
  return { results }
}

function progressOf(beats: readonly Beat[]): Progress {
  const tasks = beats.map(({ taskId, leaseEpoch, done, total, waiting }) => ({
    task_id: taskId,
    lease_epoch: leaseEpoch,
    done,
    total,
    waiting,
  }))
  return { tasks }
}
