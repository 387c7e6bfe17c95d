/** A task ends in exactly one of the last five. */
export type TaskState = 'queued' | 'leased' | 'done' | 'failed' | 'cancelled' | 'expired' | 'poisoned'
export type JobState = 'opening' | 'waiting' | 'running' | 'done' | 'failed' | 'cancelled' | 'expired'

/**
 * assign: a worker gets it. copy: a second worker gets it, for the first is slow. beat: a sign of life. shed: one of two
 * leases ended. release: the last lease ended, it is tried again. accept: a result counts. doubt: a result is kept, and
 * another opinion is wanted. fail, poison, cancel, expire: it ends. withdraw: who made the accepted result was caught
 * lying elsewhere. retry: its owner asks for it again.
 */
export type TaskStep =
  | 'assign'
  | 'copy'
  | 'beat'
  | 'shed'
  | 'release'
  | 'accept'
  | 'doubt'
  | 'fail'
  | 'poison'
  | 'cancel'
  | 'expire'
  | 'withdraw'
  | 'retry'

/** What a step does to a task: state × step → next state. What is not in a row cannot happen. */
const TASK: Readonly<Record<TaskState, Partial<Record<TaskStep, TaskState>>>> = {
  // A kept opinion can be accepted while nobody works on the task: its maker has earned trust meanwhile.
  queued: { assign: 'leased', accept: 'done', fail: 'failed', cancel: 'cancelled', expire: 'expired' },
  leased: {
    copy: 'leased',
    beat: 'leased',
    shed: 'leased',
    release: 'queued',
    accept: 'done',
    doubt: 'queued',
    fail: 'failed',
    poison: 'poisoned',
    cancel: 'cancelled',
    expire: 'expired',
  },
  done: { withdraw: 'queued' },
  failed: { retry: 'queued' },
  cancelled: { retry: 'queued' },
  expired: { retry: 'queued' },
  poisoned: { retry: 'queued' },
}

export type JobStep = 'opened' | 'hold' | 'begin' | 'finish' | 'fail' | 'cancel' | 'expire' | 'retry'

/** `opening`: its texts are being split. `waiting`: for jobs it comes after. */
const JOB: Readonly<Record<JobState, Partial<Record<JobStep, JobState>>>> = {
  opening: { opened: 'running', hold: 'waiting', fail: 'failed', cancel: 'cancelled' },
  waiting: { begin: 'running', fail: 'failed', cancel: 'cancelled', expire: 'expired' },
  running: { finish: 'done', fail: 'failed', cancel: 'cancelled', expire: 'expired' },
  done: {},
  failed: { retry: 'running', hold: 'waiting' },
  cancelled: { retry: 'running', hold: 'waiting' },
  expired: { retry: 'running', hold: 'waiting' },
}

export const JOB_STATES = Object.keys(JOB) as readonly JobState[]

/** States that `retry` leads out of. */
export const UNDONE_TASKS: readonly TaskState[] = ['failed', 'cancelled', 'expired', 'poisoned']

/** undefined: the step does not follow in this state. */
export function nextTaskState(state: TaskState, step: TaskStep): TaskState | undefined {
  return TASK[state][step]
}

/** undefined: the step does not follow in this state. */
export function nextJobState(state: JobState, step: JobStep): JobState | undefined {
  return JOB[state][step]
}

/** @throws TypeError: a step that cannot follow is a mistake of ours, never of a peer */
export function stateAfter(
  { id, state }: { readonly id: string; readonly state: TaskState },
  step: TaskStep,
): TaskState {
  const next = nextTaskState(state, step)
  if (next === undefined) throw new TypeError(`${step} does not follow when task ${id} is ${state}`)
  return next
}
