import { expect, test } from 'vitest'
import { type Candidate, place } from '../../src/domains/tasks/placement.ts'
import type { PeerId, SubjectId, TaskId } from '../../src/kernel/ids.ts'
import type { Draft } from '../../src/kernel/outcome.ts'
import { createOffice, type Peer } from '../support/two-desks.ts'

const words = (count: number) => Array.from({ length: count }, (_, i) => `w${i}`).join(' ')

function office(workers: number, slots = 4) {
  const desk = createOffice()
  const boss = desk.createPeer('boss', 0)
  const staff = Array.from({ length: workers }, (_, i) => desk.createPeer(`worker-${i}`, slots))
  desk.hire(...staff.map(worker => [worker, slots] as const))
  return { desk, boss, staff: staff as [Peer, Peer] }
}

type Staff = (readonly [Peer, number, 'open' | 'limited' | 'closed'])[]

const payloads = (drafts: readonly Draft[], type: string) =>
  drafts.filter(draft => draft.type === type).map(({ payload }) => payload)

test('a few workers are asked, not all; those who bid are given as much as they take, many tasks in a message', () => {
  const { desk, boss } = office(10)
  desk.request(boss, { text: words(100), verify: 'none' })
  const offers = desk.tick(boss).messages
  expect(offers.map(({ type }) => type)).toEqual(['task.offer', 'task.offer', 'task.offer', 'task.offer'])
  expect(new Set(offers.map(({ to }) => to)).size).toBe(4)
  const assigns = desk.carry(boss, offers, ['task.assign'])
  expect(assigns).toEqual([])
  const next = desk.tick(boss).messages
  expect(payloads(next, 'task.assign').map(({ tasks }) => (tasks as unknown[]).length)).toEqual([4, 4, 4, 4])
  // There is more to do than these take: the next few are asked.
  expect(payloads(next, 'task.offer')).toHaveLength(4)
})

test('who says it is open is asked before who is limited, and who is closed after all others', () => {
  const desk = createOffice()
  const boss = desk.createPeer('boss', 0)
  const [shut, limited, open] = (['closed', 'limited', 'open'] as const).map(availability =>
    ['one', 'other'].map(name => [desk.createPeer(`${availability} ${name}`, 4), 4, availability] as const),
  ) as [Staff, Staff, Staff]
  desk.hire(...shut, ...limited, ...open)
  desk.request(boss, { text: words(100), verify: 'none' })
  const first = desk.tick(boss).messages
  const asked = first.map(({ to }) => to)
  const peersOf = (staff: Staff) => new Set(staff.map(([{ self }]) => self))
  expect(new Set(asked.slice(0, 2))).toEqual(peersOf(open))
  expect(new Set(asked.slice(2))).toEqual(peersOf(limited))
  // What these bid for is not enough: who was closed a while ago may be open again.
  desk.carry(boss, first, ['task.assign'])
  const next = desk.tick(boss).messages.filter(({ type }) => type === 'task.offer')
  expect(new Set(next.map(({ to }) => to))).toEqual(peersOf(shut))
})

test('a bid covers many tasks: the same workers are not asked again for each of them', () => {
  const { desk, boss, staff } = office(2)
  const { jobId } = desk.request(boss, { text: words(100), verify: 'none' })
  let offers = 0
  for (let i = 0; i < 40 && boss.store.job(jobId)?.state === 'running'; i++) {
    const { messages } = desk.tick(boss)
    offers += payloads(messages, 'task.offer').length
    desk.carry(boss, messages)
    for (const worker of staff) desk.carry(worker, desk.work(worker))
  }
  expect(boss.store.job(jobId)?.state).toBe('done')
  expect(offers).toBe(2)
})

test('who does not work, knows the kind in another version, or lacks what it needs, refuses with the reason', () => {
  const { desk, boss, staff } = office(1)
  const offer = (more: object): Draft => ({
    type: 'task.offer',
    subjectId: 'job' as SubjectId,
    carrier: 'stream',
    ttlMs: 1,
    payload: { kind: 'shout', version: 1, needs: { memory_mb: 1 }, count: 1, priority: 0, ...more },
  })
  const said = (peer: Peer, more: object) =>
    desk.deliver(boss, offer(more), peer).messages.map(({ payload }) => payload)
  expect(said(desk.createPeer('idle', 0), {})).toMatchObject([{ code: 'TASK_NOT_OFFERED' }])
  expect(said(staff[0], { version: 2 })).toMatchObject([{ code: 'TASK_KIND_UNKNOWN' }])
  expect(said(staff[0], { kind: 'toString' })).toMatchObject([{ code: 'TASK_KIND_UNKNOWN' }])
  expect(said(staff[0], { needs: { memory_mb: 65 } })).toMatchObject([{ code: 'TASK_NEEDS_UNMET' }])
  expect(said(staff[0], { needs: { memory_mb: 1, engine: 'abacus' } })).toMatchObject([{ code: 'TASK_NEEDS_UNMET' }])
  const modest = desk.createPeer('modest', 1, { models: () => ['a'] })
  expect(said(modest, { needs: { memory_mb: 1, fingerprint: 'b' } })).toMatchObject([{ code: 'TASK_NEEDS_UNMET' }])
  expect(said(modest, { needs: { memory_mb: 1, fingerprint: 'a' } })).toMatchObject([{ up_to: 1 }])
  const resting = desk.createPeer('resting', 1, {
    paused: () => ({ code: 'TASK_PAUSED', message: 'on battery', retryAfterMs: 9_000 }),
  })
  expect(said(resting, {})).toMatchObject([{ code: 'TASK_PAUSED', message: 'on battery', retry_after_ms: 9_000 }])
})

test('a worker whose owner has all its threads neither bids nor takes what it had bid for, until they are free again', () => {
  const desk = createOffice()
  let ownFirst = true
  const boss = desk.createPeer('boss', 0, { ownSlots: 0 })
  const busy = { code: 'TASK_BUSY', message: 'own work has all threads', retryAfterMs: 5_000 } as const
  const worker = desk.createPeer('worker', 2, { paused: () => (ownFirst ? busy : undefined) })
  desk.hire([worker, 2])
  const { jobId } = desk.request(boss)
  const later = () => {
    desk.pass(5_000)
    return desk.giveOut(boss, ['task.assign']).filter(({ type }) => type === 'task.assign')
  }
  const [offer] = desk.tick(boss).messages
  const { messages } = desk.deliver(boss, offer ?? expect.fail('no offer'), worker)
  expect(messages).toMatchObject([{ payload: { code: 'TASK_BUSY', retry_after_ms: 5_000 } }])
  desk.carry(worker, messages)
  expect(later()).toEqual([])
  ownFirst = false
  const [assign] = later()
  ownFirst = true
  desk.carry(boss, [assign ?? expect.fail('nothing was given out')])
  expect(worker.store.openWork()).toEqual([])
  expect(desk.task(boss, jobId)).toMatchObject({ state: 'queued', attempt: 0 })
})

test('who asks a resting worker for what it could never do has not asked: it is refused for that, and waits for nothing', () => {
  const { desk, boss } = office(0)
  let asked = 0
  const paused = () => ({ code: 'TASK_PAUSED' as const, message: 'no surplus', retryAfterMs: 9_000 + ++asked })
  const resting = desk.createPeer('resting', 1, { paused, models: () => ['a'] })
  const codeOf = (needs: object): unknown => {
    const payload = { kind: 'shout', version: 1, needs: { memory_mb: 1, ...needs }, count: 1, priority: 0 }
    const offer: Draft = { type: 'task.offer', subjectId: 'job' as SubjectId, carrier: 'stream', ttlMs: 1, payload }
    return desk.deliver(boss, offer, resting).messages[0]?.payload['code']
  }
  const never = [{ memory_mb: 65 }, { engine: 'abacus' }, { fingerprint: 'b' }]
  expect(never.map(codeOf)).toEqual(['TASK_NEEDS_UNMET', 'TASK_NEEDS_UNMET', 'TASK_NEEDS_UNMET'])
  expect(asked).toBe(0)
  expect([{}, { fingerprint: 'a' }].map(codeOf)).toEqual(['TASK_PAUSED', 'TASK_PAUSED'])
  expect(asked).toBe(2)
})

test('an input the worker cannot read is refused alone, the rest of the assignment is taken', () => {
  const { desk, boss, staff } = office(1)
  desk.request(boss, { text: 'a b', verify: 'none' })
  const [assign] = desk.giveOut(boss, ['task.assign']) as [Draft]
  const tasks = assign.payload['tasks'] as unknown as object[]
  const spoilt = { ...assign, payload: { ...assign.payload, tasks: [tasks[0], { ...tasks[1], input: 7 }] } } as Draft
  const { answer, messages } = desk.deliver(boss, spoilt, staff[0])
  expect(answer.status).toBe('ACK')
  expect(messages.map(({ payload }) => payload)).toMatchObject([
    { code: 'TASK_BAD_INPUT', tasks: [{ lease_epoch: 1 }] },
  ])
  expect(staff[0].store.openWork()).toHaveLength(1)
})

test('a worker with a full desk refuses, says when to ask again, and it costs no attempt', () => {
  const { desk, boss, staff } = office(1, 2)
  const other = desk.createPeer('other', 0)
  const { jobId } = desk.request(boss, { text: 'a b', verify: 'none' })
  const [assign] = desk.giveOut(boss, ['task.assign']) as [Draft]
  // Meanwhile somebody else was faster.
  desk.request(other, { text: 'c d', verify: 'none' })
  desk.giveOut(other)
  expect(staff[0].store.openWork()).toHaveLength(2)
  const { answer } = desk.deliver(boss, assign, staff[0])
  expect(answer).toMatchObject({ error: { code: 'TASK_BUSY', details: { retry_after_ms: 1_000 } } })
  if (answer.status === 'NACK') desk.undelivered(boss, assign, answer.error)
  expect(boss.store.tasksOfJob(jobId)).toMatchObject([
    { state: 'queued', attempt: 0, lostWith: [] },
    { state: 'queued', attempt: 0, lostWith: [] },
  ])
  // With its only neighbour busy, the submitter begins itself.
  expect(payloads(desk.tick(boss).messages, 'task.offer')).toEqual([])
  expect(boss.store.openWork()).toHaveLength(2)
})

test('a submitter that floods gets its share of a desk and no more, and is turned away unread beyond a rate', () => {
  const { desk, boss, staff } = office(1, 8)
  const modest = desk.createPeer('modest', 0)
  desk.request(modest, { text: 'one', verify: 'none' })
  desk.giveOut(modest)
  const assign = (i: number): Draft => ({
    type: 'task.assign',
    subjectId: 'flood' as SubjectId,
    carrier: 'stream',
    ttlMs: 1,
    payload: {
      kind: 'shout',
      version: 1,
      needs: { memory_mb: 1 },
      params: {},
      tasks: Array.from({ length: 64 }, (_, n) => ({
        task_id: `t-${i}-${n}`,
        lease_epoch: 1,
        attempt: 1,
        input: 'x',
      })),
    },
  })
  const answers = Array.from({ length: 300 }, (_, i) => desk.deliver(boss, assign(i), staff[0]).answer)
  const bySubmitter = Map.groupBy(staff[0].store.openWork(), ({ submitter }) => submitter)
  expect(bySubmitter.get(boss.self)).toHaveLength(4)
  expect(bySubmitter.get(modest.self)).toHaveLength(1)
  expect(answers.slice(200).every(answer => answer.status === 'NACK')).toBe(true)
  expect(answers.at(-1)).toMatchObject({ error: { code: 'TASK_BUSY', details: { retry_after_ms: 5_000 } } })
  expect(
    payloads(
      desk.deliver(
        modest,
        {
          ...assign(0),
          type: 'task.offer',
          payload: { kind: 'shout', version: 1, needs: { memory_mb: 1 }, count: 1, priority: 0 },
        },
        staff[0],
      ).messages,
      'task.bid',
    ),
  ).toHaveLength(1)
})

test('a machine that is needed hands its tasks back, and they go elsewhere without a mark', () => {
  const { desk, boss, staff } = office(1)
  const { jobId } = desk.request(boss, { text: 'a b', verify: 'none' })
  desk.giveOut(boss)
  const back = desk.keep(staff[0], staff[0].tasks.giveBack('somebody uses this machine', 60_000)).messages
  expect(staff[0].store.openWork()).toEqual([])
  desk.carry(staff[0], back)
  expect(boss.store.tasksOfJob(jobId)).toMatchObject([
    { state: 'queued', attempt: 0, reason: 'somebody uses this machine' },
    { state: 'queued', attempt: 0 },
  ])
  desk.hire([staff[0], 4], [desk.createPeer('helper'), 4])
  desk.giveOut(boss)
  expect(boss.store.tasksOfJob(jobId)).toMatchObject([{ worker: 'helper' }, { worker: 'helper' }])
})

const candidate = (peer: string, more: Partial<Candidate> = {}): Candidate => ({
  peer: peer as PeerId,
  room: 4,
  queue: 0,
  msPerTask: 100,
  latencyMs: 0,
  priceClass: 0,
  trust: 10,
  ...more,
})
const to = (tasks: { tried?: string[]; opinions?: string[] }[], ...candidates: Candidate[]) =>
  place(
    tasks.map(({ tried = [], opinions = [] }, i) => ({
      id: String(i) as TaskId,
      tried: tried as PeerId[],
      opinions: opinions.map(worker => ({ worker: worker as PeerId, epoch: 1 })),
    })),
    candidates,
  ).map(({ worker }) => worker)

test('work goes to who has not tried it before, and never for a second opinion to who gave the first', () => {
  expect(to([{ tried: ['a'] }], candidate('a'), candidate('b', { msPerTask: 9_000 }))).toEqual(['b'])
  expect(to([{ tried: ['a', 'b'] }], candidate('a'), candidate('b', { msPerTask: 9_000 }))).toEqual(['a'])
  expect(to([{ opinions: ['a'] }], candidate('a'))).toEqual([])
})

test('work goes to who would have it done first, and spreads as desks fill', () => {
  expect(to([{}], candidate('slow', { msPerTask: 200 }), candidate('quick'))).toEqual(['quick'])
  expect(to([{}], candidate('far', { latencyMs: 500 }), candidate('near'))).toEqual(['near'])
  expect(to([{}], candidate('loaded', { queue: 3 }), candidate('free'))).toEqual(['free'])
  expect(to([{}, {}, {}, {}], candidate('a'), candidate('b')).toSorted()).toEqual(['a', 'a', 'b', 'b'])
  expect(to([{}, {}, {}], candidate('a', { room: 1 }), candidate('b', { room: 1 }))).toEqual(['a', 'b'])
})

test('of equals the proven and the cheaper come first', () => {
  expect(to([{}], candidate('new', { trust: 0 }), candidate('proven'))).toEqual(['proven'])
  expect(to([{}], candidate('dear', { priceClass: 9 }), candidate('cheap'))).toEqual(['cheap'])
})

/** What a stranger may say on its own account. */
function say(desk: ReturnType<typeof createOffice>, boss: Peer, type: string, payload: object, from: string) {
  const about: Draft = {
    type,
    subjectId: 'made up' as SubjectId,
    carrier: 'stream',
    ttlMs: 1,
    payload: payload as Draft['payload'],
    to: boss.self,
  }
  return desk.deliver({ self: from as PeerId }, about, boss)
}

test('bids and refusals that nobody asked for push out no bid that stands', () => {
  const { desk, boss, staff } = office(1)
  desk.request(boss, { text: words(4), verify: 'none' })
  desk.carry(boss, desk.tick(boss).messages)
  const bid = { version: 1, up_to: 1_000, until: desk.now() + 60_000, queue: 0, price_class: 0 }
  for (let n = 0; n < 5_000; n++) say(desk, boss, 'task.bid', { ...bid, kind: `kind-${n}` }, 'flooder')
  for (let n = 0; n < 5_000; n++) {
    say(desk, boss, 'task.refuse', { kind: `kind-${n}`, version: 1, code: 'TASK_BUSY', message: 'no' }, 'flooder')
  }
  const assigned = desk.tick(boss).messages
  expect(assigned.map(({ type, to }) => [type, to])).toEqual([['task.assign', staff[0].self]])
})

test('who was not asked gets nothing for its bid, and who was is believed once', () => {
  const { desk, boss, staff } = office(1, 2)
  const [worker] = staff
  desk.request(boss, { text: words(100), verify: 'none' })
  const bid = { kind: 'shout', version: 1, up_to: 1_000, until: desk.now() + 60_000, queue: 0, price_class: 0 }
  say(desk, boss, 'task.bid', bid, worker.self)
  const offers = desk.tick(boss).messages
  expect(offers.map(({ type }) => type)).toEqual(['task.offer'])
  desk.carry(boss, offers)
  say(desk, boss, 'task.bid', bid, worker.self)
  expect(payloads(desk.tick(boss).messages, 'task.assign').flatMap(({ tasks }) => tasks)).toHaveLength(2)
})

test('signs of life and cancellations about tasks that nobody has are refused, and bring forth no message', () => {
  const { desk, boss } = office(1)
  const { jobId } = desk.request(boss, { text: words(2), verify: 'none' })
  const [task] = boss.store.tasksOfJob(jobId)
  const lease = { lease_epoch: 1, done: 0, total: 1, waiting: false }
  for (const task_id of ['invented', String(task?.id)]) {
    const { messages, answer } = say(desk, boss, 'task.progress', { tasks: [{ task_id, ...lease }] }, 'flooder')
    expect(messages).toEqual([])
    expect(answer).toMatchObject({ error: { code: 'TASK_LEASE_OVER' } })
    const tasks = [{ task_id, lease_epoch: 1 }]
    expect(say(desk, boss, 'task.cancel', { tasks, reason: 'mine' }, 'flooder').messages).toEqual([])
    const results = [{ task_id, lease_epoch: 1, output: 'A' }]
    expect(say(desk, boss, 'task.result', { results }, 'flooder')).toMatchObject({
      messages: [],
      answer: { status: 'NACK' },
    })
  }
  expect(boss.store.tasksOfJob(jobId).map(({ state }) => state)).toEqual(['queued', 'queued'])
  expect(boss.store.statements(jobId)).toEqual([])
})
