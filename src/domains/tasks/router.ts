import type { z } from 'zod'
import type { Row } from '../../daemon/domain.ts'
import type { PeerId } from '../../kernel/ids.ts'
import { type JsonObject, outcome } from '../../kernel/outcome.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import type { Undelivered } from '../../protocol/message-type.ts'
import type { Desk } from './desk/desk.ts'
import {
  type Ack,
  type Assign,
  ackSchema,
  assignSchema,
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
import { kindName } from './queue/deps.ts'
import type { Queue } from './queue/queue.ts'
import type { TaskFact, TasksOutcome } from './task.ts'

/** The rows of the router: what submitters say goes to the desk, what workers say to the queue. */
export function tasksRouter(queue: Queue, desk: Desk): ReadonlyMap<string, Row<TaskFact>> {
  return new Map<string, Row<TaskFact>>([...saidBySubmitters(queue, desk), ...saidByWorkers(queue)])
}

function saidBySubmitters(queue: Queue, desk: Desk): [string, Row<TaskFact>][] {
  const offer = straight<WorkOffer>(offerSchema, ({ task_id, sender_id }, payload) =>
    desk.offered(task_id, sender_id, payload),
  )
  const assign = straight<Assign>(assignSchema, ({ task_id, sender_id }, payload) =>
    desk.taken(task_id, sender_id, payload),
  )
  const ack = straight<Ack>(ackSchema, ({ task_id, sender_id }, payload) =>
    desk.acknowledged(task_id, sender_id, payload),
  )
  const cancel = straight<Cancel>(cancelSchema, ({ sender_id }, payload) => desk.dropped(sender_id, payload))
  return [
    ['task.offer', offer],
    ['task.assign', { ...assign, bulky: true, undelivered: message => notTaken(queue, message) }],
    ['task.ack', ack],
    ['task.cancel', cancel],
  ]
}

function saidByWorkers(queue: Queue): [string, Row<TaskFact>][] {
  const bid = straight<Bid>(bidSchema, ({ sender_id }, payload) => queue.bid(sender_id, payload))
  const refuse = straight<Refuse>(refuseSchema, ({ sender_id }, payload) => queue.refused(sender_id, payload))
  const progress = straight<Progress>(progressSchema, ({ task_id, sender_id }, payload) =>
    queue.progressed(task_id, sender_id, payload),
  )
  const result = straight<Result>(resultSchema, ({ task_id, sender_id }, payload) =>
    queue.finished(task_id, sender_id, payload),
  )
  return [
    ['task.bid', bid],
    ['task.refuse', refuse],
    ['task.progress', { ...progress, kept: false }],
    ['task.result', { ...result, undelivered: unsent }],
  ]
}

function straight<P>(payload: z.ZodType<P>, handle: (envelope: Envelope, payload: P) => TasksOutcome): Row<TaskFact> {
  const take = (envelope: Envelope, said: JsonObject) => handle(envelope, said as unknown as P)
  return { payload, carriers: ['stream'], stream: 'tasks', sealed: false, kept: true, handle: take }
}

function notTaken(queue: Queue, { envelope, refusal }: Undelivered): TasksOutcome {
  const assign = envelope.payload as unknown as Assign
  return queue.notTaken(kindName(assign), envelope.to as PeerId, assign.tasks, refusal)
}

/** What was refused unread: left alone, the submitter would hear nothing until the lease is over. */
function unsent({ envelope, refusal }: Undelivered): TasksOutcome {
  const { results } = envelope.payload as unknown as Result
  const lost = refusal.code.startsWith('ENV_') ? results.filter(({ error }) => error === undefined) : []
  if (lost.length === 0) return outcome()
  return outcome([], [unsentDraft(envelope.to as PeerId, envelope.task_id, lost, refusal)])
}
