import type { PeerId, TaskId } from '../kernel/ids.ts'
import { type Json, outcome } from '../kernel/outcome.ts'
import type { KindTable } from './kinds/kind.ts'
import { type Assign, resultDraft } from './messages.ts'
import type { TasksOutcome } from './queue.ts'
import { refuseTask, type Work } from './task.ts'

export interface DeskDeps {
  readonly self: PeerId
  readonly kinds: KindTable
  readonly store: { work(taskId: TaskId): Work | undefined; openWork(): Work[] }
  /** Tasks taken at a time; 0: this peer does not work for others. */
  readonly slots: number
  now(): number
}

/** The worker's side: what lies on the desk. */
export interface Desk {
  taken(taskId: TaskId, submitter: PeerId, assign: Assign): TasksOutcome
  worked(
    taskId: TaskId,
    leaseEpoch: number,
    result: { output: Json } | { error: { code: string; message: string } },
  ): TasksOutcome
  dropped(taskId: TaskId, submitter: PeerId): TasksOutcome
}

/** A worker with a full desk asks to be asked again after this. */
const RETRY_AFTER_MS = 1_000

export function createDesk({ self, kinds, store, slots, now }: DeskDeps): Desk {
  function unwilling(taskId: TaskId, submitter: PeerId, { kind: name, version }: Assign): TasksOutcome | undefined {
    if (slots === 0) return refuseTask('TASK_NOT_OFFERED', 'this peer does not work for others')
    if (kinds[name]?.version !== version)
      return refuseTask('TASK_KIND_UNKNOWN', `${name}@${version} is not worked on here`)
    const before = store.work(taskId)
    if (before !== undefined) {
      return before.submitter === submitter ? undefined : refuseTask('TASK_UNKNOWN', 'this task is of somebody else')
    }
    const open = store.openWork().length
    if (open < slots) return undefined
    return refuseTask('TASK_BUSY', `${open} tasks are being worked on`, { retry_after_ms: RETRY_AFTER_MS })
  }

  function unfit({ kind: name, input, params }: Assign): TasksOutcome | undefined {
    const kind = kinds[name]
    const fits = kind?.input.safeParse(input).success === true && kind.params.safeParse(params).success
    return fits ? undefined : refuseTask('TASK_BAD_INPUT', `not an input of ${name}`)
  }

  return {
    taken(taskId, submitter, assign) {
      const refusal = unwilling(taskId, submitter, assign) ?? unfit(assign)
      if (refusal !== undefined) return refusal
      const { kind, params, input, lease_epoch: leaseEpoch } = assign
      const given = { taskId, leaseEpoch, submitter, kind, state: 'accepted', acceptedMs: now() } as const
      return outcome([{ kind: 'work', work: { ...given, input: input as Json, params: params as Work['params'] } }])
    },

    worked(taskId, leaseEpoch, result) {
      const work = store.work(taskId)
      if (work === undefined || work.leaseEpoch !== leaseEpoch) return outcome()
      const gone = { kind: 'work.gone', taskId } as const
      return work.submitter === self ? outcome([gone]) : outcome([gone], [resultDraft(work, result)])
    },

    dropped(taskId, submitter) {
      return store.work(taskId)?.submitter === submitter ? outcome([{ kind: 'work.gone', taskId }]) : outcome()
    },
  }
}
