import type { PeerId } from '../../kernel/ids.ts'
import type { Task } from './task.ts'

/** A peer that says it works on a kind. */
export interface Worker {
  readonly peer: PeerId
  /** Tasks it takes at a time. */
  readonly slots: number
  /** Round trip, where it was measured. */
  readonly latencyMs?: number
  /** Fingerprints of the models it has; absent: it does not say. */
  readonly models?: readonly string[]
  /** How much it takes on, as it said some minutes ago at most; absent: it does not say. */
  readonly availability?: 'open' | 'limited' | 'closed'
}

/** However many tasks a peer says it takes at a time. */
const MAX_SLOTS = 32

/** A connected peer that advertises a kind of work. */
export interface WorkingPeer {
  readonly peer: PeerId
  readonly slots: number
  readonly models?: readonly string[]
  readonly availability?: Worker['availability']
  readonly latencyMs: number | undefined
}

export function asWorker({ peer, slots, models = [], availability, latencyMs }: WorkingPeer): Worker {
  return {
    peer,
    slots: Math.min(slots, MAX_SLOTS),
    ...(availability === undefined ? {} : { availability }),
    ...(models.length === 0 ? {} : { models }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
  }
}

/** A worker that may be given work now, and what is known of it. */
export interface Candidate {
  readonly peer: PeerId
  /** Tasks it may be given beyond what it has. */
  readonly room: number
  /** Tasks on its desk: ours, and what it said of others'. */
  readonly queue: number
  /** What one takes there. */
  readonly msPerTask: number
  readonly latencyMs: number
  /** From 0, free, to 9, dearest. */
  readonly priceClass: number
  /** Results in a row that were right. */
  readonly trust: number
}

/** A stranger's promise is worth half of a proven peer's; a whole class dearer is worth waiting a tenth longer. */
const UNPROVEN = 2
const PRICE_WEIGHT = 0.1
const PROVEN_AFTER = 10

/** When one more task would be done there, in milliseconds made longer by doubt and by price: least is best. */
function cost({ msPerTask, latencyMs, priceClass, trust }: Candidate, queue: number): number {
  const doubt = 1 + (UNPROVEN - 1) * (1 - Math.min(trust, PROVEN_AFTER) / PROVEN_AFTER)
  return ((queue + 1) * msPerTask + latencyMs) * doubt * (1 + PRICE_WEIGHT * priceClass)
}

/**
 * Gives waiting tasks to workers with room: who has not tried a task before comes first, then who would have it done
 * first. Each task given makes the next elsewhere likelier, so work spreads. What finds no room waits.
 */
export function place(
  waiting: readonly Pick<Task, 'id' | 'tried' | 'opinions'>[],
  candidates: readonly Candidate[],
): { id: Task['id']; worker: PeerId }[] {
  const desks = candidates.map((candidate): Place => ({ candidate, given: 0 }))
  return waiting.flatMap(task => {
    const best = bestFor(task, desks)
    if (best === undefined) return []
    best.given++
    return [{ id: task.id, worker: best.candidate.peer }]
  })
}

interface Place {
  readonly candidate: Candidate
  given: number
}

/** Later than anybody who has not tried it. */
const TRIED_BEFORE = 1e15

function bestFor({ tried, opinions }: Pick<Task, 'tried' | 'opinions'>, desks: readonly Place[]): Place | undefined {
  let best: Place | undefined
  let least = Number.POSITIVE_INFINITY
  for (const desk of desks) {
    const { peer, room, queue } = desk.candidate
    // A second opinion of the same peer is no second opinion.
    const out = desk.given >= room || opinions.some(({ worker }) => worker === peer)
    const order = out
      ? Number.POSITIVE_INFINITY
      : cost(desk.candidate, queue + desk.given) + (tried.includes(peer) ? TRIED_BEFORE : 0)
    if (order < least) [best, least] = [desk, order]
  }
  return best
}
