import type { PeerId, TaskId } from '../../../kernel/ids.ts'
import { type Answer, acknowledged } from '../../../kernel/outcome.ts'
import { newcomer, type Reputation, reputationKey } from '../proof/reputation.ts'
import type { Job, Task, TaskFact, TasksOutcome } from '../task.ts'
import { kindName, type QueueDeps } from './deps.ts'
import { type Mail, openMail } from './mail.ts'

/**
 * What one decision changes, written down before it is kept. A message may be about many tasks of one worker, so what is
 * read is what this decision has made of it; each thing is kept once.
 */
export interface Sheet extends Omit<Mail, 'close'> {
  task(id: TaskId): Task | undefined
  /** Tasks as this decision has made them. */
  changed(): Task[]
  job(id: string): Job | undefined
  output(taskId: TaskId, epoch: number): string | undefined
  reputation(peer: PeerId, job: Job): Reputation
  keepTask(task: Task): void
  keepJob(job: Job): void
  keepOutput(task: Task, epoch: number, text: string): void
  keepReputation(reputation: Reputation): void
  keep(fact: TaskFact): void
  outcome(answer?: Answer): TasksOutcome
}

export function openSheet(deps: QueueDeps): Sheet {
  const { store } = deps
  const tasks = new Map<string, Task>()
  const jobs = new Map<string, Job>()
  const reputations = new Map<string, Reputation>()
  const outputs = new Map<string, string>()
  const facts: TaskFact[] = []
  const mail = openMail(deps)

  return {
    task: id => tasks.get(id) ?? store.task(id),
    changed: () => [...tasks.values()],
    job: id => jobs.get(id) ?? store.job(id),
    output: (taskId, epoch) => outputs.get(`${taskId}/${epoch}`) ?? store.output(taskId, epoch),
    reputation(peer, job) {
      const fresh = newcomer(peer, kindName(job), job.needs.fingerprint ?? '')
      const key = reputationKey(fresh)
      return reputations.get(key) ?? store.reputation(key) ?? fresh
    },
    keepTask: task => void tasks.set(task.id, task),
    keepJob: job => void jobs.set(job.id, job),
    keepOutput({ id: taskId, jobId }, epoch, text) {
      outputs.set(`${taskId}/${epoch}`, text)
      facts.push({ kind: 'tasks.output', taskId, jobId, epoch, text })
    },
    keepReputation: reputation => void reputations.set(reputationKey(reputation), reputation),
    keep: fact => void facts.push(fact),
    send: mail.send,
    assign: mail.assign,
    cancel(jobId, worker, ref, reason) {
      // Own work is not told: the runner looks at the desk.
      if (worker === deps.self) facts.push({ kind: 'tasks.work.gone', taskId: ref.taskId })
      else mail.cancel(jobId, worker, ref, reason)
    },
    acknowledge: mail.acknowledge,
    outcome(answer = acknowledged) {
      const { messages, statements } = mail.close()
      return {
        facts: [
          ...[...jobs.values()].map((job): TaskFact => ({ kind: 'tasks.job', job })),
          ...[...tasks.values()].map((task): TaskFact => ({ kind: 'tasks.task', task })),
          ...[...reputations.values()].map((reputation): TaskFact => ({ kind: 'tasks.reputation', reputation })),
          ...facts,
          ...statements.map((statement): TaskFact => ({ kind: 'tasks.statement', statement })),
        ],
        messages,
        answer,
      }
    },
  }
}
