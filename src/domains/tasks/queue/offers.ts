import { shuffled } from '../../../kernel/random.ts'
import { offerDraft } from '../messages.ts'
import type { Worker } from '../placement.ts'
import type { Job } from '../task.ts'
import type { Bids } from './bids.ts'
import { kindName, type QueueDeps } from './deps.ts'
import type { Sheet } from './sheet.ts'
import { withStep } from './steps.ts'

/** Peers asked at a time: a few choices are nearly as good as all, and cost nobody a flood of offers. */
const ASKED_AT_ONCE = 4
/** After this a job says that nobody takes its work. */
const LONELY_MS = 30_000

/** Work offered to others, and what is said when none of them wants it. */
export interface Offers {
  /** Asks some of them what they would take. */
  ask(sheet: Sheet, job: Job, others: readonly Worker[]): void
  /** Says once that nobody takes the work, or that nobody checks it. */
  complain(
    sheet: Sheet,
    job: Job,
    about: { readonly missing: 'workers' | 'referees'; readonly others: readonly Worker[] },
  ): void
}

export function createOffers(deps: QueueDeps, bids: Bids): Offers {
  const { store, now } = deps

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

  function complain(sheet: Sheet, job: Job, { missing, others }: Parameters<Offers['complain']>[2]): void {
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

  return { ask, complain }
}

const AVAILABLE = { open: 0, limited: 1, closed: 2 } as const

function mostAvailableFirst(a: Worker, b: Worker): number {
  return AVAILABLE[a.availability ?? 'open'] - AVAILABLE[b.availability ?? 'open']
}
