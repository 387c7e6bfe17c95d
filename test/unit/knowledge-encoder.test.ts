import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createPeerEncoder } from '../../src/bridges/peer-encoder.ts'
import { requireTaken } from '../../src/daemon/commit.ts'
import type { AnyKind } from '../../src/daemon/kind.ts'
import type { Access } from '../../src/domains/knowledge/collection.ts'
import type { Encoded } from '../../src/domains/knowledge/encode.ts'
import { createDocumentEncoder, createEncoder } from '../../src/domains/knowledge/encoder.ts'
import { type EmbedOutput, embed } from '../../src/domains/knowledge/kinds/embed.ts'
import type { TextPart } from '../../src/domains/knowledge/kinds/text-part.ts'
import { afterRight, newcomer } from '../../src/domains/tasks/proof/reputation.ts'
import { JOB_STATES } from '../../src/domains/tasks/states.ts'
import type { Job, TaskFact, WorkResult } from '../../src/domains/tasks/task.ts'
import type { TaskFlowsDeps } from '../../src/domains/tasks/task-flows.ts'
import { submitted } from '../../src/domains/tasks/tasks.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { type Commit, type Json, outcome } from '../../src/kernel/outcome.ts'
import { canonical } from '../../src/protocol/canonical.ts'
import { encodeVector } from '../../src/text/vectors.ts'
import { FINGERPRINT, wordVector } from '../support/knowledge-shelf.ts'
import { createOffice, type Peer } from '../support/two-desks.ts'

const EVERYBODY: Access = { to: 'everybody' }
const NOBODY: Access = { to: 'nobody' }
const to = (...peers: string[]): Access => ({ to: 'peers', peers: peers as PeerId[] })

/** Four parts, of a paragraph each. */
const LONG = Array.from({ length: 4 }, (_, n) => `paragraph ${n} ${'of many words '.repeat(700)}`).join('\n\n')
const PARTS = [...embed.split({ name: '', text: LONG }, { maxTokens: 110 })]
const SHORT = 'a short text'
const LOOK_MS = 200

/** What the model would say: one passage a part. */
function embedded({ text }: TextPart): EmbedOutput {
  const tokens = text.match(/\S+/gu)?.length ?? 0
  return {
    fingerprint: FINGERPRINT,
    chunks: [{ start: 0, end: text.length, tokens, vector: encodeVector(wordVector(text)) }],
  }
}

type Answer = (part: TextPart) => WorkResult['result']
const right = (part: TextPart) => ({ output: embedded(part) }) as unknown as WorkResult['result']
const failing: Answer = () => ({ error: { code: 'TASK_CRASHED', message: 'no memory' } })

/** A boss and two workers; each time the encoder looks, everybody has had a turn. */
function office(more: Partial<TaskFlowsDeps> = {}, said: { readonly models?: readonly string[] } = {}) {
  const desk = createOffice()
  const models = () => [FINGERPRINT]
  const able = { kinds: { embed: embed as unknown as AnyKind }, memoryMb: 1_024, models, ...more }
  const boss = desk.createPeer('boss', 0, able)
  const workers = ['ann', 'ben'].map(name => desk.createPeer(name, 8, able)) as [Peer, Peer]
  // They have shown before that they compute right: otherwise the boss would do everything a second time.
  for (const { self } of workers) {
    let reputation = newcomer(self, 'embed@1', FINGERPRINT)
    for (let n = 0; n < 50; n++) reputation = afterRight(reputation, desk.now())
    boss.apply([{ kind: 'tasks.reputation', reputation }])
  }
  desk.hire(...workers.map(worker => [worker, 8] as const))
  const facts: TaskFact[] = []
  const asked = new Set<string>()
  const how: { theirs: Answer; own: Answer; onLook: () => unknown; idle: boolean } = {
    theirs: right,
    own: right,
    onLook: () => undefined,
    idle: false,
  }

  const commit: Commit<TaskFact> = async decide => {
    const decided = decide()
    facts.push(...decided.facts)
    desk.keep(boss, decided)
    desk.carry(boss, decided.messages)
    requireTaken(decided.answer)
    return decided
  }
  function everybodyHasTheirTurn(): void {
    desk.pass(LOOK_MS)
    const { messages } = desk.tick(boss)
    for (const { to: peer } of messages) if (peer !== undefined) asked.add(peer)
    desk.carry(boss, messages)
    how.onLook()
    if (how.idle) return
    for (const worker of workers)
      desk.carry(
        worker,
        desk.work(worker, word => how.theirs(word as never)),
      )
    desk.carry(
      boss,
      desk.work(boss, word => how.own(word as never)),
    )
  }
  const outside = createPeerEncoder({
    self: boss.self,
    tasks: {
      ...boss.store,
      submit: request => submitted({ commit }, boss.tasks, request),
      cancel: id => commit(() => boss.tasks.cancel(id)),
      forget: (jobId, rows) => commit(() => outcome([{ kind: 'tasks.job.gone', jobId, rows }])),
      workersFor: () => workers.map(({ self }) => ({ peer: self, slots: 8, ...said })),
    },
    async until(look, signal) {
      for (let found = look(); ; found = look()) {
        if (found !== undefined) return found
        signal.throwIfAborted()
        everybodyHasTheirTurn()
      }
    },
    clock: { now: desk.now, sleep: () => expect.fail('nobody sleeps') },
    log: silentLog,
    newId: randomUUID,
  })
  const jobs = () =>
    facts.flatMap(fact => (fact.kind === 'tasks.job' && fact.job.state === 'opening' ? [fact.job] : []))
  return {
    desk,
    boss,
    workers,
    outside,
    how,
    facts,
    asked,
    jobs,
    commit,
  }
}

/** Everything a generator yields, and what it returns. */
async function drained(
  pieces: AsyncGenerator<Encoded, number>,
): Promise<{ pieces: Encoded[]; upTo: number | undefined }> {
  const found: Encoded[] = []
  for (;;) {
    const next = await pieces.next()
    if (next.done === true) return { pieces: found, upTo: next.value }
    found.push(next.value)
  }
}

const documentOf = (access: Access, text = LONG) => ({ name: 'papers/long.txt', text, access: () => access })
const nothing = { pieces: [], upTo: 0 }
const never = new AbortController().signal
const spans = (pieces: readonly Encoded[]) =>
  pieces.flatMap(({ passages }) => passages.map(({ start, end }) => [start, end]))
const SPANS = PARTS.map(({ text, offset }) => [offset, offset + text.length])

describe('a document at peers', () => {
  test('is encoded by everybody when everybody may read it, with the passages that one machine alone makes', async () => {
    const { outside, jobs, facts } = office()
    const { pieces, upTo } = await drained(outside.encode(documentOf(EVERYBODY), FINGERPRINT, never))
    expect(upTo).toBe(LONG.length)
    const local = createEncoder(async (_kind, _params, input) => embedded(input as TextPart))
    const alone: Encoded[] = []
    for await (const piece of local(LONG, never)) alone.push(piece)
    expect(pieces.map(({ by: _, ...piece }) => piece)).toEqual(alone)
    expect(pieces.every(({ by }) => by === 'ann' || by === 'ben')).toBe(true)
    expect(jobs()).toMatchObject([{ privacy: 'public', verify: 'adaptive', params: { fingerprint: FINGERPRINT } }])
    expect(facts).toContainEqual(
      expect.objectContaining({
        kind: 'tasks.job.documents',
        documents: [{ name: 'papers/long.txt', characters: LONG.length }],
      }),
    )
  })

  test('goes to those alone that may read it', async () => {
    const { outside, jobs, asked } = office({ trustedPeers: ['ann' as PeerId] })
    const { upTo } = await drained(outside.encode(documentOf(to('ben', 'cem')), FINGERPRINT, never))
    expect(upTo).toBe(LONG.length)
    expect(jobs()).toMatchObject([{ privacy: 'private', peers: ['ben', 'cem'], verify: 'adaptive' }])
    expect([...asked]).toEqual(['ben'])
  })

  test.each([
    ['nobody', NOBODY],
    ['somebody who does not work', to('cem')],
    ['an empty list, whomever the owner trusts', to()],
  ])('never becomes a job when it may be read by %s', async (_, access) => {
    const { outside, facts } = office({ trustedPeers: ['ann' as PeerId] })
    expect(outside.room(access)).toBe(0)
    expect(await drained(outside.encode(documentOf(access), FINGERPRINT, never))).toEqual(nothing)
    expect(facts).toEqual([])
  })

  test('never becomes a job when all who may have it say that they have other models', async () => {
    const { outside, facts } = office({}, { models: ['b'.repeat(64)] })
    expect(await drained(outside.encode(documentOf(EVERYBODY), FINGERPRINT, never))).toEqual(nothing)
    expect(facts).toEqual([])
    const same = office({}, { models: ['b'.repeat(64), FINGERPRINT] })
    expect((await drained(same.outside.encode(documentOf(EVERYBODY), FINGERPRINT, never))).upTo).toBe(LONG.length)
  })

  test('leaves nothing in the queue once it is encoded', async () => {
    const { outside, boss, jobs, facts } = office()
    await drained(outside.encode(documentOf(EVERYBODY), FINGERPRINT, never))
    const id = jobs()[0]?.id ?? ''
    expect(boss.store.job(id)).toBeUndefined()
    expect(boss.store.documents(id)).toEqual([])
    expect(boss.store.statements(id)).toEqual([])
    const tasks = new Set(facts.flatMap(fact => (fact.kind === 'tasks.task' ? [fact.task.id] : [])))
    expect(tasks.size).toBe(PARTS.length)
    for (const task of tasks) {
      expect(boss.store.task(task)).toBeUndefined()
      expect(boss.store.input(task)).toBeUndefined()
      for (let epoch = 0; epoch < 9; epoch++) expect(boss.store.output(task, epoch)).toBeUndefined()
    }
  })

  test('is given back as far as it is done when the rest fails', async () => {
    const { outside, how, boss } = office()
    const broken: Answer = part => (part.offset >= (PARTS[2]?.offset ?? 0) ? failing(part) : right(part))
    Object.assign(how, { theirs: broken, own: broken })
    const { pieces, upTo } = await drained(outside.encode(documentOf(EVERYBODY), FINGERPRINT, never))
    expect(spans(pieces)).toEqual(SPANS.slice(0, 2))
    expect(upTo).toBe(PARTS[2]?.offset)
    expect(boss.store.jobs(9)).toEqual([])
  })

  test('is given back when nobody has done it in time', async () => {
    const { outside, how, desk, boss } = office()
    const states = new Set<unknown>()
    how.idle = true
    how.onLook = () => {
      states.add(boss.store.jobs(1)[0]?.state)
      desk.pass(60_000)
    }
    expect(await drained(outside.encode(documentOf(EVERYBODY), FINGERPRINT, never))).toEqual(nothing)
    expect([...states]).toEqual(['running', 'expired'])
    expect(boss.store.jobs(9)).toEqual([])
  })

  test('does not go out when the queue is full, and one that is too large for it leaves nothing there', async () => {
    const { outside, desk, boss } = office({ maxOpenTasks: PARTS.length })
    const huge = LONG.repeat(40)
    expect(await drained(outside.encode(documentOf(EVERYBODY, huge), FINGERPRINT, never))).toEqual(nothing)
    expect([boss.store.jobs(9), boss.store.allOpenTasks()]).toEqual([[], 0])
    const mine = desk.request(boss, { kind: 'embed', params: { maxTokens: 110 }, text: LONG })
    expect(await drained(outside.encode(documentOf(EVERYBODY), FINGERPRINT, never))).toEqual(nothing)
    expect(boss.store.jobs(9).map(({ id }) => id)).toEqual([mine.jobId])
  })

  test('is taken back from everybody when reading is stopped', async () => {
    const { outside, how, boss, workers } = office()
    const stop = new AbortController()
    how.onLook = () => {
      if (workers.some(({ store }) => store.openWork().length > 0)) stop.abort(new Error('stopped by hand'))
    }
    await expect(drained(outside.encode(documentOf(EVERYBODY), FINGERPRINT, stop.signal))).rejects.toThrow('by hand')
    expect(workers.flatMap(({ store }) => store.openWork())).toEqual([])
    expect(boss.store.jobs(9)).toEqual([])
  })

  test('is taken back when those who have it may not read it any more', async () => {
    const { outside, how, boss, workers } = office()
    how.theirs = failing
    let access: Access = EVERYBODY
    how.onLook = () => {
      if (workers.some(({ store }) => store.openWork().length > 0)) access = to('ann')
    }
    const document = { ...documentOf(EVERYBODY), access: () => access }
    expect(await drained(outside.encode(document, FINGERPRINT, never))).toEqual(nothing)
    expect(workers.flatMap(({ store }) => store.openWork())).toEqual([])
    expect(boss.store.jobs(9)).toEqual([])
  })

  test('that a kill left in the queue is taken back at the next start, and nothing else is', async () => {
    const { outside, desk, boss } = office()
    const request = { kind: 'embed', params: { maxTokens: 110 }, text: LONG }
    desk.request(boss, { ...request, key: 'ingest/of-the-last-life' })
    const mine = desk.request(boss, { ...request, key: 'mine' })
    await outside.start()
    expect(boss.store.jobs(9).map(({ id }) => id)).toEqual([mine.jobId])
    expect(boss.store.taskCounts(mine.jobId)).toEqual({ queued: PARTS.length })
  })

  test.each(JOB_STATES)('that a kill left when its job was %s is forgotten at the next start', async state => {
    const { outside, desk, boss } = office()
    const request = { kind: 'embed', params: { maxTokens: 110 }, text: LONG }
    const left = desk.request(boss, { ...request, key: 'ingest/of-the-last-life' })
    boss.apply([{ kind: 'tasks.job', job: { ...(boss.store.job(left.jobId) as Job), state } }])
    const inputs = boss.store.tasksOfJob(left.jobId).map(({ id }) => id)
    expect(inputs.map(boss.store.input)).toEqual(PARTS.map(part => canonical([part as unknown as Json])))
    await outside.start()
    expect(boss.store.jobs(9)).toEqual([])
    expect(inputs.map(boss.store.input)).toEqual(PARTS.map(() => undefined))
  })

  test('that a kill left between the end of its taking in and its forgetting is forgotten too', async () => {
    const { outside, boss, desk } = office()
    const documents = [{ name: 'd', text: LONG }]
    const request = { kind: 'embed', params: { maxTokens: 110 }, documents, key: 'ingest/of-the-last-life' }
    const submission = boss.tasks.submit(request)
    desk.keep(boss, submission.outcome)
    desk.keep(boss, boss.tasks.cancel(submission.jobId))
    await outside.start()
    expect(boss.store.jobs(9)).toEqual([])
  })
})

/** A machine of one thread whose parts are done when the test says so. */
function machine(outside?: ReturnType<typeof office>['outside']) {
  const gate = Promise.withResolvers<void>()
  const begun: string[] = []
  const local = createEncoder(async (_kind, _params, input) => {
    begun.push((input as TextPart).text)
    await gate.promise
    return embedded(input as TextPart)
  })
  const documents = createDocumentEncoder({
    encode: local,
    threads: 1,
    outside,
    warm: async () => ({ fingerprint: FINGERPRINT, engine: 'none' }),
  })
  const take = async (access: Access, text = LONG, signal = never) => {
    const pieces: Encoded[] = []
    for await (const piece of documents.encode(documentOf(access, text), signal)) pieces.push(piece)
    return pieces
  }
  return { documents, take, begun, goOn: () => gate.resolve() }
}

describe('where a document is encoded', () => {
  test('here as long as a thread is free or about to be, and only then at peers', async () => {
    const { outside, jobs } = office()
    const { take, goOn } = machine(outside)
    const here = [take(EVERYBODY), take(EVERYBODY)]
    const away = await take(EVERYBODY)
    expect(jobs()).toHaveLength(1)
    expect(away.every(({ by }) => by !== undefined)).toBe(true)
    goOn()
    const found = await Promise.all(here)
    expect(found.flat().every(({ by }) => by === undefined)).toBe(true)
    expect(found.map(spans)).toEqual([SPANS, SPANS])
    expect(spans(away)).toEqual(SPANS)
  })

  test.each([
    ['a private one', NOBODY, LONG, true],
    ['one of a part or two', EVERYBODY, SHORT, true],
    ['any, when its owner wants it so', EVERYBODY, LONG, false],
  ])('here, in its turn, however busy this machine is: %s', async (_, access, text, allowed) => {
    const { outside, jobs } = office()
    const { take, begun, goOn } = machine(allowed ? outside : undefined)
    const before = [take(NOBODY), take(NOBODY)]
    const inTurn = take(access, `${text} last`)
    await new Promise(setImmediate)
    expect(begun.some(part => part.endsWith('last'))).toBe(false)
    goOn()
    await Promise.all(before)
    expect((await inTurn).length).toBeGreaterThan(0)
    expect(jobs()).toEqual([])
  })

  test('here from where peers left off', async () => {
    const { outside, how } = office()
    const broken: Answer = part => (part.offset >= (PARTS[2]?.offset ?? 0) ? failing(part) : right(part))
    Object.assign(how, { theirs: broken, own: broken })
    const { take, goOn } = machine(outside)
    const before = [take(NOBODY), take(NOBODY)]
    const both = take(EVERYBODY)
    goOn()
    await Promise.all(before)
    const pieces = await both
    expect(spans(pieces)).toEqual(SPANS)
    expect(pieces.map(({ by }) => by !== undefined)).toEqual([true, true, false, false])
  })

  test('a stop ends the waiting for a place, and the place is somebody else’s', async () => {
    const { take, goOn } = machine()
    const before = [take(NOBODY), take(NOBODY)]
    const stop = new AbortController()
    const waiting = take(NOBODY, LONG, stop.signal)
    const next = take(NOBODY)
    stop.abort(new Error('stopped by hand'))
    await expect(waiting).rejects.toThrow('by hand')
    goOn()
    expect(spans(await next)).toEqual(SPANS)
    await Promise.all(before)
  })

  test('more documents are in hand when peers may have some of them', () => {
    const { documents } = machine(office().outside)
    expect([NOBODY, to('cem'), to('ann'), EVERYBODY].map(documents.width)).toEqual([2, 2, 10, 10])
  })
})
