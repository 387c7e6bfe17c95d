import { expect, test } from 'vitest'
import type { TaskId } from '../../src/kernel/ids.ts'
import type { Draft } from '../../src/kernel/outcome.ts'
import { place } from '../../src/tasks/placement.ts'
import { retryWork } from '../../src/tasks/retry.ts'
import type { Task } from '../../src/tasks/task.ts'
import { createOffice, LEASE_MS, type Peer } from '../support/two-desks.ts'

/** Longer than any wait between two attempts. */
const LONG_MS = 120_000

function office(workers = 1) {
  const desk = createOffice()
  const boss = desk.createPeer('boss', 0)
  const staff = Array.from({ length: workers }, (_, i) => desk.createPeer(`worker-${i}`))
  desk.hire(...staff.map(worker => [worker, 2] as const))
  return { desk, boss, staff: staff as [Peer, Peer, Peer, Peer] }
}

const only = <T>(items: readonly T[]): T => {
  expect(items).toHaveLength(1)
  return items[0] as T
}

/** Gives out the one part of a job. */
function assigned(workers = 1) {
  const { desk, boss, staff } = office(workers)
  const jobId = desk.submit(boss, 'hello')
  const assign = only(desk.tick(boss).messages)
  const task = (): Task => only(boss.store.tasksOfJob(jobId))
  return { desk, boss, staff, jobId, assign, task }
}

function resultOf(
  worker: Peer,
  taskId: TaskId,
  result: { output: string } | { error: { code: string; message: string } },
) {
  const work = worker.store.work(taskId) ?? expect.fail('no such work')
  return worker.tasks.worked(taskId, work.leaseEpoch, result)
}

test('a job is split, worked on and closed, and its parts keep their order', () => {
  const { desk, boss, staff } = office(2)
  const jobId = desk.submit(boss, 'one two', 'three')
  const assigns = desk.tick(boss).messages
  expect(assigns.map(({ to }) => String(to)).toSorted()).toEqual(['worker-0', 'worker-0', 'worker-1'])
  // The last part is done first.
  for (const assign of assigns.toReversed()) {
    const worker = staff.find(({ self }) => self === assign.to) ?? expect.fail('nobody')
    expect(desk.deliver(boss, assign, worker).answer.status).toBe('ACK')
    const { input } = worker.store.work(assign.taskId) ?? expect.fail('not on the desk')
    const result = only(
      desk.keep(worker, resultOf(worker, assign.taskId, { output: (input as string).toUpperCase() })).messages,
    )
    expect(desk.deliver(worker, result, boss).answer.status).toBe('ACK')
    expect(worker.store.work(assign.taskId)).toBeUndefined()
  }
  desk.tick(boss)
  expect(boss.store.job(jobId)).toMatchObject({ state: 'done', total: 3, finishedMs: desk.now() })
  expect(boss.store.tasksOfJob(jobId).map(({ output, document, accepted }) => [output, document, accepted])).toEqual([
    ...[
      ['ONE', 0, 1],
      ['TWO', 0, 1],
    ],
    ['THREE', 1, 1],
  ])
})

test('a lease ends when its worker gives no sign of life, and the part goes to another at once', () => {
  const { desk, boss, task } = assigned(2)
  const first = task().worker
  desk.pass(LEASE_MS - 1)
  desk.tick(boss)
  expect(task()).toMatchObject({ state: 'leased', worker: first, leaseEpoch: 1 })
  desk.pass(1)
  desk.tick(boss)
  expect(task()).toMatchObject({ state: 'queued', lostWith: [first] })
  const again = only(desk.tick(boss).messages)
  expect(again.to).not.toBe(first)
  expect(task()).toMatchObject({ state: 'leased', worker: again.to, leaseEpoch: 2, attempt: 2, releaseMs: 0 })
})

test('a sign of life prolongs the lease of who holds it, and of nobody else', () => {
  const { desk, boss, staff, assign, task } = assigned(2)
  const [holder, other] = staff
  desk.pass(LEASE_MS - 1)
  const progress = (epoch: number): Draft => ({
    ...{ type: 'task.progress', taskId: assign.taskId, carrier: 'stream', ttlMs: 1 },
    payload: { lease_epoch: epoch, done: 1, total: 2 },
  })
  const over = { status: 'NACK', error: { code: 'TASK_LEASE_OVER' } }
  expect(desk.deliver(other, progress(1), boss).answer).toMatchObject(over)
  expect(desk.deliver(holder, progress(2), boss).answer).toMatchObject(over)
  expect(task().leaseUntilMs).toBe(desk.now() + 1)
  expect(desk.deliver(holder, progress(1), boss).answer.status).toBe('ACK')
  expect(task().leaseUntilMs).toBe(desk.now() + LEASE_MS)
})

test('the leases of a worker that went away are taken back without waiting for their end', () => {
  const { desk, boss, staff, task } = assigned(2)
  const [first, second] = staff
  desk.keep(boss, boss.tasks.workerLost(second.self))
  expect(task().state).toBe('leased')
  desk.keep(boss, boss.tasks.workerLost(first.self))
  expect(task()).toMatchObject({ state: 'queued', notBeforeMs: desk.now() })
  expect(only(desk.tick(boss).messages).to).toBe(second.self)
})

test('a worker with a full desk is asked again later, and it costs no attempt', () => {
  const { desk, boss, staff } = office(1)
  const [worker] = staff
  const jobId = desk.submit(boss, 'a b')
  desk.hire([worker, 3])
  desk.submit(boss, 'c')
  const assigns = desk.tick(boss).messages
  const answers = assigns.map(assign => desk.deliver(boss, assign, worker).answer)
  expect(answers.map(({ status }) => status)).toEqual(['ACK', 'ACK', 'NACK'])
  const last = assigns[2] ?? expect.fail('three parts')
  expect(answers[2]).toMatchObject({ error: { code: 'TASK_BUSY', details: { retry_after_ms: 1_000 } } })
  desk.undelivered(boss, last, 'TASK_BUSY', { retry_after_ms: 1_000 })
  const waiting = boss.store.task(last.taskId)
  expect(waiting).toMatchObject({ state: 'queued', attempt: 0, notBeforeMs: desk.now() + 1_000, lostWith: [] })
  expect(desk.tick(boss).messages).toEqual([])
  desk.pass(1_000)
  expect(only(desk.tick(boss).messages).taskId).toBe(last.taskId)
  expect(boss.store.job(jobId)?.state).toBe('running')
})

test('who does not work, knows the kind in another version, or cannot read the input, refuses', () => {
  const { desk, boss, staff, assign } = assigned()
  const [worker] = staff
  const change = (payload: object): Draft => ({ ...assign, payload: { ...assign.payload, ...payload } })
  const code = (draft: Draft, to: Peer) => desk.deliver(boss, draft, to).answer
  expect(code(assign, desk.createPeer('idle', 0))).toMatchObject({ error: { code: 'TASK_NOT_OFFERED' } })
  expect(code(change({ version: 2 }), worker)).toMatchObject({ error: { code: 'TASK_KIND_UNKNOWN' } })
  expect(code(change({ kind: 'whisper' }), worker)).toMatchObject({ error: { code: 'TASK_KIND_UNKNOWN' } })
  expect(code(change({ input: 7 }), worker)).toMatchObject({ error: { code: 'TASK_BAD_INPUT' } })
  expect(code(change({ params: { loud: 1 } }), worker)).toMatchObject({ error: { code: 'TASK_BAD_INPUT' } })
  expect(worker.store.openWork()).toEqual([])
})

test('nobody takes or drops the task of somebody else from a desk', () => {
  const { desk, boss, staff, assign } = assigned()
  const [worker] = staff
  const stranger = desk.createPeer('stranger')
  desk.deliver(boss, assign, worker)
  expect(desk.deliver(stranger, assign, worker).answer).toMatchObject({ error: { code: 'TASK_UNKNOWN' } })
  const cancel: Draft = { ...assign, type: 'task.cancel', payload: { lease_epoch: 1 } }
  desk.deliver(stranger, cancel, worker)
  expect(worker.store.work(assign.taskId)).toMatchObject({ submitter: boss.self })
  desk.deliver(boss, cancel, worker)
  expect(worker.store.work(assign.taskId)).toBeUndefined()
})

test('a result that comes after its lease ended is refused, and the part is accepted once', () => {
  const { desk, boss, staff, assign, task } = assigned(2)
  const [slow, quick] = staff
  desk.deliver(boss, assign, slow)
  desk.keep(boss, boss.tasks.workerLost(slow.self))
  const again = only(desk.tick(boss).messages)
  desk.deliver(boss, again, quick)
  const late = only(desk.keep(slow, resultOf(slow, assign.taskId, { output: 'HELLO' })).messages)
  const inTime = only(desk.keep(quick, resultOf(quick, assign.taskId, { output: 'HELLO' })).messages)
  expect(desk.deliver(slow, late, boss).answer).toMatchObject({ error: { code: 'TASK_LEASE_OVER' } })
  expect(task().state).toBe('leased')
  expect(desk.deliver(quick, inTime, boss).answer.status).toBe('ACK')
  expect(desk.deliver(slow, late, boss).answer).toMatchObject({ error: { code: 'TASK_LEASE_OVER' } })
  expect(task()).toMatchObject({ state: 'done', accepted: 1, output: 'HELLO' })
})

test.each([
  ['of the wrong words', { output: 'hello' }, 'not the word in capitals'],
  ['of the wrong shape', { output: 7 as unknown as string }, 'not of the right shape'],
])('a result %s is refused, and the part is tried again', (_, result, reason) => {
  const { desk, boss, staff, assign, task } = assigned()
  const [worker] = staff
  desk.deliver(boss, assign, worker)
  const sent = only(desk.keep(worker, resultOf(worker, assign.taskId, result)).messages)
  const { answer } = desk.deliver(worker, sent, boss)
  expect(answer).toMatchObject({ error: { code: 'TASK_RESULT_WRONG', message: reason } })
  expect(task()).toMatchObject({ state: 'queued', attempt: 1, accepted: 0, lostWith: [] })
  expect(task().notBeforeMs).toBeGreaterThan(desk.now())
  desk.pass(LONG_MS)
  expect(only(desk.tick(boss).messages).payload).toMatchObject({ attempt: 2, lease_epoch: 2 })
})

test('a part with which three workers vanished is poison, and its job fails', () => {
  const { desk, boss, jobId, task } = assigned(4)
  for (let lost = 1; lost <= 3; lost++) {
    const { worker } = task()
    if (worker === undefined) throw new Error('nobody has it')
    desk.keep(boss, boss.tasks.workerLost(worker))
    desk.tick(boss)
  }
  expect(task()).toMatchObject({ state: 'poisoned', attempt: 3 })
  expect(new Set(task().lostWith).size).toBe(3)
  expect(boss.store.job(jobId)).toMatchObject({ state: 'failed', reason: '1 of 1 parts were not done' })
  expect(desk.tick(boss).messages).toEqual([])
})

test('one worker that vanishes again and again is not three workers', () => {
  const { desk, boss, staff, task } = assigned()
  for (let lost = 1; lost <= 3; lost++) {
    desk.keep(boss, boss.tasks.workerLost(staff[0].self))
    desk.tick(boss)
  }
  expect(task()).toMatchObject({ state: 'leased', attempt: 4 })
})

test('a part that failed five times is not tried a sixth time', () => {
  const { desk, boss, staff, jobId, task } = assigned()
  const [worker] = staff
  let assign = desk.tick(boss).messages[0]
  for (let attempt = 1; attempt <= 5; attempt++) {
    expect(task()).toMatchObject({ state: 'leased', attempt })
    const { id, leaseEpoch } = task()
    const draft: Draft = {
      ...{ type: 'task.result', taskId: id, carrier: 'stream', ttlMs: 1 },
      payload: { lease_epoch: leaseEpoch, error: { code: 'TASK_CRASHED', message: 'out of luck' } },
    }
    expect(desk.deliver(worker, draft, boss).answer.status).toBe('ACK')
    desk.pass(LONG_MS)
    assign = desk.tick(boss).messages[0]
  }
  expect(assign).toBeUndefined()
  expect(task()).toMatchObject({ state: 'failed', attempt: 5, reason: 'TASK_CRASHED: out of luck' })
  expect(boss.store.job(jobId)?.state).toBe('failed')
})

test('an assignment given up late does not end the newer lease of the same worker', () => {
  const { desk, boss, staff, assign, task } = assigned()
  desk.keep(boss, boss.tasks.workerLost(staff[0].self))
  const again = only(desk.tick(boss).messages)
  expect(task()).toMatchObject({ state: 'leased', leaseEpoch: 2 })
  desk.undelivered(boss, assign, 'OUTBOX_EXPIRED')
  expect(task()).toMatchObject({ state: 'leased', leaseEpoch: 2 })
  desk.undelivered(boss, again, 'OUTBOX_EXPIRED')
  expect(task()).toMatchObject({ state: 'queued' })
})

test('a cancelled job tells its workers, takes no result any more and stays cancelled', () => {
  const { desk, boss, staff, jobId, assign, task } = assigned()
  const [worker] = staff
  desk.deliver(boss, assign, worker)
  const cancel = only(desk.keep(boss, boss.tasks.cancel(jobId)).messages)
  const result = only(resultOf(worker, assign.taskId, { output: 'HELLO' }).messages)
  desk.deliver(boss, cancel, worker)
  expect(worker.store.openWork()).toEqual([])
  expect(desk.deliver(worker, result, boss).answer).toMatchObject({ error: { code: 'TASK_LEASE_OVER' } })
  desk.tick(boss)
  expect(task().state).toBe('cancelled')
  expect(boss.store.job(jobId)).toMatchObject({ state: 'cancelled', finishedMs: desk.now() })
  expect(boss.tasks.cancel(jobId).answer).toMatchObject({ error: { code: 'TASK_UNKNOWN' } })
})

test('a peer alone works for itself, and its result takes the same way', () => {
  const desk = createOffice()
  const loner = desk.createPeer('loner', 1)
  desk.hire([loner, 1])
  const jobId = desk.submit(loner, 'hello')
  expect(desk.tick(loner).messages).toEqual([])
  const { taskId, leaseEpoch } = only(loner.store.openWork())
  desk.keep(loner, loner.tasks.worked(taskId, leaseEpoch, { output: 'wrong' }))
  expect(only(loner.store.tasksOfJob(jobId))).toMatchObject({ state: 'queued', accepted: 0 })
  desk.pass(LONG_MS)
  desk.tick(loner)
  const again = only(loner.store.openWork())
  desk.keep(loner, loner.tasks.worked(again.taskId, again.leaseEpoch, { output: 'HELLO' }))
  desk.tick(loner)
  expect(loner.store.openWork()).toEqual([])
  expect(loner.store.job(jobId)?.state).toBe('done')
})

test('a start forgets the work of others and gives its own out again', () => {
  const desk = createOffice()
  const [boss, loner] = [desk.createPeer('boss', 0), desk.createPeer('loner', 2)]
  desk.hire([loner, 2])
  desk.submit(boss, 'theirs')
  desk.deliver(boss, only(desk.tick(boss).messages), loner)
  const jobId = desk.submit(loner, 'mine')
  desk.tick(loner)
  expect(loner.store.openWork()).toHaveLength(2)
  desk.keep(loner, loner.tasks.restarted())
  expect(loner.store.openWork()).toEqual([])
  expect(only(loner.store.tasksOfJob(jobId))).toMatchObject({ state: 'queued', lostWith: [loner.self] })
})

test('a job of an unknown kind or with parameters it does not know is refused and leaves nothing', () => {
  const { boss } = office()
  const unknown = boss.tasks.submit({ kind: 'whisper', params: {}, documents: [] })
  expect(unknown.outcome.answer).toMatchObject({ error: { code: 'TASK_KIND_UNKNOWN' } })
  expect(unknown.outcome.facts).toEqual([])
  const bad = boss.tasks.submit({ kind: 'shout', params: { loud: true }, documents: [] })
  expect(bad.outcome.answer).toMatchObject({ error: { code: 'TASK_BAD_INPUT' } })
})

test('work goes to who has not tried it before, then to who has most room, and waits when nobody has', () => {
  const [a, b] = [
    { peer: 'a' as never, slots: 2 },
    { peer: 'b' as never, slots: 1 },
  ]
  const task = (tried: string[]): Task => ({ tried }) as unknown as Task
  const to = (tasks: Task[], leased: [string, number][] = []) =>
    place(tasks, [a, b], new Map(leased) as never).map(({ worker }) => worker)
  expect(to([task([])])).toEqual(['a'])
  expect(to([task(['a'])])).toEqual(['b'])
  expect(to([task(['a', 'b'])])).toEqual(['a'])
  expect(to([task([]), task([]), task([]), task([])])).toEqual(['a', 'a', 'b'])
  expect(to([task([])], [['a', 2]])).toEqual(['b'])
  expect(
    to(
      [task([])],
      [
        ['a', 2],
        ['b', 1],
      ],
    ),
  ).toEqual([])
})

test('a lost worker costs no delay, a failure waits longer each time', () => {
  expect(retryWork({ attempt: 1, lostWith: ['a'] }, 'lost', 0.9)).toEqual({ delayMs: 0 })
  const delays = [1, 2, 3, 4].map(attempt => retryWork({ attempt, lostWith: [] }, 'failed', 0.5))
  expect(delays).toEqual([500, 1_000, 2_000, 4_000].map(delayMs => ({ delayMs })))
})
