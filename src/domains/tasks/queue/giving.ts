import type { PeerId } from '../../../kernel/ids.ts'
import { shuffled } from '../../../kernel/random.ts'
import { offerDraft } from '../messages.ts'
import { type Candidate, place, type Worker } from '../placement.ts'
import type { Acceptance } from '../proof/acceptance.ts'
import { isTrusted, trustOf } from '../proof/reputation.ts'
import type { Job, Task } from '../task.ts'
import type { Bids } from './bids.ts'
import { kindName, type QueueDeps } from './deps.ts'
import type { Leases } from './leases.ts'
import type { Sheet } from './sheet.ts'
import { withStep } from './steps.ts'

/** Tasks given out in one go. */
const BATCH = 256
const LEFT_OVER = 8
/** Peers asked at a time: a few choices are nearly as good as all, and cost nobody a flood of offers. */
const ASKED_AT_ONCE = 4
/** What an unproven peer has at a time: its answers are all checked. */
const PROBATION = 4
/** The part of a desk that must be free before more is sent to it. */
const WORTH_A_MESSAGE = 0.25
const UNKNOWN_PACE_MS = 1_000
const UNKNOWN_LATENCY_MS = 50
const OWN_TRUST = 10
/** After this a job says that nobody takes its work. */
const LONELY_MS = 30_000

/** How many tasks each worker has of ours now. */
export type Load = Map<PeerId, number>

/** Asks workers what they would take, and gives it to them. */
export function createGiving(
  deps: QueueDeps,
  { leases, acceptance, bids }: { leases: Leases; acceptance: Acceptance; bids: Bids },
) {
  const { store, now, self } = deps

  /** Others that may have work of this job, whether they bid or not. */
  function eligible(sheet: Sheet, job: Job): Worker[] {
    const named = job.peers.length > 0 ? job.peers : deps.trustedPeers
    const { fingerprint } = job.needs
    return deps.workersFor(job.kind, job.version).filter(({ peer, models }) => {
      if (peer === self || (job.privacy === 'private' && !named.includes(peer))) return false
      if (fingerprint !== undefined && models !== undefined && !models.includes(fingerprint)) return false
      return job.verify === 'none' || sheet.reputation(peer, job).notBeforeMs <= now()
    })
  }

  function deskOf(sheet: Sheet, job: Job, { peer, latencyMs }: Worker, unchecked: Load): Desk | undefined {
    const kind = kindName(job)
    const bid = bids.standing(peer, kind)
    if (bid === undefined) return undefined
    const reputation = sheet.reputation(peer, job)
    const proven = job.verify === 'none' || isTrusted(reputation, now())
    return {
      peer,
      proven,
      queue: bid.queue,
      trust: trustOf(reputation, now()),
      upTo: proven ? bid.up_to : Math.min(bid.up_to, PROBATION - (unchecked.get(peer) ?? 0)),
      msPerTask: bids.paceMs(kind, peer) ?? bid.ms_per_task ?? UNKNOWN_PACE_MS,
      latencyMs: latencyMs ?? UNKNOWN_LATENCY_MS,
      priceClass: bid.price_class,
    }
  }

  function ownDesk(job: Job): Desk {
    const msPerTask = bids.paceMs(kindName(job), self) ?? UNKNOWN_PACE_MS
    const known = { proven: true, trust: OWN_TRUST, priceClass: 0, latencyMs: 0 }
    return { ...known, peer: self, upTo: deps.ownSlots, queue: 0, msPerTask }
  }

  /** This machine takes part when it works anyway, or when nobody else would. */
  function ownTakesPart(job: Job, others: readonly Worker[]): boolean {
    if (deps.ownLacks(job.needs) !== undefined) return false
    const works = deps.workersFor(job.kind, job.version).some(({ peer }) => peer === self)
    return works || others.every(({ peer }) => bids.refuses(peer, kindName(job)))
  }

  function give(sheet: Sheet, job: Job, tasks: readonly Task[], to: Room): number {
    const byId = new Map(tasks.map(task => [task.id, task]))
    const placed = place(tasks, candidatesNow(to))
    for (const { id, worker } of placed) {
      const task = byId.get(id)
      if (task === undefined) continue
      const ahead = to.load.get(worker) ?? 0
      to.load.set(worker, ahead + 1)
      leases.grant(sheet, job, task, { worker, ahead, step: task.state === 'leased' ? 'copy' : 'assign' })
    }
    return placed.length
  }

  /** How many tasks there is nobody to check. */
  function check(sheet: Sheet, job: Job, tasks: readonly Task[], { desks, load }: Room): number {
    let unchecked = 0
    for (const { id } of tasks) {
      const before = sheet.task(id)
      if (before === undefined || acceptance.reconsider(sheet, job, before)) continue
      const task = sheet.task(id) ?? before
      const able = referees(job, task, desks)
      if (able.length === 0) unchecked++
      give(sheet, job, [task], { desks: able, load })
    }
    return unchecked
  }

  /** Who gives a second opinion: a proven peer, or this machine; another stranger only when this machine cannot. */
  function referees(job: Job, { doubt, opinions, ...task }: Task, desks: readonly Desk[]): readonly Desk[] {
    const ownCannot = task.ownCannot === true || deps.ownLacks(job.needs) !== undefined
    const heard = new Set(opinions.map(({ worker }) => worker))
    const peers = desks.filter(({ peer, proven }) => peer !== self && !heard.has(peer) && (proven || ownCannot))
    if (ownCannot) return peers
    // A proven peer without room will have some in a moment.
    return doubt?.ask === 'peer' && peers.length > 0 ? peers : [ownDesk(job)]
  }

  function ask(sheet: Sheet, job: Job, others: readonly Worker[]): void {
    const kind = kindName(job)
    const askable = others.filter(({ peer }) => bids.mayBeAsked(peer, kind))
    // What an advert said may be over: who said it is closed is asked as well, after all others.
    const asked = shuffled(askable, deps.random).sort(mostAvailableFirst).slice(0, ASKED_AT_ONCE)
    const open = asked.length === 0 ? 0 : store.openTasks(job.id)
    for (const { peer } of asked) {
      bids.asked(peer, kind)
      sheet.send(offerDraft(job, open, peer))
    }
  }

  function haveAllAnswered(job: Job, others: readonly Worker[]): boolean {
    const kind = kindName(job)
    return others.every(({ peer }) => bids.refuses(peer, kind) || bids.standing(peer, kind) !== undefined)
  }

  /** Says once that nobody takes the work, or that nobody checks it. */
  function complain(
    sheet: Sheet,
    job: Job,
    { missing, others }: { missing: 'workers' | 'referees'; others: readonly Worker[] },
  ): void {
    const early = now() - job.createdMs < LONELY_MS || !haveAllAnswered(job, others)
    if (job.reason !== undefined || early) return
    const lacking = deps.ownLacks(job.needs)
    const own = lacking === undefined ? '' : `, nor can this machine: ${lacking}`
    const reason =
      missing === 'workers'
        ? `nobody who may have it takes ${kindName(job)} with what it needs${own}; the job waits`
        : `there is nobody to check what one peer answered${own}; the job waits for a second able peer, or needs --verify none`
    sheet.keepJob({ ...job, reason, steps: withStep(job.steps, now(), reason) })
  }

  /** Bids still to come may be better than those there are; when all will be used, there is nothing to choose. */
  function isWorthWaiting(job: Job, others: readonly Worker[], tasks: number, room: Room): boolean {
    const rooms = candidatesNow(room).reduce((sum, one) => sum + Math.max(0, one.room), 0)
    return rooms >= tasks && others.some(({ peer }) => bids.isAwaited(peer, kindName(job)))
  }

  /** No more is read than can be given, and a little to see that something is left. */
  function batchFor(job: Job, others: readonly Worker[], load: Load): number {
    const rooms = others.map(({ peer }) => (bids.standing(peer, kindName(job))?.up_to ?? 0) - (load.get(peer) ?? 0))
    return Math.min(BATCH, LEFT_OVER + deps.ownSlots + rooms.reduce((sum, room) => sum + Math.max(0, room), 0))
  }

  function giveFresh(
    sheet: Sheet,
    job: Job,
    { others, fresh }: { others: Worker[]; fresh: Task[] },
    room: Room,
  ): number {
    const able = fresh.filter(task => task.ownCannot !== true)
    return isWorthWaiting(job, others, able.length, room) ? 0 : give(sheet, job, able, room)
  }

  function desksFor(sheet: Sheet, job: Job, others: readonly Worker[], unchecked: Load): Desk[] {
    const known = others.flatMap(worker => deskOf(sheet, job, worker, unchecked) ?? [])
    return ownTakesPart(job, others) ? [...known, ownDesk(job)] : known
  }

  return {
    /** Gives out what waits of one job; the desks that have room when everything is out. */
    round(sheet: Sheet, job: Job, load: Load): readonly Desk[] {
      const others = eligible(sheet, job)
      const waiting = store.nextTasks(job.id, now(), batchFor(job, others, load))
      const [last, rest] = parted(waiting, task => task.ownTurn === true)
      const [doubted, fresh] = parted(rest, task => task.opinions.length > 0)
      const desks = desksFor(sheet, job, others, uncheckedOf(doubted))
      give(sheet, job, last, { desks: [ownDesk(job)], load })
      const unchecked = check(sheet, job, doubted, { desks, load })
      const given = giveFresh(sheet, job, { others, fresh }, { desks, load })
      if (given < fresh.length || unchecked > 0) ask(sheet, job, others)
      const missing = desks.length === 0 ? 'workers' : 'referees'
      const waits = missing === 'workers' ? rest.length : unchecked
      if (waits > 0) complain(sheet, job, { missing, others })
      return given < fresh.length ? [] : desks
    },
    give,
  }
}

export type Giving = ReturnType<typeof createGiving>

/** A worker whose bid stands: what it takes in all, and what it has of others. */
export interface Desk extends Omit<Candidate, 'room'> {
  readonly upTo: number
  readonly proven: boolean
}

interface Room {
  readonly desks: readonly Desk[]
  readonly load: Load
}

const AVAILABLE = { open: 0, limited: 1, closed: 2 } as const

function mostAvailableFirst(a: Worker, b: Worker): number {
  return AVAILABLE[a.availability ?? 'open'] - AVAILABLE[b.availability ?? 'open']
}

function candidatesNow({ desks, load }: Room): Candidate[] {
  return desks.map(desk => {
    const has = load.get(desk.peer) ?? 0
    const room = desk.upTo - has
    // A desk that is nearly full is filled up later, with many at a time: each message costs a signature and a commit.
    return { ...desk, room: room < desk.upTo * WORTH_A_MESSAGE ? 0 : room, queue: desk.queue + has }
  })
}

/** How many results of each peer wait for a second opinion. */
function uncheckedOf(doubted: readonly Task[]): Load {
  const unchecked: Load = new Map()
  for (const { opinions } of doubted) for (const { worker } of opinions) count(unchecked, worker)
  return unchecked
}

function count(load: Load, peer: PeerId): void {
  load.set(peer, (load.get(peer) ?? 0) + 1)
}

function parted<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const [yes, no]: [T[], T[]] = [[], []]
  for (const item of items) (test(item) ? yes : no).push(item)
  return [yes, no]
}
