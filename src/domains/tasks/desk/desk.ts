import type { PeerId, TaskId } from '../../../kernel/ids.ts'
import { acknowledged, outcome } from '../../../kernel/outcome.ts'
import { createRateLimit } from '../../../kernel/rate.ts'
import { type Ack, type Assign, bidDraft, type Cancel, refuseDraft, type WorkOffer } from '../messages.ts'
import { areStated, statementIsGood, type WorkStatement } from '../proof/receipt.ts'
import { type Needs, type Reason, refuseTask, type TaskFact, type TasksOutcome, type Work } from '../task.ts'
import { sorted } from './assignment.ts'
import type { DeskDeps } from './deps.ts'
import { createRoom } from './room.ts'
import { lacks, unwilling } from './willingness.ts'

/** The worker's side: what lies on the desk. */
export interface Desk {
  offered(jobId: string, submitter: PeerId, offer: WorkOffer): TasksOutcome
  taken(jobId: string, submitter: PeerId, assign: Assign): TasksOutcome
  dropped(submitter: PeerId, cancel: Cancel): TasksOutcome
  /** The submitter signed for what it accepted. */
  acknowledged(jobId: string, submitter: PeerId, ack: Ack): TasksOutcome
  /** Hands everything of others back, for somebody else to do: the machine is needed. */
  giveBack(reason: string, retryAfterMs: number): TasksOutcome
  /** What such work needs that is not here. */
  lacks(needs: Needs): string | undefined
  /** A task took a thread this long. */
  took(kind: string, busyMs: number): void
}

/** How long a bid stands. */
const BID_MS = 60_000
/** Offers, assignments and signatures of one submitter in a second; what comes on top is turned away unread. */
const MAX_ASKS_A_SECOND = 200
const MAX_SUBMITTERS = 1_024

export function createDesk(deps: DeskDeps): Desk {
  const { self, store, now } = deps
  const floods = createFloods(now)
  const room = createRoom(deps)

  return {
    offered(jobId, submitter, offer) {
      const flood = floods(submitter)
      if (flood !== undefined) return nack(flood)
      const { free, open } = room.of(submitter)
      const why = unwilling(deps, offer) ?? (free === 0 ? room.busy(offer.kind, open) : undefined)
      if (why !== undefined) return outcome([], [refuseDraft(jobId, submitter, offer, { why })])
      const paceMs = room.paceMs(offer.kind)
      const bid = {
        kind: offer.kind,
        version: offer.version,
        up_to: free,
        until: now() + BID_MS,
        queue: open,
        price_class: deps.priceClass,
        ...(paceMs === undefined ? {} : { ms_per_task: paceMs / deps.threads }),
      }
      return outcome([], [bidDraft(jobId, submitter, bid)])
    },

    taken(jobId, submitter, assign) {
      const why = floods(submitter) ?? unwilling(deps, assign)
      if (why !== undefined) return nack(why)
      const { facts, turnedAway } = sorted(deps, room, { jobId, submitter, assign })
      const [first] = turnedAway
      if (first?.tasks.length === assign.tasks.length) return nack(first.why)
      const messages = turnedAway.map(group => refuseDraft(jobId, submitter, assign, group))
      return { facts, messages, answer: acknowledged }
    },

    dropped: (submitter, { tasks }) =>
      outcome(
        tasks.flatMap(({ task_id, lease_epoch }): TaskFact[] => {
          const work = store.work(task_id as TaskId)
          const meant = work?.submitter === submitter && work.leaseEpoch === lease_epoch
          return meant ? [{ kind: 'tasks.work.gone', taskId: work.taskId }] : []
        }),
      ),

    acknowledged(jobId, submitter, { hashes, signature }) {
      const flood = floods(submitter)
      if (flood !== undefined) return nack(flood)
      const parties = { role: 'submitter', jobId, worker: self, submitter, hashes, claims: [] } as const
      return thanked(deps, { ...parties, signature, atMs: now() })
    },

    giveBack: (reason, retryAfterMs) => {
      const works = store.openWork().filter(({ submitter }) => submitter !== self)
      return givenBack(works, { code: 'TASK_PAUSED', message: reason, retryAfterMs })
    },
    lacks: needs => lacks(deps, needs),
    took: room.took,
  }
}

/** A submitter that floods is turned away before anything of it is looked at. */
function createFloods(now: () => number): (submitter: PeerId) => Reason | undefined {
  const asks = createRateLimit<PeerId>({
    burst: MAX_ASKS_A_SECOND,
    perSecond: MAX_ASKS_A_SECOND,
    maxKeys: MAX_SUBMITTERS,
    now,
  })
  return submitter => {
    if (asks.take(submitter)) return undefined
    return { code: 'TASK_BUSY', message: 'too many requests; slow down', retryAfterMs: 5_000 }
  }
}

/** A submitter's signature is kept once, and only under what this peer has stated itself. */
function thanked({ store, verify }: Pick<DeskDeps, 'store' | 'verify'>, statement: WorkStatement): TasksOutcome {
  const kept = store.statements(statement.jobId)
  if (areStated(kept, statement, 'submitter')) return outcome()
  if (!areStated(kept, statement, 'worker') || !statementIsGood(statement, verify)) {
    return refuseTask('TASK_RESULT_WRONG', 'the signature does not stand under work of this peer')
  }
  return outcome([{ kind: 'tasks.statement', statement }])
}

function givenBack(works: readonly Work[], why: Reason): TasksOutcome {
  const groups = Map.groupBy(works, ({ submitter, jobId }) => `${submitter} ${jobId}`)
  const messages = [...groups.values()].map(group => {
    const [first] = group as [Work]
    return refuseDraft(first.jobId, first.submitter, first, { why, tasks: group })
  })
  return outcome(
    works.map(({ taskId }): TaskFact => ({ kind: 'tasks.work.gone', taskId })),
    messages,
  )
}

function nack({ code, message, retryAfterMs }: Reason): TasksOutcome {
  return refuseTask(code, message, retryAfterMs === undefined ? undefined : { retry_after_ms: retryAfterMs })
}
