import { LRUCache } from 'lru-cache'
import type { PeerId, TaskId } from '../../kernel/ids.ts'
import { acknowledged, type Json, type JsonObject, outcome } from '../../kernel/outcome.ts'
import { canonical } from '../../protocol/canonical.ts'
import type { KindTable } from './kinds/kind.ts'
import { type Ack, type Assign, bidDraft, type Cancel, type LeaseRef, type Offer, refuseDraft } from './messages.ts'
import { areStated, hashOfText, type Statement, statementIsGood, type Verify } from './proof/receipt.ts'
import { type Needs, type Reason, refuseTask, type TaskFact, type TasksOutcome, type Work } from './task.ts'

export interface DeskDeps {
  readonly self: PeerId
  readonly kinds: KindTable
  readonly store: {
    work(taskId: TaskId): Work | undefined
    /** Of this peer's own jobs. */
    task(taskId: TaskId): object | undefined
    openWork(): Work[]
    /** What a job's worker stated, newest last. */
    statements(jobId: string): Statement[]
  }
  /** Tasks taken at a time; 0: this peer does not work for others. */
  readonly slots: number
  readonly threads: number
  /** Memory that a worker thread may use. */
  readonly memoryMb: number
  /** Words of what computes here: `onnxruntime-node`, … */
  engines(): readonly string[]
  /** From 0, free, to 9. */
  readonly priceClass: number
  readonly verify: Verify
  now(): number
  /** Fingerprints of the models here; undefined: not known before one was opened. */
  models(): readonly string[] | undefined
  /** Begins to find out which model is here, where this kind takes one. False: it could not be opened a while ago. */
  learnModel(kind: string): boolean
  /** Why this machine does not work for others just now; undefined: it does. */
  paused(): Reason | undefined
}

/** Tasks of an assignment that are not taken, for one reason. */
interface TurnedAway {
  readonly why: Reason
  readonly tasks: LeaseRef[]
}

/** The worker's side: what lies on the desk. */
export interface Desk {
  offered(jobId: string, submitter: PeerId, offer: Offer): TasksOutcome
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
const MIN_RETRY_MS = 1_000
const MAX_RETRY_MS = 60_000
/** Offers, assignments and signatures of one submitter in a second; what comes on top is turned away unread. */
const MAX_ASKS_A_SECOND = 200
const MAX_SUBMITTERS = 1_024
const NEWEST = 0.2

export function createDesk(deps: DeskDeps): Desk {
  const { self, kinds, store, slots, now } = deps
  const asks = new LRUCache<PeerId, { second: number; count: number }>({ max: MAX_SUBMITTERS })
  const paces = new Map<string, number>()

  /** A submitter that floods is turned away before anything of it is looked at. */
  function floods(submitter: PeerId): Reason | undefined {
    const second = Math.floor(now() / 1000)
    const before = asks.get(submitter)
    const count = before?.second === second ? before.count + 1 : 1
    asks.set(submitter, { second, count })
    if (count <= MAX_ASKS_A_SECOND) return undefined
    return { code: 'TASK_BUSY', message: 'too many requests; slow down', retryAfterMs: 5_000 }
  }

  function unwilling({ kind, version, needs }: Pick<Offer, 'kind' | 'version' | 'needs'>): Reason | undefined {
    if (slots === 0) return { code: 'TASK_NOT_OFFERED', message: 'this peer does not work for others' }
    if (!Object.hasOwn(kinds, kind) || kinds[kind]?.version !== version) {
      return { code: 'TASK_KIND_UNKNOWN', message: `${kind}@${version} is not worked on here` }
    }
    const { memory_mb: memoryMb, ...rest } = needs
    const lacking = lacks({ memoryMb, ...rest } as Needs)
    if (lacking !== undefined) return { code: 'TASK_NEEDS_UNMET', message: lacking }
    // Not before: who asks for what can be done here waits for it from now on, and may force a start.
    const pause = deps.paused()
    if (pause !== undefined) return pause
    return needs.fingerprint === undefined || deps.models() !== undefined ? undefined : modelUnknown(kind)
  }

  /** Bidding first and failing then would look like a worker that is broken. */
  function modelUnknown(kind: string): Reason {
    const message = 'which model is here is being found out'
    if (deps.learnModel(kind)) return { code: 'TASK_BUSY', message, retryAfterMs: MIN_RETRY_MS }
    // Why not is the owner's affair: the reason names paths and addresses of this machine.
    return { code: 'TASK_NEEDS_UNMET', message: 'the model of this peer cannot be opened' }
  }

  function lacks({ memoryMb, fingerprint, engine }: Needs): string | undefined {
    if (memoryMb > deps.memoryMb) return `it needs ${memoryMb} MB, a worker here has ${deps.memoryMb} MB`
    if (engine !== undefined && !deps.engines().includes(engine)) return `there is no ${engine} here`
    const models = deps.models()
    const missing = fingerprint !== undefined && models !== undefined && !models.includes(fingerprint)
    return missing ? 'this peer has another model' : undefined
  }

  /** Each submitter gets its part of the desk: who asks most does not get most. */
  function shareOf(submitter: PeerId, open: readonly Work[]): { free: number; open: number } {
    const others = new Set(open.map(work => work.submitter).filter(peer => peer !== submitter && peer !== self))
    const has = open.filter(work => work.submitter === submitter).length
    const share = Math.max(1, Math.floor(slots / (others.size + 1)))
    return { free: Math.max(0, Math.min(share - has, slots - open.length)), open: open.length }
  }

  function busy(kind: string, open: number): Reason {
    const waitMs = (open * (paces.get(kind) ?? MIN_RETRY_MS)) / deps.threads
    const retryAfterMs = Math.round(Math.min(MAX_RETRY_MS, Math.max(MIN_RETRY_MS, waitMs)))
    return { code: 'TASK_BUSY', message: `${open} tasks lie on the desk`, retryAfterMs }
  }

  function unfit({ kind: name, params }: Assign, one: Assign['tasks'][number], submitter: PeerId): Reason | undefined {
    const kind = kinds[name]
    const fits = kind?.input.safeParse(one.input).success === true && kind.params.safeParse(params).success
    if (!fits) return { code: 'TASK_BAD_INPUT', message: `not an input of ${name}` }
    const before = store.work(one.task_id as TaskId)
    // Under the name of one of our own tasks, a stranger's input would be mistaken for ours.
    const free = store.task(one.task_id as TaskId) === undefined
    if (free && (before === undefined || before.submitter === submitter)) return undefined
    return { code: 'TASK_UNKNOWN', message: 'this task is of somebody else' }
  }

  function take(jobId: string, submitter: PeerId, assign: Assign, one: Assign['tasks'][number]): TaskFact {
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
      acceptedMs: now(),
      inputBytes: Buffer.byteLength(input),
      inputHash: hashOfText(input),
    }
    return { kind: 'work', work, input }
  }

  /** What of an assignment is taken, and what not, by reason. */
  function sorted(jobId: string, submitter: PeerId, assign: Assign): { facts: TaskFact[]; turnedAway: TurnedAway[] } {
    let { free, open } = shareOf(submitter, store.openWork())
    const facts: TaskFact[] = []
    const turnedAway = new Map<string, TurnedAway>()
    for (const one of assign.tasks) {
      // A newer lease of what lies here already takes no more room.
      const fresh = store.work(one.task_id as TaskId) === undefined ? 1 : 0
      const why = unfit(assign, one, submitter) ?? (free < fresh ? busy(assign.kind, open) : undefined)
      if (why !== undefined) {
        turnAway(turnedAway, why, one)
        continue
      }
      facts.push(take(jobId, submitter, assign, one))
      free -= fresh
      open += fresh
    }
    return { facts, turnedAway: [...turnedAway.values()] }
  }

  return {
    offered(jobId, submitter, offer) {
      const flood = floods(submitter)
      if (flood !== undefined) return nack(flood)
      const { free, open } = shareOf(submitter, store.openWork())
      const why = unwilling(offer) ?? (free === 0 ? busy(offer.kind, open) : undefined)
      if (why !== undefined) return outcome([], [refuseDraft(jobId, submitter, offer, { why })])
      const paceMs = paces.get(offer.kind)
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
      const why = floods(submitter) ?? unwilling(assign)
      if (why !== undefined) return nack(why)
      const { facts, turnedAway } = sorted(jobId, submitter, assign)
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
          return meant ? [{ kind: 'work.gone', taskId: work.taskId }] : []
        }),
      ),

    acknowledged(jobId, submitter, { hashes, signature }) {
      const flood = floods(submitter)
      if (flood !== undefined) return nack(flood)
      const parties = { role: 'submitter', jobId, worker: self, submitter, hashes, claims: [] } as const
      const statement: Statement = { ...parties, signature, atMs: now() }
      const kept = store.statements(jobId)
      if (areStated(kept, statement, 'submitter')) return outcome()
      if (!areStated(kept, statement, 'worker') || !statementIsGood(statement, deps.verify)) {
        return refuseTask('TASK_RESULT_WRONG', 'the signature does not stand under work of this peer')
      }
      return outcome([{ kind: 'work.statement', statement }])
    },

    giveBack(reason, retryAfterMs) {
      const works = store.openWork().filter(({ submitter }) => submitter !== self)
      const groups = Map.groupBy(works, ({ submitter, jobId }) => `${submitter} ${jobId}`)
      const messages = [...groups.values()].map(group => {
        const [first] = group as [Work]
        const why: Reason = { code: 'TASK_PAUSED', message: reason, retryAfterMs }
        return refuseDraft(first.jobId, first.submitter, first, { why, tasks: group })
      })
      return outcome(
        works.map(({ taskId }): TaskFact => ({ kind: 'work.gone', taskId })),
        messages,
      )
    },

    lacks,

    took(kind, busyMs) {
      const before = paces.get(kind)
      paces.set(kind, before === undefined ? busyMs : before + NEWEST * (busyMs - before))
    },
  }
}

function turnAway(groups: Map<string, TurnedAway>, why: Reason, one: Assign['tasks'][number]): void {
  const group = groups.get(why.code) ?? { why, tasks: [] }
  group.tasks.push({ taskId: one.task_id as TaskId, leaseEpoch: one.lease_epoch })
  groups.set(why.code, group)
}

function nack({ code, message, retryAfterMs }: Reason): TasksOutcome {
  return refuseTask(code, message, retryAfterMs === undefined ? undefined : { retry_after_ms: retryAfterMs })
}
