import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { AnyKind } from '../../src/daemon/kind.ts'
import type { Worker } from '../../src/domains/tasks/placement.ts'
import type { JobRequest } from '../../src/domains/tasks/queue/request.ts'
import { type TasksRead, tasksStore } from '../../src/domains/tasks/store.ts'
import type { Task, TaskFact, WorkResult } from '../../src/domains/tasks/task.ts'
import { createTaskFlows, type TaskFlows, type TaskFlowsDeps } from '../../src/domains/tasks/task-flows.ts'
import type { MessageId, PeerId } from '../../src/kernel/ids.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import type { Answer, Decided, Draft, Refusal, Sealed } from '../../src/kernel/outcome.ts'
import type { Envelope } from '../../src/protocol/envelope.ts'
import type { Db } from '../../src/storage/kept.ts'
import { openStorage, type Storage } from '../../src/storage/storage.ts'
import { sourceTextSchema } from '../../src/text/source-text.ts'
import { written } from './written.ts'

export const LEASE_MS = 30_000
export const BEAT_MS = 10_000
const RESULT_DAYS = 7

/** A kind whose work is to write a word in capitals; a part is a word. What is not a word it cannot check. */
export const shout = {
  name: 'shout',
  version: 1,
  asks: {},
  source: sourceTextSchema,
  params: z.strictObject({}),
  input: z.string().max(100),
  output: z.string(),
  limits: { maxInputBytes: 100, maxRunMs: () => 60_000, maxMemoryMb: 1 },
  split: ({ text }: { text: string }) => text.split(' ').filter(word => word !== ''),
  run: async (input: string) => input.toUpperCase(),
  verify: ({ input, output }: { input: string; output: string }) =>
    output.length === input.length ? undefined : 'not as long as the word',
  agrees: (a: string, b: string) => a === b,
  merge: (parts: readonly { output: string }[]) => parts.map(part => part.output).join(' '),
} as unknown as AnyKind

export interface Peer {
  readonly self: PeerId
  readonly tasks: TaskFlows
  readonly store: TasksRead
  readonly apply: (facts: readonly (TaskFact | Sealed)[]) => void
  readonly forget: () => void
  readonly storage: Storage
  /** What lies beneath its store, for what no daemon of today writes. */
  readonly db: Db
}

type Sender = Pick<Peer, 'self'>

/** Signatures that anybody can check and nobody but the fake signer makes. */
export const fakeSign = (peer: string) => (text: string) => createHash('sha256').update(`${peer} ${text}`).digest('hex')
export const fakeVerify = (peer: string, text: string, signature: string) => fakeSign(peer)(text) === signature

/** Peers that give each other work without a network: messages are handed over when the test says so. */
export function createOffice(random: () => number = () => 0.99) {
  let nowMs = 1_000_000
  let ids = 0
  let staff: Worker[] = []
  const newId = (): string => `id-${String(++ids).padStart(4, '0')}`
  const peers = new Map<string, Peer>()

  function createPeer(name: string, slots = 2, more: Partial<TaskFlowsDeps> = {}): Peer {
    const self = name as PeerId
    const storage = openStorage(':memory:', { clock: { now: () => nowMs }, metrics: createMetrics() })
    let beneath: Db | undefined
    const kept = storage.open({
      name: 'tasks',
      store(db, tools) {
        beneath = db
        return tasksStore(db, tools, { resultDays: RESULT_DAYS })
      },
    })
    if (beneath === undefined) throw new Error('the store was not opened')
    const tasks = createTaskFlows({
      self,
      store: kept.read,
      memory: kept.read.memory,
      kinds: { shout },
      newId,
      random,
      leaseMs: LEASE_MS,
      heartbeatMs: BEAT_MS,
      slots,
      maxOpenTasks: 20_000,
      ownSlots: 2,
      trustedPeers: [],
      threads: 2,
      memoryMb: 64,
      engines: () => [],
      priceClass: 0,
      sign: fakeSign(name),
      verify: fakeVerify,
      now: () => nowMs,
      // Who has nobody works for itself.
      workersFor: () => (staff.length === 0 ? [{ peer: self, slots }] : staff),
      models: () => undefined,
      learnModel: () => true,
      paused: () => undefined,
      energyMicroWh: (busyMs: number) => busyMs * 5,
      powerSource: () => 'unknown' as const,
      ...more,
    })
    const peer: Peer = {
      self,
      tasks,
      store: kept.read,
      storage,
      db: beneath,
      apply: facts => (facts as readonly TaskFact[]).forEach(kept.apply),
      forget() {
        while (kept.forget?.(nowMs, 1_000) === true);
      },
    }
    peers.set(name, peer)
    return peer
  }

  /** Decides and keeps in one write, as a daemon does. */
  function decided(peer: Peer, decide: () => Decided<TaskFact>) {
    return written(peer.storage, () => {
      const { facts, messages, answer } = decide()
      peer.apply(facts)
      return { messages, answer }
    })
  }

  const keep = (peer: Peer, outcome: Decided<TaskFact>) => decided(peer, () => outcome)

  function envelopeOf(from: Sender, { type, subjectId, payload, to }: Draft): Envelope {
    return {
      v: 1,
      type,
      id: newId() as MessageId,
      task_id: subjectId,
      network: 'test',
      sender_id: from.self,
      payload,
      created: nowMs,
      expires: nowMs + 1,
      signature: '',
      ...(to === undefined ? {} : { to }),
    }
  }

  /** What a peer decides about a message; nothing of it is kept. */
  function decisionOf(from: Sender, draft: Draft, to: Peer): Decided<TaskFact> {
    const type = to.tasks.messages.get(draft.type)
    if (type === undefined) throw new Error(`no row for ${draft.type}`)
    const payload = JSON.parse(JSON.stringify(draft.payload)) as Draft['payload']
    const fits = type.payload.safeParse(payload)
    if (!fits.success) throw new Error(`${draft.type} does not fit its schema: ${z.prettifyError(fits.error)}`)
    return type.handle(envelopeOf(from, draft), payload)
  }

  /** One message, to whoever the test says; what follows from it is returned. */
  function deliver(from: Sender, draft: Draft, to: Peer): { messages: readonly Draft[]; answer: Answer } {
    return decided(to, () => decisionOf(from, draft, to))
  }

  /** What the outbox tells when a message was refused or expired. */
  function undelivered(from: Peer, draft: Draft, refusal: Refusal) {
    const type = from.tasks.messages.get(draft.type)
    const follows = type?.undelivered
    if (follows === undefined) return []
    return decided(from, () => follows({ envelope: envelopeOf(from, draft), refusal })).messages
  }

  /** Messages and all that follows from them, until nobody says anything more. Those of `held` types are kept back. */
  function carry(from: Peer, drafts: readonly Draft[], held: readonly string[] = []): Draft[] {
    return drafts.flatMap(draft => {
      const to = peers.get(String(draft.to))
      if (held.includes(draft.type) || to === undefined) return [draft]
      const { messages, answer } = deliver(from, draft, to)
      if (answer.status === 'NACK') undelivered(from, draft, answer.error)
      return carry(to, messages, held)
    })
  }

  const tick = (peer: Peer) => decided(peer, peer.tasks.tick)

  return {
    createPeer,
    keep,
    decisionOf,
    deliver,
    undelivered,
    carry,
    tick,
    now: () => nowMs,
    pass(ms: number): void {
      nowMs += ms
    },
    /** Who works on what there is now. */
    hire(...workers: readonly (readonly [Sender, number, Worker['availability']?])[]): void {
      staff = workers.map(([{ self }, slots, availability = 'open']) => ({ peer: self, slots, availability }))
    },
    request(peer: Peer, request: Partial<JobRequest> & { text?: string } = {}) {
      const { text = 'hello', ...rest } = request
      const usual = rest.inputs === undefined ? { documents: [{ name: 'document', text }] } : {}
      const submission = peer.tasks.submit({ kind: 'shout', params: {}, privacy: 'public', ...usual, ...rest })
      const { answer } = keep(peer, submission.outcome)
      let last = answer
      for (let next = submission.next(); next !== undefined; next = submission.next()) last = keep(peer, next).answer
      return { jobId: submission.jobId, answer: last }
    },
    /** Ticks until the offers are answered and what can be is given out. */
    giveOut(boss: Peer, held: readonly string[] = []): Draft[] {
      const first = carry(boss, tick(boss).messages, held)
      return [...first, ...carry(boss, tick(boss).messages, held)]
    },
    /** Does what lies on a desk: `answer` makes the output, or an error. */
    work(
      peer: Peer,
      answer: (word: string) => WorkResult['result'] = word => ({ output: word.toUpperCase() }),
    ): Draft[] {
      const textOf = (taskId: Task['id'], submitter: PeerId) =>
        submitter === peer.self ? peer.store.input(taskId) : peer.store.workInput(taskId)
      const results = peer.store.openWork().map(({ taskId, leaseEpoch, submitter }): WorkResult => {
        const [word] = JSON.parse(textOf(taskId, submitter) ?? '[]') as [string]
        return { taskId, leaseEpoch, busyMs: 10, result: answer(word) }
      })
      return results.length === 0 ? [] : [...keep(peer, peer.tasks.worked(results)).messages]
    },
    task: (peer: Peer, jobId: string): Task => {
      const [task, ...others] = peer.store.tasksOfJob(jobId)
      if (task === undefined || others.length > 0) throw new Error('the job has not one task')
      return task
    },
    output: (peer: Peer, { id, acceptedEpoch }: Pick<Task, 'id' | 'acceptedEpoch'>): unknown =>
      (JSON.parse(peer.store.output(id, acceptedEpoch ?? 0) ?? '[]') as unknown[])[0],
  }
}
