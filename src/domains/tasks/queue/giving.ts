import type { PeerId } from '../../../kernel/ids.ts'
import { place, type Worker } from '../placement.ts'
import type { Acceptance } from '../proof/acceptance.ts'
import type { Job, Task } from '../task.ts'
import type { Bids } from './bids.ts'
import { createCheck, type Give } from './checks.ts'
import { kindName, type QueueDeps } from './deps.ts'
import { candidatesNow, createDesks, type Desk, type DeskSpace, type Load } from './desks.ts'
import type { Leases } from './leases.ts'
import { createOffers } from './offers.ts'
import type { Sheet } from './sheet.ts'

/** Tasks given out in one go. */
const BATCH = 256
const LEFT_OVER = 8

/** Asks workers what they would take, and gives it to them. */
export function createGiving(
  deps: QueueDeps,
  { leases, acceptance, bids }: { leases: Leases; acceptance: Acceptance; bids: Bids },
) {
  const { store, now } = deps
  const { eligible, desksFor, ownDesk } = createDesks(deps, bids)
  const { ask, complain } = createOffers(deps, bids)
  const give = createGive(leases)
  const check = createCheck(deps, { acceptance, ownDesk, give })

  /** No more is read than can be given, and a little to see that something is left. */
  function batchFor(job: Job, others: readonly Worker[], load: Load): number {
    const rooms = others.map(({ peer }) => (bids.standing(peer, kindName(job))?.up_to ?? 0) - (load.get(peer) ?? 0))
    return Math.min(BATCH, LEFT_OVER + deps.ownSlots + rooms.reduce((sum, room) => sum + Math.max(0, room), 0))
  }

  /** Bids still to come may be better than those there are; when all will be used, there is nothing to choose. */
  function isWorthWaiting(job: Job, others: readonly Worker[], tasks: number, room: DeskSpace): boolean {
    const rooms = candidatesNow(room).reduce((sum, one) => sum + Math.max(0, one.room), 0)
    return rooms >= tasks && others.some(({ peer }) => bids.isAwaited(peer, kindName(job)))
  }

  function giveFresh(
    sheet: Sheet,
    job: Job,
    { others, fresh }: { others: Worker[]; fresh: Task[] },
    room: DeskSpace,
  ): number {
    const able = fresh.filter(task => task.ownCannot !== true)
    return isWorthWaiting(job, others, able.length, room) ? 0 : give(sheet, job, able, room)
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

/** Each task to the worker that would have it done first. */
function createGive(leases: Leases): Give {
  return (sheet, job, tasks, to) => {
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
