import type { z } from 'zod'
import type { PeerId } from '../kernel/ids.ts'
import { type JsonObject, outcome } from '../kernel/outcome.ts'
import type { Envelope } from '../protocol/envelope.ts'
import type { MessageType } from '../protocol/message-type.ts'
import { createDesk, type Desk, type DeskDeps } from './desk.ts'
import { type Assign, assignSchema, cancelSchema, progressSchema, type Result, resultSchema } from './messages.ts'
import { createQueue, type Queue, type QueueDeps, type TasksOutcome } from './queue.ts'
import type { TaskFact } from './task.ts'

export interface Tasks extends Omit<Queue, 'finished' | 'notTaken'>, Pick<Desk, 'worked'> {
  /** The rows of the router this domain answers for. */
  readonly messages: ReadonlyMap<string, MessageType<TaskFact>>
  /** What a start after a stop or a crash changes: work of others is forgotten, for their leases are over. */
  restarted(): TasksOutcome
}

export interface TasksDeps extends QueueDeps, Omit<DeskDeps, 'store'> {
  readonly store: QueueDeps['store'] & DeskDeps['store']
}

export function createTasks(deps: TasksDeps): Tasks {
  const queue = createQueue(deps)
  const desk = createDesk(deps)

  function straight<P>(
    payload: z.ZodType<P>,
    handle: (envelope: Envelope, payload: P) => TasksOutcome,
  ): MessageType<TaskFact> {
    const take = (envelope: Envelope, said: JsonObject) => handle(envelope, said as unknown as P)
    return { payload, carriers: ['stream'], sealed: false, kept: true, handle: take }
  }

  return {
    ...queue,
    messages: new Map<string, MessageType<TaskFact>>([
      [
        'task.assign',
        {
          ...straight<Assign>(assignSchema, (envelope, assign) =>
            desk.taken(envelope.task_id, envelope.sender_id, assign),
          ),
          undelivered({ envelope, refusal }) {
            const { lease_epoch } = envelope.payload as unknown as Assign
            return queue.notTaken(envelope.task_id, envelope.to as PeerId, lease_epoch, refusal)
          },
        },
      ],
      [
        'task.progress',
        {
          ...straight(progressSchema, (envelope, progress) =>
            queue.progressed(envelope.task_id, envelope.sender_id, progress.lease_epoch, progress.done),
          ),
          kept: false,
        },
      ],
      [
        'task.result',
        straight<Result>(resultSchema, (envelope, result) =>
          queue.finished(envelope.task_id, envelope.sender_id, result),
        ),
      ],
      ['task.cancel', straight(cancelSchema, envelope => desk.dropped(envelope.task_id, envelope.sender_id))],
    ]),

    worked(taskId, leaseEpoch, result) {
      const done = desk.worked(taskId, leaseEpoch, result)
      const own = deps.store.work(taskId)?.submitter === deps.self
      if (!own) return done
      const finished = queue.finished(taskId, deps.self, { lease_epoch: leaseEpoch, ...result })
      return { ...finished, facts: [...done.facts, ...finished.facts], answer: done.answer }
    },

    restarted() {
      const forgotten = deps.store.openWork().map(({ taskId }): TaskFact => ({ kind: 'work.gone', taskId }))
      const own = queue.workerLost(deps.self)
      return outcome([...forgotten, ...own.facts], own.messages)
    },
  }
}
