import type { PeerId } from '../../../kernel/ids.ts'
import type { Candidate, Worker } from '../placement.ts'
import { isTrusted, trustOf } from '../proof/reputation.ts'
import type { Job } from '../task.ts'
import type { Bids } from './bids.ts'
import { kindName, type QueueDeps } from './deps.ts'
import type { Sheet } from './sheet.ts'

/** What an unproven peer has at a time: its answers are all checked. */
const PROBATION = 4
/** The part of a desk that must be free before more is sent to it. */
const WORTH_A_MESSAGE = 0.25
const UNKNOWN_PACE_MS = 1_000
const UNKNOWN_LATENCY_MS = 50
const OWN_TRUST = 10

/** How many tasks each worker has of ours now. */
export type Load = Map<PeerId, number>

/** A worker whose bid stands: what it takes in all, and what it has of others. */
export interface Desk extends Omit<Candidate, 'room'> {
  readonly upTo: number
  readonly proven: boolean
}

/** Desks, and what lies on them. */
export interface DeskSpace {
  readonly desks: readonly Desk[]
  readonly load: Load
}

/** Where work of a job may lie: with others, and here. */
export interface Desks {
  /** Others that may have work of this job, whether they bid or not. */
  eligible(sheet: Sheet, job: Job): Worker[]
  /** Those that may be given some now. @param unchecked results of each peer that wait for a second opinion */
  desksFor(sheet: Sheet, job: Job, others: readonly Worker[], unchecked: Load): Desk[]
  ownDesk(job: Job): Desk
}

export function createDesks(deps: QueueDeps, bids: Bids): Desks {
  const { now, self } = deps

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
    const all = deps.workersFor(job.kind, job.version)
    // Nobody at all, not even this machine: it has just started, and whom it knows comes back soon.
    if (all.length === 0) return false
    return all.some(({ peer }) => peer === self) || others.every(({ peer }) => bids.refuses(peer, kindName(job)))
  }

  function desksFor(sheet: Sheet, job: Job, others: readonly Worker[], unchecked: Load): Desk[] {
    const known = others.flatMap(worker => deskOf(sheet, job, worker, unchecked) ?? [])
    return ownTakesPart(job, others) ? [...known, ownDesk(job)] : known
  }

  return { eligible, desksFor, ownDesk }
}

export function candidatesNow({ desks, load }: DeskSpace): Candidate[] {
  return desks.map(desk => {
    const has = load.get(desk.peer) ?? 0
    const room = desk.upTo - has
    // A desk that is nearly full is filled up later, with many at a time: each message costs a signature and a commit.
    return { ...desk, room: room < desk.upTo * WORTH_A_MESSAGE ? 0 : room, queue: desk.queue + has }
  })
}
