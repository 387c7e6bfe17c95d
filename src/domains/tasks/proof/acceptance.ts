import { peerText } from '../../../kernel/ids.ts'
import type { QueueDeps } from '../queue/deps.ts'
import type { Leases } from '../queue/leases.ts'
import type { Sheet } from '../queue/sheet.ts'
import { withStep } from '../queue/steps.ts'
import { stateAfter } from '../states.ts'
import type { Doubt, Job, Lease, Opinion, Task } from '../task.ts'
import type { Judgement } from './judgement.ts'
import { type Caught, createCaught } from './lies.ts'
import { verdictOn } from './opinions.ts'
import { afterRight, isTrusted } from './reputation.ts'

/** Whose word makes a result count: one opinion, several that agree, or this machine's own. */
export interface Acceptance {
  /** A worker's result, of the right shape: it counts, or another opinion is wanted. */
  heard(sheet: Sheet, job: Job, held: { task: Task; lease: Lease }, claim: string | undefined): void
  /** A lone opinion of a peer that was new may do by now. True: it was accepted. */
  reconsider(sheet: Sheet, job: Job, task: Task): boolean
  readonly caught: Caught
}

type Accepted = Exclude<Judgement, { doubt: unknown }>

export function createAcceptance(deps: QueueDeps, leases: Leases): Acceptance {
  const { now } = deps
  const caught = createCaught(deps, leases)

  function accept(sheet: Sheet, job: Job, task: Task, verdict: Accepted): void {
    const { worker, epoch } = verdict.accept
    leases.revoke(sheet, task, 'somebody else was first')
    thank(sheet, job, task, verdict)
    const { doubt: _, reason: __, ...rest } = task
    const how = verdict.confirmed ? 'confirmed' : 'accepted'
    sheet.keepTask({
      ...rest,
      state: stateAfter(task, 'accept'),
      leases: [],
      opinions: [],
      worker,
      accepted: task.accepted + 1,
      acceptedEpoch: epoch,
      confirmed: verdict.confirmed,
      steps: withStep(task.steps, now(), `result of ${peerText(worker)} ${how}`),
    })
    for (const peer of verdict.right) sheet.keepReputation(afterRight(sheet.reputation(peer, job), now()))
    for (const peer of verdict.wrong) caught(sheet, job, peer)
  }

  return {
    heard(sheet, job, { task, lease }, claim) {
      const { worker, epoch } = lease
      const opinion: Opinion = { worker, epoch, ...(claim === undefined ? {} : { claim }) }
      const leasesLeft = task.leases.filter(one => one !== lease)
      const opined = { ...task, leases: leasesLeft, opinions: [...task.opinions, opinion] }
      const verdict = verdictOn(deps, sheet, job, opined)
      if ('accept' in verdict) accept(sheet, job, opined, verdict)
      else sheet.keepTask(doubted(opined, verdict.doubt, now()))
    },
    reconsider(sheet, job, task) {
      const [lone, second] = task.opinions
      const wasNew = task.doubt?.because === 'new' && lone !== undefined && second === undefined
      if (!wasNew || !isTrusted(sheet.reputation(lone.worker, job), now())) return false
      const verdict = verdictOn(deps, sheet, job, task)
      if ('accept' in verdict) accept(sheet, job, task, verdict)
      else sheet.keepTask({ ...task, doubt: verdict.doubt })
      return 'accept' in verdict
    },
    caught,
  }
}

/** Who was right gets a signature; answers that are not the accepted one are forgotten. */
function thank(sheet: Sheet, job: Job, { id, opinions }: Task, { accept: { epoch }, right }: Accepted): void {
  for (const opinion of opinions) {
    if (opinion.epoch !== epoch) sheet.keep({ kind: 'tasks.output.gone', taskId: id, epoch: opinion.epoch })
    const good = opinion.epoch === epoch || right.includes(opinion.worker)
    if (good && opinion.claim !== undefined) sheet.acknowledge(job, opinion.worker, opinion.claim)
  }
}

/** Given out again, to somebody who has said nothing of it. */
function doubted(task: Task, doubt: Doubt, nowMs: number): Task {
  const text = `another opinion is wanted (${doubt.because})`
  // While a copy still runs, its result will be that opinion.
  const state = task.leases.length > 0 ? stateAfter(task, 'shed') : stateAfter(task, 'doubt')
  const attempt = Math.max(0, task.attempt - 1)
  return { ...task, state, attempt, doubt, steps: withStep(task.steps, nowMs, text) }
}
