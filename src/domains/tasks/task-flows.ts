import type { z } from 'zod'
import type { Row } from '../../daemon/domain.ts'
import type { PeerId } from '../../kernel/ids.ts'
import { type JsonObject, outcome } from '../../kernel/outcome.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import { type DeliveryDeps, deliver } from './delivery.ts'
import type { DeskDeps } from './desk/deps.ts'
import { createDesk, type Desk } from './desk/desk.ts'
import {
  type Ack,
  type Assign,
  ackSchema,
  assignSchema,
  type Beat,
  type Bid,
  bidSchema,
  type Cancel,
  cancelSchema,
  offerSchema,
  type Progress,
  progressSchema,
  type Refuse,
  type Result,
  refuseSchema,
  resultSchema,
  unsentDraft,
  type WorkOffer,
} from './messages.ts'
import { kindName, type QueueDeps } from './queue/deps.ts'
import { createQueue, type Queue } from './queue/queue.ts'
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

  function straight<P>(payload: z.ZodType<P>, handle: (envelope: Envelope, payload: P) => TasksOutcome): Row<TaskFact> {
    const take = (envelope: Envelope, said: JsonObject) => handle(envelope, said as unknown as P)
    return { payload, carriers: ['stream'], stream: 'tasks', sealed: false, kept: true, handle: take }
  }

  const assignRow: Row<TaskFact> = {
    bulky: true,
    ...straight<Assign>(assignSchema, ({ task_id, sender_id }, assign) => desk.taken(task_id, sender_id, assign)),
    undelivered({ envelope, refusal }) {
      const assign = envelope.payload as unknown as Assign
      return queue.notTaken(kindName(assign), envelope.to as PeerId, assign.tasks, refusal)
    },
  }

  const resultRow: Row<TaskFact> = {
    ...straight<Result>(resultSchema, ({ task_id, sender_id }, result) => queue.finished(task_id, sender_id, result)),
    undelivered({ envelope, refusal }) {
      const { results } = envelope.payload as unknown as Result
      // What was refused unread: left alone, the submitter would hear nothing until the lease is over.
      const lost = refusal.code.startsWith('ENV_') ? results.filter(({ error }) => error === undefined) : []
      return lost.length === 0
        ? outcome()
        : outcome([], [unsentDraft(envelope.to as PeerId, envelope.task_id, lost, refusal)])
    },
  }

  function worked(results: readonly WorkResult[]): TasksOutcome {
    const done = results.flatMap(result => {
      const work = store.work(result.taskId)
      return work?.leaseEpoch === result.leaseEpoch ? [{ work, result }] : []
    })
    for (const { work, result } of done) desk.took(work.kind, result.busyMs)
    const gone = done.map(({ work: { taskId } }): TaskFact => ({ kind: 'tasks.work.gone', taskId }))
    const theirs = deliver(
      done.filter(({ work }) => work.submitter !== self),
      deps,
    )
    const own = done.filter(({ work }) => work.submitter === self)
    const finished = queue.finished('', self, {
      results: own.map(({ result: { result, taskId, leaseEpoch } }) => ({
        task_id: taskId,
        lease_epoch: leaseEpoch,
        ...result,
      })),
    })
    return {
      facts: [...gone, ...theirs.facts, ...finished.facts],
      messages: [...theirs.messages, ...finished.messages],
      answer: { status: 'ACK' },
    }
  }

  return {
    submit: queue.submit,
    unopened: queue.unopened,
    tick: queue.tick,
    nextMs: queue.nextMs,
    workerLost: queue.workerLost,
    cancel: queue.cancel,
    retry: queue.retry,
    giveBack: desk.giveBack,
    messages: new Map<string, Row<TaskFact>>([
      [
        'task.offer',
        straight<WorkOffer>(offerSchema, ({ task_id, sender_id }, o) => desk.offered(task_id, sender_id, o)),
      ],
      ['task.bid', straight<Bid>(bidSchema, ({ sender_id }, bid) => queue.bid(sender_id, bid))],
      ['task.refuse', straight<Refuse>(refuseSchema, ({ sender_id }, refuse) => queue.refused(sender_id, refuse))],
      ['task.assign', assignRow],
      [
        'task.progress',
        {
          ...straight<Progress>(progressSchema, ({ task_id, sender_id }, progress) =>
            queue.progressed(task_id, sender_id, progress),
          ),
          kept: false,
        },
      ],
      ['task.result', resultRow],
      [
        'task.ack',
        straight<Ack>(ackSchema, ({ task_id, sender_id }, ack) => desk.acknowledged(task_id, sender_id, ack)),
      ],
      ['task.cancel', straight<Cancel>(cancelSchema, ({ sender_id }, cancel) => desk.dropped(sender_id, cancel))],
    ]),
    worked,

    ownProgress: beats =>
      queue.progressed('', self, {
        tasks: beats.map(({ taskId, leaseEpoch, done, total, waiting }) => ({
          task_id: taskId,
          lease_epoch: leaseEpoch,
          done,
          total,
          waiting,
        })),
      }),

    restarted() {
      const forgotten = store.openWork().map(({ taskId }): TaskFact => ({ kind: 'tasks.work.gone', taskId }))
      const own = queue.restarted()
      return outcome([...forgotten, ...own.facts], own.messages)
    },
  }
}
