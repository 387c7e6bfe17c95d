import type { PeerId, TaskId } from '../../../kernel/ids.ts'
import type { Json, JsonObject } from '../../../kernel/outcome.ts'
import { canonical } from '../../../protocol/canonical.ts'
import type { Assign, LeaseRef } from '../messages.ts'
import { hashOfText } from '../proof/receipt.ts'
import type { Reason, TaskFact, Work } from '../task.ts'
import type { DeskDeps } from './deps.ts'
import type { Room } from './room.ts'

/** Tasks of an assignment that are not taken, for one reason. */
interface TurnedAway {
  readonly why: Reason
  readonly tasks: LeaseRef[]
}

interface Assignment {
  readonly jobId: string
  readonly submitter: PeerId
  readonly assign: Assign
}

type One = Assign['tasks'][number]
type Known = Pick<DeskDeps, 'kinds' | 'store' | 'now'>

/** What of an assignment is taken, and what not, by reason. */
export function sorted(
  deps: Known,
  room: Room,
  assignment: Assignment,
): { facts: TaskFact[]; turnedAway: TurnedAway[] } {
  const { submitter, assign } = assignment
  let { free, open } = room.of(submitter)
  const facts: TaskFact[] = []
  const turnedAway = new Map<string, TurnedAway>()
  for (const one of assign.tasks) {
    // A newer lease of what lies here already takes no more room.
    const fresh = deps.store.work(one.task_id as TaskId) === undefined ? 1 : 0
    const why = unfit(deps, assignment, one) ?? (free < fresh ? room.busy(assign.kind, open) : undefined)
    if (why !== undefined) {
      turnAway(turnedAway, why, one)
      continue
    }
    facts.push(taken(assignment, one, deps.now()))
    free -= fresh
    open += fresh
  }
  return { facts, turnedAway: [...turnedAway.values()] }
}

function unfit({ kinds, store }: Known, { submitter, assign }: Assignment, one: One): Reason | undefined {
  const { kind: name, params } = assign
  const kind = kinds[name]
  const fits = kind?.input.safeParse(one.input).success === true && kind.params.safeParse(params).success
  if (!fits) return { code: 'TASK_BAD_INPUT', message: `not an input of ${name}` }
  const before = store.work(one.task_id as TaskId)
  // Under the name of one of our own tasks, a stranger's input would be mistaken for ours.
  const free = store.task(one.task_id as TaskId) === undefined
  if (free && (before === undefined || before.submitter === submitter)) return undefined
  return { code: 'TASK_UNKNOWN', message: 'this task is of somebody else' }
}

function taken({ jobId, submitter, assign }: Assignment, one: One, acceptedMs: number): TaskFact {
  const { kind, version, params } = assign
  const input = canonical([one.input as Json])
  const work: Work = {
    taskId: one.task_id as TaskId,
    jobId,
    leaseEpoch: one.lease_epoch,
    attempt: one.attempt,
    submitter,
    kind,
    version,
    params: params as JsonObject,
    state: 'accepted',
    acceptedMs,
    inputBytes: Buffer.byteLength(input),
    inputHash: hashOfText(input),
  }
  return { kind: 'tasks.work', work, input }
}

function turnAway(groups: Map<string, TurnedAway>, why: Reason, one: One): void {
  const group = groups.get(why.code) ?? { why, tasks: [] }
  group.tasks.push({ taskId: one.task_id as TaskId, leaseEpoch: one.lease_epoch })
  groups.set(why.code, group)
}
