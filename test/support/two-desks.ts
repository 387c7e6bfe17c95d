import { z } from 'zod'
import type { PeerId, TaskId } from '../../src/kernel/ids.ts'
import type { Draft, Outcome } from '../../src/kernel/outcome.ts'
import type { Envelope } from '../../src/protocol/envelope.ts'
import type { AnyKind } from '../../src/tasks/kinds/kind.ts'
import type { Worker } from '../../src/tasks/placement.ts'
import type { Job, Task, TaskFact, TaskState, Work } from '../../src/tasks/task.ts'
import { createTasks, type Tasks } from '../../src/tasks/tasks.ts'

export const LEASE_MS = 30_000

/** A kind whose work is to write a word in capitals; a part is a word. */
export const shout = {
  ...{ name: 'shout', version: 1, params: z.strictObject({}), input: z.string().max(100), output: z.string() },
  limits: { maxInputBytes: 100, maxRunMs: () => 1_000, maxMemoryMb: 1 },
  split: ({ text }: { text: string }) => text.split(' '),
  run: async (input: string) => input.toUpperCase(),
  verify: ({ input, output }: { input: string; output: string }) =>
    output === input.toUpperCase() ? undefined : 'not the word in capitals',
  agrees: (a: string, b: string) => a === b,
  merge: (parts: readonly { output: string }[]) => parts.map(part => part.output).join(' '),
} as unknown as AnyKind

export interface Peer {
  readonly self: PeerId
  readonly tasks: Tasks
  readonly store: ReturnType<typeof memoryTasks>
}

/** Peers that give each other work without a network: messages are handed over when the test says so. */
export function createOffice(options: { slots?: number } = {}) {
  let nowMs = 1_000_000
  let ids = 0
  let staff: Worker[] = []
  const newId = (): string => `id-${String(++ids).padStart(4, '0')}`

  function createPeer(name: string, slots = options.slots ?? 2): Peer {
    const self = name as PeerId
    const store = memoryTasks()
    const tasks = createTasks({
      ...{ self, store, kinds: { shout }, newId, random: () => 0.5, leaseMs: LEASE_MS, slots },
      now: () => nowMs,
      workersFor: () => staff,
    })
    return { self, tasks, store }
  }

  function keep(peer: Peer, { facts, messages, answer }: Outcome<TaskFact>) {
    peer.store.apply(facts)
    return { messages, answer }
  }

  function envelopeOf(from: Peer, { type, taskId, payload, to }: Draft): Envelope {
    const ids = { v: 1, type, id: newId(), task_id: taskId, network: 'test', sender_id: from.self, to }
    return { ...ids, payload, created: nowMs, expires: nowMs + 1, signature: '' } as unknown as Envelope
  }

  return {
    createPeer,
    keep,
    now: () => nowMs,
    pass(ms: number): void {
      nowMs += ms
    },
    /** Who works on what there is now. */
    hire(...workers: readonly (readonly [Peer, number])[]): void {
      staff = workers.map(([{ self }, slots]) => ({ peer: self, slots }))
    },
    submit(peer: Peer, ...documents: string[]): string {
      const { jobId, outcome } = peer.tasks.submit({
        ...{ kind: 'shout', params: {} },
        documents: documents.map((text, i) => ({ name: `document ${i}`, text })),
      })
      keep(peer, outcome)
      return jobId
    },
    tick: (peer: Peer) => keep(peer, peer.tasks.tick()),
    deliver(from: Peer, draft: Draft, to: Peer) {
      const type = to.tasks.messages.get(draft.type)
      if (type === undefined) throw new Error(`no row for ${draft.type}`)
      if (!type.payload.safeParse(draft.payload).success) throw new Error(`${draft.type} does not fit its schema`)
      return keep(to, type.handle(envelopeOf(from, draft), draft.payload))
    },
    /** What the outbox tells when a message was refused or expired. */
    undelivered(from: Peer, draft: Draft, code: string, details?: { retry_after_ms: number }) {
      const refusal = { code, message: code, ...(details === undefined ? {} : { details }) }
      const followed = from.tasks.messages
        .get(draft.type)
        ?.undelivered?.({ envelope: envelopeOf(from, draft), refusal })
      if (followed !== undefined) keep(from, followed)
    },
  }
}

export function memoryTasks() {
  const jobs = new Map<string, Job>()
  const tasks = new Map<string, Task>()
  const works = new Map<string, Work>()
  const ofJob = (jobId: string): Task[] =>
    [...tasks.values()].filter(task => task.jobId === jobId).toSorted((a, b) => a.index - b.index)
  return {
    apply(facts: readonly TaskFact[]): void {
      for (const fact of facts) {
        if (fact.kind === 'job') jobs.set(fact.job.id, fact.job)
        else if (fact.kind === 'task') tasks.set(fact.task.id, fact.task)
        else if (fact.kind === 'work') works.set(fact.work.taskId, fact.work)
        else works.delete(fact.taskId)
      }
    },
    job: (id: string) => jobs.get(id),
    runningJobs: () => [...jobs.values()].filter(job => job.state === 'running'),
    task: (id: TaskId) => tasks.get(id),
    tasksInState: (state: TaskState, limit: number) =>
      [...tasks.values()].filter(task => task.state === state).slice(0, limit),
    tasksOfJob: ofJob,
    taskCounts(jobId: string): Record<string, number> {
      const counts: Record<string, number> = {}
      for (const { state } of ofJob(jobId)) counts[state] = (counts[state] ?? 0) + 1
      return counts
    },
    work: (id: TaskId) => works.get(id),
    openWork: () => [...works.values()].filter(work => work.state === 'accepted'),
  }
}
