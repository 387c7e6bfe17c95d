import type { JobAnswer, TaskAnswer } from '../../domains/tasks/commands.ts'
import { peerText } from '../../kernel/ids.ts'
import type { Death } from '../scenario/kill-plan.ts'
import type { Invariant } from './invariant.ts'

/** What became of the work a scenario gave its network. */
export interface TaskFigures {
  readonly submitted: number
  readonly done: number
  readonly failed: number
  readonly retried: number
  /** Without an end. */
  readonly lost: number
  readonly acceptedTwice: number
  readonly releaseMsMax: number
  /** From a worker's death, or from when it was missed, to somebody else's lease of what it had. */
  readonly releaseMs: Spread
  readonly perSecond: number
  /** Accepted results that are not what the harness worked out itself; absent where it did not. */
  readonly wrongAccepted?: number
  readonly judged?: number
  /** Peers caught with a wrong result. */
  readonly caught?: number
  /**
   * Results made, those of the submitter's own machine included, for each task; the first fifth of the tasks, in which
   * nobody has a record yet, is left out.
   */
  readonly workFactor?: number
}

export interface Spread {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

type Part = Pick<TaskAnswer, 'id' | 'state' | 'attempt' | 'accepted' | 'steps'>
type Ran = Pick<JobAnswer, 'createdMs' | 'finishedMs'> & { readonly parts: readonly Part[] }

/** What the submitter was told and what it believed, found out from its journal and by doing all the work again. */
export interface Answers {
  /** A task for each result a worker delivered, in the order they came. */
  readonly delivered: readonly string[]
  /** Accepted results compared with this process's own. */
  readonly judged: number
  readonly wrong: number
  /** Peers the submitter caught with a wrong result. */
  readonly caught: number
}

export interface TasksSeen {
  /** Each peer's own jobs. */
  readonly peers: readonly { readonly peerId: string; readonly jobs: readonly Ran[] }[]
  readonly deaths: readonly Death[]
  readonly answers?: Answers
}

const FAILED = new Set(['failed', 'expired', 'poisoned', 'cancelled'])
const WARM_UP = 0.2
/** A killed worker's tasks must be somebody else's by then. */
const RELEASED_MS = 15_000
const MAX_WRONG_SHARE = 0.001
const MAX_WORK_FACTOR = 1.3
/** A death is noticed within this, or the loss had another reason. */
const NOTICED_MS = 60_000
const ANSWERED = /^(result of|another opinion)/

export function taskFigures({ peers, deaths, answers }: TasksSeen): TaskFigures {
  const jobs = peers.flatMap(peer => peer.jobs)
  const parts = jobs.flatMap(job => job.parts)
  const count = (test: (part: Part) => boolean): number => parts.filter(test).length
  const releaseMs = spreadOf(parts.flatMap(part => releases(part, deaths)))
  const done = count(part => part.state === 'done')
  return {
    submitted: parts.length,
    done,
    failed: count(part => FAILED.has(part.state)),
    retried: count(part => part.attempt > 1),
    lost: count(part => part.state === 'queued' || part.state === 'leased'),
    acceptedTwice: count(part => part.accepted > 1),
    releaseMs,
    releaseMsMax: releaseMs.max,
    perSecond: rateOf(jobs, done),
    ...(answers === undefined ? {} : proofOf(answers, ownWork(peers))),
  }
}

function rateOf(jobs: readonly Ran[], done: number): number {
  const from = Math.min(...jobs.map(job => job.createdMs))
  const to = Math.max(...jobs.map(job => job.finishedMs ?? 0))
  return to > from ? Math.round((done * 10_000) / (to - from)) / 10 : 0
}

/** The submitter's own results stand in no message. */
function ownWork(peers: TasksSeen['peers']): string[] {
  return peers.flatMap(({ peerId, jobs }) => {
    const given = `given to ${peerText(peerId)}`
    return jobs.flatMap(job =>
      job.parts.flatMap(({ id, steps }) => steps.filter(({ text }) => text.includes(given)).map(() => id)),
    )
  })
}

function proofOf(
  { delivered, judged, wrong, caught }: Answers,
  own: readonly string[],
): Pick<TaskFigures, 'wrongAccepted' | 'judged' | 'caught' | 'workFactor'> {
  const times = new Map<string, number>()
  for (const id of [...delivered, ...own]) times.set(id, (times.get(id) ?? 0) + 1)
  const warm = [...times.values()].slice(Math.floor(times.size * WARM_UP))
  const made = warm.reduce((sum, n) => sum + n, 0)
  return { judged, wrongAccepted: wrong, caught, workFactor: warm.length === 0 ? 0 : round3(made / warm.length) }
}

/** Told by the task's own story: whom it was lost with, and when it was given out next. */
function releases({ steps }: Part, deaths: readonly Death[]): number[] {
  let sinceMs: number | undefined
  return steps.flatMap(({ atMs, text }) => {
    const [, lostWith] = /^(\S+) was lost/.exec(text) ?? []
    if (lostWith !== undefined) {
      const death = deaths.findLast(
        one => peerText(one.peerId) === lostWith && one.atMs <= atMs && atMs - one.atMs < NOTICED_MS,
      )
      sinceMs = death?.atMs ?? atMs
      return []
    }
    // A copy went on elsewhere: nothing had to be leased again.
    if (ANSWERED.test(text)) sinceMs = undefined
    if (sinceMs === undefined || !text.startsWith('given to')) return []
    const tookMs = atMs - sinceMs
    sinceMs = undefined
    return [tookMs]
  })
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 }
}

/** What a scenario set out to do. */
export interface Asked {
  /** Tasks submitted, as whoever submitted them counted. */
  readonly total: number
  readonly liars: boolean
  /** Workers to be killed while they hold tasks, and those who were. */
  readonly kills: number
  readonly killed: number
}

export function taskInvariants(tasks: TaskFigures, asked: Asked | undefined): Invariant[] {
  const none = (name: string, count: number, what: string): Invariant => ({
    name,
    holds: count === 0,
    detail: `${count} ${what}`,
  })
  const { releaseMs, submitted } = tasks
  const missing = Math.max(0, (asked?.total ?? submitted) - submitted)
  return [
    none('every task ended', tasks.lost + missing, 'tasks without an end'),
    none('no task failed', tasks.failed, 'tasks failed'),
    none('no result was accepted twice', tasks.acceptedTwice, 'tasks with two results'),
    {
      name: `what a lost worker had was leased again within ${RELEASED_MS / 1000} s`,
      holds: releaseMs.max <= RELEASED_MS,
      detail: `${releaseMs.count} leases, half within ${releaseMs.p50} ms, 99 % within ${releaseMs.p99} ms, all within ${releaseMs.max} ms`,
    },
    ...(asked === undefined || asked.kills === 0
      ? []
      : [
          {
            name: 'workers were killed while they held tasks',
            holds: asked.killed === asked.kills,
            detail: `${asked.killed} of ${asked.kills}`,
          },
        ]),
    ...proofInvariants(tasks, asked?.liars === true),
  ]
}

function proofInvariants(
  { wrongAccepted, judged, caught, workFactor, submitted }: TaskFigures,
  liars: boolean,
): Invariant[] {
  if (!liars) return []
  // What was not judged may be wrong.
  const wrong = (wrongAccepted ?? 0) + submitted - (judged ?? 0)
  return [
    {
      name: 'fewer than 0.1 % of the accepted results are wrong',
      holds: submitted > 0 && wrong < submitted * MAX_WRONG_SHARE,
      detail: `${wrongAccepted ?? 0} of ${judged ?? 0} that were done again; ${caught ?? 0} peers caught lying`,
    },
    {
      name: `finding out costs at most ${MAX_WORK_FACTOR} × the work`,
      holds: workFactor !== undefined && workFactor > 0 && workFactor <= MAX_WORK_FACTOR,
      detail: `${workFactor ?? 0} results a task, after the first fifth`,
    },
  ]
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000
}
