import type { PeerId } from '../../../kernel/ids.ts'
import type { Json } from '../../../kernel/outcome.ts'
import { kindName, type QueueDeps } from '../queue/deps.ts'
import { type Leases, stateAfter } from '../queue/leases.ts'
import type { Sheet } from '../queue/sheet.ts'
import { short, withStep } from '../queue/steps.ts'
import type { Job, Lease, Opinion, Task } from '../task.ts'
import { afterRight, afterWrong, checkChance, isTrusted } from './reputation.ts'
import { groupsOf, judge, type Verdict, type Voice } from './verdict.ts'

/** Whose word makes a result count: one opinion, several that agree, or this machine's own. */
export interface Acceptance {
  /** A worker's result, of the right shape: it counts, or another opinion is wanted. */
  heard(sheet: Sheet, job: Job, held: { task: Task; lease: Lease }, claim: string | undefined): void
  /** A lone opinion of a peer that was new may do by now. True: it was accepted. */
  reconsider(sheet: Sheet, job: Job, task: Task): boolean
  /** A result was provably wrong: its maker starts over, and its pending work is redone. */
  caught(sheet: Sheet, job: Job, peer: PeerId): void
}

type Accepted = Exclude<Verdict, { doubt: unknown }>

export function createAcceptance(deps: QueueDeps, leases: Leases): Acceptance {
  const { store, now, self } = deps

  function voice(sheet: Sheet, job: Job, { worker, epoch }: Opinion): Voice {
    const reputation = sheet.reputation(worker, job)
    return {
      worker,
      epoch,
      own: worker === self,
      trusted: isTrusted(reputation, now()),
      checkChance: checkChance(reputation, now()),
    }
  }

  function verdictOn(sheet: Sheet, job: Job, task: Task): Verdict {
    const voices = task.opinions.map(opinion => voice(sheet, job, opinion))
    const [lone] = voices
    if (job.verify === 'none' && lone !== undefined) return { accept: lone, confirmed: false, right: [], wrong: [] }
    const answers = new Map<number, unknown>()
    const answer = ({ epoch }: Voice): unknown => {
      if (!answers.has(epoch)) answers.set(epoch, (JSON.parse(sheet.output(task.id, epoch) ?? '[]') as Json[])[0])
      return answers.get(epoch)
    }
    const kind = deps.kinds[job.kind]
    const groups = groupsOf(voices, (a, b) => kind?.agrees(answer(a), answer(b)) === true)
    const ownCannot = task.ownCannot === true || deps.ownLacks(job.needs) !== undefined
    return judge(groups, { random: deps.random(), ownCannot })
  }

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
      steps: withStep(task.steps, now(), `result of ${short(worker)} ${how}`),
    })
    for (const peer of verdict.right) sheet.keepReputation(afterRight(sheet.reputation(peer, job), now()))
    for (const peer of verdict.wrong) caught(sheet, job, peer)
  }

  /** Who was right gets a signature; answers that are not the accepted one are forgotten. */
  function thank(sheet: Sheet, job: Job, { id, opinions }: Task, { accept: { epoch }, right }: Accepted): void {
    for (const opinion of opinions) {
      if (opinion.epoch !== epoch) sheet.keep({ kind: 'task.output.gone', taskId: id, epoch: opinion.epoch })
      const good = opinion.epoch === epoch || right.includes(opinion.worker)
      if (good && opinion.claim !== undefined) sheet.acknowledge(job, opinion.worker, opinion.claim)
    }
  }

  function settle(sheet: Sheet, job: Job, task: Task): void {
    const verdict = verdictOn(sheet, job, task)
    if ('accept' in verdict) {
      accept(sheet, job, task, verdict)
      return
    }
    const { doubt } = verdict
    const text = `another opinion is wanted (${doubt.because})`
    // While a copy still runs, its result will be that opinion.
    const state = task.leases.length > 0 ? stateAfter(task, 'shed') : stateAfter(task, 'doubt')
    const attempt = Math.max(0, task.attempt - 1)
    sheet.keepTask({ ...task, state, attempt, doubt, steps: withStep(task.steps, now(), text) })
  }

  function caught(sheet: Sheet, job: Job, peer: PeerId): void {
    if (peer === self || job.verify === 'none') return
    const kind = kindName(job)
    sheet.keepReputation(afterWrong(sheet.reputation(peer, job), now()))
    for (const { id } of store.leasedTasks()) takeBack(sheet, id, peer, kind)
    const running = store.jobsInState('running').filter(one => one.verify !== 'none' && kindName(one) === kind)
    for (const { id } of running) redo(sheet, id, peer)
  }

  /** What this peer said of a job's tasks, whether it was kept before or in this very decision. */
  function redo(sheet: Sheet, jobId: string, peer: PeerId): void {
    const kept = [...store.doubtedTasks(jobId), ...store.unconfirmedTasks(jobId, peer)]
    const changed = sheet.changed().filter(task => task.jobId === jobId)
    for (const id of new Set([...kept, ...changed].map(task => task.id))) {
      forget(sheet, id, peer)
      withdraw(sheet, id, peer)
    }
  }

  function takeBack(sheet: Sheet, id: Task['id'], peer: PeerId, kind: string): void {
    const task = sheet.task(id)
    const lease = task?.leases.find(one => one.worker === peer)
    const job = task === undefined ? undefined : sheet.job(task.jobId)
    if (task === undefined || lease === undefined || job === undefined) return
    if (job.verify === 'none' || kindName(job) !== kind) return
    leases.end(sheet, { task, lease }, 'returned', 'it was caught with a wrong result')
    sheet.cancel(task.jobId, peer, { taskId: id, leaseEpoch: lease.epoch }, 'a result was wrong')
  }

  /** What a liar said of other tasks is not heard any more. */
  function forget(sheet: Sheet, id: Task['id'], peer: PeerId): void {
    const task = sheet.task(id)
    const said = task?.opinions.find(({ worker }) => worker === peer)
    if (task === undefined || said === undefined || task.state === 'done') return
    sheet.keep({ kind: 'task.output.gone', taskId: id, epoch: said.epoch })
    const opinions = task.opinions.filter(opinion => opinion !== said)
    const { doubt, ...rest } = task
    sheet.keepTask({ ...rest, opinions, ...(opinions.length === 0 || doubt === undefined ? {} : { doubt }) })
  }

  /** Accepted on trust alone, and not trusted any more. */
  function withdraw(sheet: Sheet, id: Task['id'], peer: PeerId): void {
    const task = sheet.task(id)
    if (task?.state !== 'done' || task.worker !== peer || task.acceptedEpoch === undefined || task.confirmed) return
    sheet.keep({ kind: 'task.output.gone', taskId: id, epoch: task.acceptedEpoch })
    const { acceptedEpoch: _, confirmed: __, worker: ___, ...rest } = task
    const why = `done again: ${short(peer)} was caught with a wrong result elsewhere`
    const again = { ...rest, state: stateAfter(task, 'withdraw'), accepted: 0, attempt: 0, notBeforeMs: 0 }
    sheet.keepTask({ ...again, reason: why, steps: withStep(task.steps, now(), why) })
  }

  return {
    heard(sheet, job, { task, lease }, claim) {
      const { worker, epoch } = lease
      const opinion: Opinion = { worker, epoch, ...(claim === undefined ? {} : { claim }) }
      const leasesLeft = task.leases.filter(one => one !== lease)
      settle(sheet, job, { ...task, leases: leasesLeft, opinions: [...task.opinions, opinion] })
    },
    reconsider(sheet, job, task) {
      const [lone, second] = task.opinions
      const wasNew = task.doubt?.because === 'new' && lone !== undefined && second === undefined
      if (!wasNew || !isTrusted(sheet.reputation(lone.worker, job), now())) return false
      const verdict = verdictOn(sheet, job, task)
      if ('accept' in verdict) accept(sheet, job, task, verdict)
      else sheet.keepTask({ ...task, doubt: verdict.doubt })
      return 'accept' in verdict
    },
    caught,
  }
}
