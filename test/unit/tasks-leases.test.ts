import { expect, test } from 'vitest'
import { retryWork } from '../../src/domains/tasks/queue/retries.ts'
import type { SubjectId } from '../../src/kernel/ids.ts'
import type { Draft } from '../../src/kernel/outcome.ts'
import { BEAT_MS, createOffice, LEASE_MS, type Peer } from '../support/two-desks.ts'

/** Longer than any wait between two attempts. */
const LONG_MS = 120_000
/** The test keeps these back, and hands them over when it says so. */
const HELD = ['task.assign', 'task.result', 'task.cancel']

const only = <T>(items: readonly T[]): T => {
  expect(items).toHaveLength(1)
  return items[0] as T
}

function office(workers = 1) {
  const desk = createOffice()
  const boss = desk.createPeer('boss', 0)
  const staff = Array.from({ length: workers }, (_, i) => desk.createPeer(`worker-${i}`))
  desk.hire(...staff.map(worker => [worker, 2] as const))
  return { desk, boss, staff: staff as [Peer, Peer, Peer, Peer] }
}

/** Gives out the one part of a job, whose results are taken at their word. */
function assigned(workers = 1) {
  const { desk, boss, staff } = office(workers)
  const { jobId } = desk.request(boss, { verify: 'none' })
  const assign = only(desk.giveOut(boss, HELD))
  const task = () => desk.task(boss, jobId)
  const holder = staff.find(({ self }) => self === assign.to) ?? expect.fail('nobody')
  const other = staff.find(({ self }) => self !== assign.to) as Peer
  const again = () => only(desk.giveOut(boss, HELD).filter(({ type }) => type === 'task.assign'))
  return { desk, boss, staff, jobId, assign, task, holder, other, again }
}

const resultFrom = (draft: Draft, changes: object): Draft => ({
  ...draft,
  type: 'task.result',
  payload: { results: [{ ...ref(draft), ...changes }] },
})
const ref = (assign: Draft) => {
  const [{ task_id, lease_epoch }] = assign.payload['tasks'] as unknown as [{ task_id: string; lease_epoch: number }]
  return { task_id, lease_epoch }
}
const progress = (assign: Draft, lease_epoch: number, done = 1, waiting = false): Draft => ({
  ...assign,
  type: 'task.progress',
  payload: { tasks: [{ ...ref(assign), lease_epoch, done, total: 9, waiting }] },
})

test('a job is split, worked on and closed, and its parts keep their order', () => {
  const { desk, boss, staff } = office(2)
  const { jobId } = desk.request(boss, {
    verify: 'none',
    text: '',
    documents: [
      { name: 'a', text: 'one two' },
      { name: 'b', text: 'three' },
    ],
  })
  desk.giveOut(boss)
  const spread = boss.store.tasksOfJob(jobId).map(({ worker }) => worker)
  expect(new Set(spread)).toEqual(new Set(['worker-0', 'worker-1']))
  for (const worker of staff.toReversed()) desk.carry(worker, desk.work(worker))
  desk.tick(boss)
  expect(boss.store.job(jobId)).toMatchObject({ state: 'done', total: 3, finishedMs: desk.now() })
  const tasks = boss.store.tasksOfJob(jobId)
  expect(tasks.map(task => [desk.output(boss, task), task.document, task.accepted])).toEqual([
    ...[
      ['ONE', 0, 1],
      ['TWO', 0, 1],
    ],
    ['THREE', 1, 1],
  ])
  expect(staff.flatMap(worker => worker.store.openWork())).toEqual([])
})

test('a lease ends when its worker gives no sign of life, and the part goes to another at once', () => {
  const { desk, boss, assign, task, again, holder, other } = assigned(2)
  desk.deliver(holder, progress(assign, 1), boss)
  desk.hire([holder, 2])
  desk.pass(LEASE_MS - 1)
  desk.tick(boss)
  expect(task()).toMatchObject({ state: 'leased', worker: holder.self, leaseEpoch: 1 })
  desk.hire([holder, 2], [other, 2])
  desk.pass(1)
  const second = again()
  expect(second.to).not.toBe(holder.self)
  expect(task()).toMatchObject({
    state: 'leased',
    worker: second.to,
    leaseEpoch: 2,
    attempt: 2,
    lostWith: [holder.self],
  })
})

test('three missed signs of life end a lease before its time', () => {
  const desk = createOffice()
  const boss = desk.createPeer('boss', 0, { heartbeatMs: 1_000 })
  const worker = desk.createPeer('worker')
  desk.hire([worker, 2])
  const { jobId } = desk.request(boss)
  desk.giveOut(boss)
  desk.pass(2_999)
  desk.tick(boss)
  expect(desk.task(boss, jobId).state).toBe('leased')
  desk.pass(1)
  desk.tick(boss)
  expect(desk.task(boss, jobId).state).toBe('queued')
})

test('a sign of life prolongs the lease of who holds it, and of nobody else', () => {
  const { desk, boss, assign, task, holder, other } = assigned(2)
  desk.pass(LEASE_MS - 1)
  const over = { status: 'NACK', error: { code: 'TASK_LEASE_OVER' } }
  expect(desk.deliver(other, progress(assign, 1), boss).answer).toMatchObject(over)
  expect(desk.deliver(holder, progress(assign, 2), boss).answer).toMatchObject(over)
  expect(task().leases[0]?.untilMs).toBe(desk.now() + 1)
  expect(desk.deliver(holder, progress(assign, 1), boss).answer.status).toBe('ACK')
  expect(task().leases[0]?.untilMs).toBe(desk.now() + LEASE_MS)
})

test('a worker whose lease is over hears it at its next sign of life, and stops', () => {
  const { desk, boss, assign, holder } = assigned(2)
  desk.deliver(boss, assign, holder)
  desk.keep(boss, boss.tasks.workerLost(holder.self))
  const told = desk.deliver(holder, progress(assign, 1), boss)
  expect(told.answer).toMatchObject({ error: { code: 'TASK_LEASE_OVER' } })
  expect(holder.store.openWork()).toHaveLength(1)
  desk.deliver(boss, only(told.messages), holder)
  expect(holder.store.openWork()).toEqual([])
})

test('a worker that says it is alive and gets no further loses the task after a minute', () => {
  const { desk, boss, assign, task, holder } = assigned()
  for (let beats = 0; beats < 6; beats++) {
    desk.pass(BEAT_MS)
    expect(desk.deliver(holder, progress(assign, 1, 0), boss).answer.status).toBe('ACK')
  }
  desk.pass(BEAT_MS)
  expect(desk.deliver(holder, progress(assign, 1, 0), boss).answer.status).toBe('NACK')
  expect(task()).toMatchObject({ state: 'queued', reason: 'the worker got no further', lostWith: [] })
})

test('a worker that accepts a task and sleeps on it for ever loses it when its size allows no longer', () => {
  const { desk, boss, assign, task, holder } = assigned()
  // One part may run a minute; a lease more for the way there and back.
  for (let passedMs = 0; passedMs < 60_000 + LEASE_MS; passedMs += BEAT_MS) {
    expect(task().state).toBe('leased')
    desk.deliver(holder, progress(assign, 1, 0, true), boss)
    desk.pass(BEAT_MS)
    desk.tick(boss)
  }
  // It never began: nothing in the task made it vanish.
  expect(task()).toMatchObject({ state: 'queued', lostWith: [] })
})

test('the leases of a worker that went away are taken back without waiting for their end', () => {
  const { desk, boss, task, holder, other, again } = assigned(2)
  desk.keep(boss, boss.tasks.workerLost(other.self))
  expect(task().state).toBe('leased')
  desk.keep(boss, boss.tasks.workerLost(holder.self))
  expect(task()).toMatchObject({ state: 'queued', notBeforeMs: 0 })
  expect(again().to).toBe(other.self)
  expect(task()).toMatchObject({ releaseMs: 0 })
})

test('nobody takes or drops the task of somebody else from a desk', () => {
  const { desk, boss, assign, holder } = assigned()
  const stranger = desk.createPeer('stranger')
  desk.deliver(boss, assign, holder)
  expect(desk.deliver(stranger, assign, holder).answer).toMatchObject({ error: { code: 'TASK_UNKNOWN' } })
  const cancel: Draft = { ...assign, type: 'task.cancel', payload: { tasks: [ref(assign)], reason: '' } }
  desk.deliver(stranger, cancel, holder)
  expect(holder.store.openWork()).toMatchObject([{ submitter: boss.self }])
  desk.deliver(boss, cancel, holder)
  expect(holder.store.openWork()).toEqual([])
})

test('a result that comes late, or twice, is refused, and the part is accepted once', () => {
  const { desk, boss, assign, task, holder, other, again } = assigned(2)
  desk.deliver(boss, assign, holder)
  desk.keep(boss, boss.tasks.workerLost(holder.self))
  desk.deliver(boss, again(), other)
  const late = only(desk.work(holder))
  const inTime = only(desk.work(other))
  const refused = { error: { code: 'TASK_LEASE_OVER' } }
  expect(desk.deliver(holder, late, boss).answer).toMatchObject(refused)
  expect(task().state).toBe('leased')
  expect(desk.deliver(other, inTime, boss).answer.status).toBe('ACK')
  expect(desk.deliver(other, inTime, boss).answer).toMatchObject(refused)
  expect(desk.deliver(holder, late, boss).answer).toMatchObject(refused)
  expect(task()).toMatchObject({ state: 'done', accepted: 1, acceptedEpoch: 2, worker: other.self })
})

test.each([
  ['of the wrong size', 'HE', 'not as long as the word'],
  ['of the wrong shape', 7 as unknown as string, 'not of the right shape'],
])('a result %s is refused, and the part is tried again', (_, output, reason) => {
  const { desk, boss, assign, task, holder, again } = assigned()
  desk.deliver(boss, assign, holder)
  const sent = only(desk.work(holder, () => ({ output })))
  const { answer } = desk.deliver(holder, sent, boss)
  expect(answer).toMatchObject({ error: { code: 'TASK_RESULT_WRONG', message: reason } })
  expect(task()).toMatchObject({ state: 'queued', attempt: 1, accepted: 0, lostWith: [] })
  expect(task().notBeforeMs).toBeGreaterThan(desk.now())
  desk.pass(LONG_MS)
  expect(again().payload).toMatchObject({ tasks: [{ attempt: 2, lease_epoch: 2 }] })
})

test('a result that is not the one its worker signed for is refused', () => {
  const { desk, boss, assign, task, holder } = assigned()
  desk.deliver(boss, assign, holder)
  const sent = only(desk.work(holder))
  const [first] = sent.payload['results'] as unknown as [object]
  const forged = { ...sent, payload: { ...sent.payload, results: [{ ...first, output: 'HELLA' }] } } as Draft
  const unsigned = resultFrom(assign, { output: 'HELLO' })
  expect(desk.deliver(holder, forged, boss).answer).toMatchObject({
    error: { code: 'TASK_RESULT_WRONG', message: 'the output is not the one that was signed for' },
  })
  expect(task().state).toBe('queued')
  expect(desk.deliver(holder, unsigned, boss).answer).toMatchObject({ error: { code: 'TASK_LEASE_OVER' } })
})

/** Four workers, of which three vanish one after another with the part they had begun, or only had on their desks. */
function lostThrice(waiting: boolean) {
  const all = assigned(4)
  const { desk, boss, staff, assign, task } = all
  for (let lost = 1; lost <= 3; lost++) {
    const holder = staff.find(({ self }) => self === task().worker) ?? expect.fail('nobody has it')
    desk.deliver(holder, progress(assign, task().leaseEpoch, waiting ? 0 : 1, waiting), boss)
    desk.keep(boss, boss.tasks.workerLost(holder.self))
    desk.giveOut(boss, HELD)
  }
  return all
}

test('a part with which three workers vanished is tried by the own machine before it is given up', () => {
  const { desk, boss, jobId, task } = lostThrice(false)
  expect(task()).toMatchObject({ state: 'leased', worker: boss.self, attempt: 4 })
  desk.work(boss)
  desk.tick(boss)
  expect(boss.store.job(jobId)?.state).toBe('done')
})

test('workers that vanished before they began say nothing about the part', () => {
  const { task, boss } = lostThrice(true)
  expect(task()).toMatchObject({ state: 'leased', attempt: 4, lostWith: [] })
  expect(task().worker).not.toBe(boss.self)
})

test('a part with which three workers vanished, and this machine failed, is poison, and its job fails', () => {
  const { desk, boss, jobId, task } = lostThrice(false)
  desk.work(boss, () => ({ error: { code: 'TASK_CRASHED', message: 'out of memory' } }))
  desk.giveOut(boss, HELD)
  expect(task()).toMatchObject({ state: 'poisoned', attempt: 4 })
  expect(new Set(task().lostWith).size).toBe(3)
  expect(task().steps.filter(({ text }) => text.includes('was lost'))).toHaveLength(3)
  expect(boss.store.job(jobId)).toMatchObject({ state: 'failed', reason: '1 of 1 parts were not done' })
  expect(desk.giveOut(boss, HELD)).toEqual([])
})

test('workers that all vanish in silence were lost by this machine’s own network, and no part is blamed for it', () => {
  const { desk, boss, staff, assign, task } = assigned(3)
  desk.deliver(staff.find(({ self }) => self === assign.to) ?? expect.fail('nobody'), progress(assign, 1), boss)
  const holder = task().worker
  const order = staff.toSorted(({ self }) => (self === holder ? -1 : 1))
  for (const [gone, { self }] of order.entries()) {
    desk.hire(...order.slice(gone + 1).map(worker => [worker, 2] as const))
    desk.keep(boss, boss.tasks.workerLost(self))
    if (gone === 0) expect(task()).toMatchObject({ attempt: 1, lostWith: [holder] })
  }
  expect(task()).toMatchObject({ state: 'queued', attempt: 0, lostWith: [] })
  expect(task().steps.at(-1)?.text).toContain('this machine had lost its network')
})

test('peers that were never asked for work and leave say nothing about this machine’s network', () => {
  const { desk, boss, assign, task, holder } = assigned(1)
  desk.deliver(holder, progress(assign, 1), boss)
  desk.hire()
  for (const name of [holder.self, 'passer-by', 'another']) desk.keep(boss, boss.tasks.workerLost(name as Peer['self']))
  expect(task()).toMatchObject({ attempt: 1, lostWith: [holder.self] })
})

test('a worker that vanished before others were heard from is counted, though they vanish as well', () => {
  const { desk, boss, staff, assign, task, holder } = assigned(3)
  desk.deliver(holder, progress(assign, 1), boss)
  desk.keep(boss, boss.tasks.workerLost(holder.self))
  const [one, two] = staff.filter(worker => worker !== holder) as [Peer, Peer]
  desk.hire([one, 2], [two, 2])
  desk.giveOut(boss, HELD)
  desk.deliver(one, progress(assign, 9), boss)
  desk.hire()
  for (const { self } of [one, two]) desk.keep(boss, boss.tasks.workerLost(self))
  expect(task().lostWith).toEqual([holder.self])
})

test('a result too large to be sent is told to the submitter as a failure, once', () => {
  const { desk, boss, assign, task, holder } = assigned()
  desk.deliver(boss, assign, holder)
  const sent = only(desk.work(holder))
  const refusal = { code: 'ENV_TOO_LARGE', message: '2000000 bytes' }
  const told = only(desk.undelivered(holder, sent, refusal))
  expect(told).toMatchObject({ type: 'task.result', to: boss.self })
  expect(desk.deliver(holder, told, boss).answer.status).toBe('ACK')
  expect(task()).toMatchObject({
    state: 'queued',
    reason: 'ENV_TOO_LARGE: the result could not be sent: 2000000 bytes',
  })
  // Neither that message in its turn, nor what the submitter itself refused.
  expect(desk.undelivered(holder, told, refusal)).toEqual([])
  expect(desk.undelivered(holder, sent, { code: 'TASK_LEASE_OVER', message: 'too late' })).toEqual([])
})

test('one worker that vanishes again and again is not three workers', () => {
  const { desk, boss, staff, task } = assigned()
  for (let lost = 1; lost <= 3; lost++) {
    desk.keep(boss, boss.tasks.workerLost(staff[0].self))
    desk.giveOut(boss, HELD)
  }
  expect(task()).toMatchObject({ state: 'leased', attempt: 4 })
})

test('a part that failed five times elsewhere is tried once more, by the own machine, and then given up', () => {
  const { desk, boss, staff, jobId, task } = assigned()
  const [worker] = staff
  for (let attempt = 1; attempt <= 5; attempt++) {
    expect(task()).toMatchObject({ state: 'leased', attempt })
    const { id, leaseEpoch } = task()
    const error = { code: 'TASK_CRASHED', message: 'out of luck' }
    const draft: Draft = {
      type: 'task.result',
      subjectId: jobId as SubjectId,
      carrier: 'stream',
      ttlMs: 1,
      payload: { results: [{ task_id: id, lease_epoch: leaseEpoch, error }] },
    }
    expect(desk.deliver(worker, draft, boss).answer.status).toBe('ACK')
    desk.pass(LONG_MS)
    desk.giveOut(boss, HELD)
  }
  expect(task()).toMatchObject({ state: 'leased', attempt: 6, worker: boss.self })
  desk.work(boss, () => ({ error: { code: 'TASK_CRASHED', message: 'here as well' } }))
  desk.giveOut(boss, HELD)
  expect(task()).toMatchObject({ state: 'failed', attempt: 6, reason: 'TASK_CRASHED: here as well' })
  expect(boss.store.job(jobId)?.state).toBe('failed')
})

test('an assignment given up late does not end the newer lease of the same worker', () => {
  const { desk, boss, staff, assign, task, again } = assigned()
  desk.keep(boss, boss.tasks.workerLost(staff[0].self))
  const second = again()
  const expired = { code: 'OUTBOX_EXPIRED', message: 'not acknowledged in time' }
  desk.undelivered(boss, assign, expired)
  expect(task()).toMatchObject({ state: 'leased', leaseEpoch: 2 })
  desk.undelivered(boss, second, expired)
  expect(task()).toMatchObject({ state: 'queued' })
})

test('a cancelled job tells its workers, takes no result any more and stays cancelled', () => {
  const { desk, boss, jobId, assign, task, holder } = assigned()
  desk.deliver(boss, assign, holder)
  const cancel = only(desk.keep(boss, boss.tasks.cancel(jobId)).messages)
  const work = holder.store.openWork()
  desk.deliver(boss, cancel, holder)
  expect([work.length, holder.store.openWork().length]).toEqual([1, 0])
  const late = resultFrom(assign, { output: 'HELLO' })
  expect(desk.deliver(holder, late, boss).answer).toMatchObject({ error: { code: 'TASK_LEASE_OVER' } })
  desk.tick(boss)
  expect(task().state).toBe('cancelled')
  expect(boss.store.job(jobId)).toMatchObject({ state: 'cancelled', finishedMs: desk.now() })
  expect(boss.tasks.cancel(jobId).answer).toMatchObject({ error: { code: 'TASK_STATE' } })
})

test('a peer alone works for itself, and its result takes the same way', () => {
  const desk = createOffice()
  const loner = desk.createPeer('loner', 1)
  const { jobId } = desk.request(loner)
  expect(desk.tick(loner).messages).toEqual([])
  desk.work(loner, () => ({ output: 'longer than it' }))
  expect(desk.task(loner, jobId)).toMatchObject({ state: 'queued', accepted: 0 })
  desk.pass(LONG_MS)
  desk.tick(loner)
  desk.work(loner)
  desk.tick(loner)
  expect(loner.store.openWork()).toEqual([])
  expect(loner.store.job(jobId)?.state).toBe('done')
  expect(loner.store.statements(jobId)).toEqual([])
})

test('a start forgets the work of others, gives its own out again and leaves others time to come back', () => {
  const { desk, boss, assign, task, holder } = assigned()
  desk.deliver(boss, assign, holder)
  desk.hire()
  const own = desk.request(holder)
  desk.tick(holder)
  expect(holder.store.openWork()).toHaveLength(2)
  desk.keep(holder, holder.tasks.restarted())
  expect(holder.store.openWork()).toEqual([])
  expect(desk.task(holder, own.jobId)).toMatchObject({ state: 'queued', tried: [holder.self] })
  // The submitter was away for longer than its leases lasted.
  desk.hire([holder, 2])
  desk.pass(10 * LEASE_MS)
  desk.keep(boss, boss.tasks.restarted())
  desk.tick(boss)
  expect(task()).toMatchObject({ state: 'leased', worker: holder.self })
})

test('near the end a copy of slow work goes to another worker; the first result counts, the other is told to stop', () => {
  const { desk, boss, assign, task, holder, other } = assigned(2)
  desk.deliver(boss, assign, holder)
  desk.pass(LEASE_MS / 2 + 1)
  desk.deliver(holder, progress(assign, 1), boss)
  const copy = only(desk.tick(boss).messages.filter(({ type }) => type === 'task.assign'))
  expect(copy.to).toBe(other.self)
  expect(task()).toMatchObject({ state: 'leased', attempt: 1, leaseEpoch: 2 })
  expect(task().leases).toHaveLength(2)
  // There is no third.
  expect(desk.tick(boss).messages).toEqual([])
  desk.deliver(boss, copy, other)
  const told = desk.deliver(other, only(desk.work(other)), boss)
  expect(task()).toMatchObject({ state: 'done', worker: other.self, accepted: 1 })
  const slow = only(desk.work(holder))
  desk.carry(boss, told.messages)
  expect(desk.deliver(holder, slow, boss).answer).toMatchObject({ error: { code: 'TASK_LEASE_OVER' } })
  expect(task().accepted).toBe(1)
})

test('a lost worker costs no delay, a failure waits longer each time', () => {
  expect(retryWork({ attempt: 1, lostWith: ['a'] }, 'lost', 0.9)).toEqual({ delayMs: 0 })
  const delays = [1, 2, 3, 4].map(attempt => retryWork({ attempt, lostWith: [] }, 'failed', 0.5))
  expect(delays).toEqual([500, 1_000, 2_000, 4_000].map(delayMs => ({ delayMs })))
})
