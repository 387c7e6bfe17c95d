import { expect, test } from 'vitest'
import { takeIn } from '../../src/domains/tasks/queue/submission.ts'
import { nextJobState, nextTaskState } from '../../src/domains/tasks/states.ts'
import type { TaskFact } from '../../src/domains/tasks/task.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { type Commit, type Draft, outcome } from '../../src/kernel/outcome.ts'
import { createOffice, type Peer } from '../support/two-desks.ts'

const HELD = ['task.assign']

function office(workers = 1) {
  const desk = createOffice()
  const boss = desk.createPeer('boss', 0)
  const staff = Array.from({ length: workers }, (_, i) => desk.createPeer(`worker-${i}`))
  desk.hire(...staff.map(worker => [worker, 2] as const))
  const run = (rounds = 8) => {
    for (let i = 0; i < rounds; i++) {
      desk.giveOut(boss)
      for (const peer of [...staff, boss]) desk.carry(peer, desk.work(peer))
    }
    desk.tick(boss)
  }
  return { desk, boss, staff: staff as [Peer, Peer, Peer, Peer], run }
}

const jobsOf = (drafts: readonly Draft[]) => drafts.map(({ subjectId }) => String(subjectId))

test('a task ends in one of five states, and only its owner brings it back from four of them', () => {
  for (const state of ['failed', 'cancelled', 'expired', 'poisoned'] as const) {
    expect(nextTaskState(state, 'retry')).toBe('queued')
    expect(nextTaskState(state, 'assign')).toBeUndefined()
    expect(nextTaskState(state, 'accept')).toBeUndefined()
  }
  expect(nextTaskState('done', 'accept')).toBeUndefined()
  expect(nextTaskState('done', 'retry')).toBeUndefined()
  expect(nextJobState('done', 'retry')).toBeUndefined()
})

test('the more important job is given out first, and of equals the older one', () => {
  const { desk, boss } = office()
  const low = desk.request(boss, { text: 'a b', verify: 'none', priority: -1 })
  const high = desk.request(boss, { text: 'c', verify: 'none', priority: 5 })
  const next = desk.request(boss, { text: 'd e', verify: 'none', priority: 5 })
  expect(jobsOf(desk.giveOut(boss, HELD))).toEqual([high.jobId, next.jobId])
  expect(boss.store.taskCounts(low.jobId)).toEqual({ queued: 2 })
  expect(boss.store.taskCounts(next.jobId)).toEqual({ leased: 1, queued: 1 })
})

test('a deadline in the past is refused, and one that comes ends what is not done', () => {
  const { desk, boss } = office()
  const past = desk.request(boss, { deadlineMs: desk.now() })
  expect(past.answer).toMatchObject({ error: { code: 'TASK_DEADLINE_PAST' } })
  expect(boss.store.job(past.jobId)).toBeUndefined()
  const { jobId } = desk.request(boss, { text: 'a b c', deadlineMs: desk.now() + 5_000, verify: 'none' })
  desk.giveOut(boss)
  desk.pass(5_000)
  const cancels = desk.tick(boss).messages
  expect(cancels.map(({ type }) => type)).toEqual(['task.cancel'])
  expect(boss.store.job(jobId)).toMatchObject({ state: 'expired', reason: 'its deadline has come' })
  expect(boss.store.taskCounts(jobId)).toEqual({ expired: 3 })
})

test('a job waits for the jobs it comes after, and begins when they are done', () => {
  const { desk, boss, run } = office()
  const first = desk.request(boss, { verify: 'none' })
  const second = desk.request(boss, { verify: 'none', after: [first.jobId] })
  desk.giveOut(boss)
  expect(boss.store.job(second.jobId)?.state).toBe('waiting')
  expect(boss.store.taskCounts(second.jobId)).toEqual({ queued: 1 })
  run()
  expect(boss.store.job(second.jobId)?.state).toBe('done')
  expect(desk.request(boss, { after: ['nobody'] }).answer).toMatchObject({ error: { code: 'TASK_UNKNOWN' } })
})

test('a job fails with the one it comes after, and says why', () => {
  const { desk, boss } = office()
  const first = desk.request(boss)
  const second = desk.request(boss, { after: [first.jobId] })
  desk.keep(boss, boss.tasks.cancel(first.jobId))
  desk.tick(boss)
  const reason = `job ${first.jobId}, which it comes after, is cancelled`
  expect(boss.store.job(second.jobId)).toMatchObject({ state: 'failed', reason })
  expect(desk.task(boss, second.jobId)).toMatchObject({ state: 'failed', reason })
})

test('the same key with the same request is the same job; with another it is refused', () => {
  const { desk, boss } = office()
  const first = desk.request(boss, { key: 'k', text: 'a b' })
  const again = desk.request(boss, { key: 'k', text: 'a b' })
  expect(again).toMatchObject({ jobId: first.jobId, answer: { status: 'ACK' } })
  expect(boss.store.tasksOfJob(first.jobId)).toHaveLength(2)
  const other = desk.request(boss, { key: 'k', text: 'a c' })
  expect(other.answer).toMatchObject({ error: { code: 'TASK_KEY_REUSED' } })
  expect(boss.store.jobs(10)).toHaveLength(1)
})

test('the same key is the same job, whatever deadline it is sent with; the first deadline stands', () => {
  const { desk, boss } = office()
  const deadlineMs = desk.now() + 5_000
  const first = desk.request(boss, { key: 'k', deadlineMs })
  desk.pass(1_000)
  const again = desk.request(boss, { key: 'k', deadlineMs: deadlineMs + 1_000 })
  expect(again).toMatchObject({ jobId: first.jobId, answer: { status: 'ACK' } })
  expect(boss.store.jobs(10)).toMatchObject([{ deadlineMs }])
})

test.each([
  ['expired', 5_000],
  ['was cancelled', undefined],
])('a key does not stand for a job that %s: what is submitted again is another job', (_, afterMs) => {
  const { desk, boss } = office()
  const submit = () => desk.request(boss, { key: 'k', ...(afterMs ? { deadlineMs: desk.now() + afterMs } : {}) })
  const first = submit()
  if (afterMs === undefined) desk.keep(boss, boss.tasks.cancel(first.jobId))
  else desk.pass(afterMs)
  desk.tick(boss)
  const second = submit()
  expect(second.answer.status).toBe('ACK')
  expect(second.jobId).not.toBe(first.jobId)
  expect(boss.store.job(second.jobId)?.state).toBe('running')
  expect(submit().jobId).toBe(second.jobId)
  const refusal = { code: 'TASK_STATE', message: expect.stringContaining(second.jobId) }
  expect(boss.tasks.retry(first.jobId).answer).toMatchObject({ error: refusal })
})

test('a job that expired and is tried again has its key again', () => {
  const { desk, boss } = office()
  const first = desk.request(boss, { key: 'k', deadlineMs: desk.now() + 5_000 })
  desk.pass(5_000)
  desk.tick(boss)
  desk.keep(boss, boss.tasks.retry(first.jobId))
  expect(desk.request(boss, { key: 'k' }).jobId).toBe(first.jobId)
})

test('two submits under one key that come at the same time are one job', async () => {
  const { boss } = office()
  const commit: Commit<TaskFact> = async decide => {
    await new Promise(setImmediate)
    const decided = decide()
    boss.apply(decided.facts)
    return decided
  }
  const submit = () =>
    boss.tasks.submit({ kind: 'shout', params: {}, documents: [{ name: 'd', text: 'a b' }], key: 'k' })
  const [one, two] = await Promise.all([takeIn(submit, commit), takeIn(submit, commit)])
  expect([one.answer.status, two.answer.status]).toEqual(['ACK', 'ACK'])
  expect(boss.store.jobs(10).map(({ id }) => id)).toEqual([one.jobId])
  expect(two.jobId).toBe(one.jobId)
  expect(boss.store.tasksOfJob(one.jobId)).toHaveLength(2)
})

test('a job is private unless it is said to be public', () => {
  const { desk, boss } = office(2)
  const { jobId } = desk.request(boss, { privacy: undefined as never })
  expect(boss.store.job(jobId)).toMatchObject({ privacy: 'private', peers: [], verify: 'none' })
  expect(desk.tick(boss).messages).toEqual([])
  expect(boss.store.openWork()).toMatchObject([{ jobId, submitter: 'boss' }])
  expect(boss.store.job(desk.request(boss, { privacy: 'public' }).jobId)).toMatchObject({ verify: 'adaptive' })
  expect(desk.tick(boss).messages.map(({ type }) => type)).toEqual(['task.offer', 'task.offer'])
})

test('what a job did not get done is tried again when its owner asks, and what is done stays', () => {
  const { desk, boss, staff, run } = office()
  const { jobId } = desk.request(boss, { text: 'good bad', verify: 'none' })
  desk.giveOut(boss)
  const answer = (word: string) =>
    word === 'bad' ? { error: { code: 'TASK_CRASHED', message: 'no' } } : { output: word.toUpperCase() }
  for (let attempt = 1; attempt <= 5; attempt++) {
    desk.carry(staff[0], desk.work(staff[0], answer))
    desk.pass(59_000)
    desk.giveOut(boss)
  }
  // The own machine had the last attempt.
  desk.work(boss, answer)
  desk.tick(boss)
  expect(boss.store.job(jobId)).toMatchObject({ state: 'failed', reason: '1 of 2 parts were not done' })
  expect(desk.keep(boss, boss.tasks.retry(jobId)).answer.status).toBe('ACK')
  expect(boss.store.taskCounts(jobId)).toEqual({ done: 1, queued: 1 })
  run()
  expect(boss.store.job(jobId)).toMatchObject({ state: 'done' })
  expect(boss.store.job(jobId)?.reason).toBeUndefined()
  expect(boss.store.tasksOfJob(jobId).map(({ accepted }) => accepted)).toEqual([1, 1])
  expect(boss.tasks.retry(jobId).answer).toMatchObject({ error: { code: 'TASK_STATE' } })
})

test('a job of an unknown kind or with parameters it does not know is refused and leaves nothing', () => {
  const { desk, boss } = office()
  const unknown = desk.request(boss, { kind: 'whisper' })
  expect(unknown.answer).toMatchObject({ error: { code: 'TASK_KIND_UNKNOWN' } })
  const bad = desk.request(boss, { params: { loud: true } })
  expect(bad.answer).toMatchObject({ error: { code: 'TASK_BAD_INPUT' } })
  expect(boss.store.jobs(10)).toEqual([])
})

test('a queue that is full says so to its feeder, and keeps nothing of what it refuses', () => {
  const desk = createOffice()
  const boss = desk.createPeer('boss', 0, { maxOpenTasks: 300 })
  const many = (count: number) => ({
    text: Array.from({ length: count }, () => 'a').join(' '),
    verify: 'none' as const,
  })
  expect(desk.request(boss, many(250)).answer.status).toBe('ACK')
  const tooMany = desk.request(boss, many(1_000))
  expect(tooMany.answer).toMatchObject({ error: { code: 'TASK_QUEUE_FULL' } })
  expect(boss.store.job(tooMany.jobId)).toMatchObject({ state: 'failed' })
  expect(boss.store.allOpenTasks()).toBe(250)
  expect(desk.request(boss, many(50)).answer.status).toBe('ACK')
  expect(desk.request(boss, many(1)).answer).toMatchObject({ error: { code: 'TASK_QUEUE_FULL' } })
})

test('a large job is taken in by slices, and one cancelled meanwhile takes in no more', () => {
  const { desk, boss } = office()
  const text = Array.from({ length: 1_000 }, (_, i) => `w${i}`).join(' ')
  const submission = boss.tasks.submit({ kind: 'shout', params: {}, documents: [{ name: 'd', text }] })
  desk.keep(boss, submission.outcome)
  const slice = submission.next() ?? expect.fail('no slice')
  expect(slice.facts.length).toBeLessThan(500)
  desk.keep(boss, slice)
  expect(desk.tick(boss).messages).toEqual([])
  desk.keep(boss, boss.tasks.cancel(submission.jobId))
  expect(submission.next()).toBeUndefined()
  expect(boss.store.job(submission.jobId)?.state).toBe('cancelled')
})

test('a job whose texts were being split at a kill goes on where it was, at whichever slice, and keeps no text after', () => {
  const { desk, boss } = office()
  const documents = ['a', 'b'].map(name => ({
    name,
    text: Array.from({ length: 300 }, (_, i) => `${name}${i}`).join(' '),
  }))
  const words = documents.flatMap(({ text }) => text.split(' '))
  for (let slices = 0; slices < 6; slices++) {
    const key = `${slices} slices`
    const first = boss.tasks.submit({ kind: 'shout', params: {}, documents, key })
    desk.keep(boss, first.outcome)
    for (let slice = 0; slice < slices; slice++) desk.keep(boss, first.next() ?? outcome())
    desk.keep(boss, boss.tasks.restarted())
    for (const again of boss.tasks.unopened()) {
      expect(again.jobId).toBe(first.jobId)
      for (let next = again.next(); next !== undefined; next = again.next()) desk.keep(boss, next)
    }
    const tasks = boss.store.tasksOfJob(first.jobId)
    expect(tasks.map(({ id }) => JSON.parse(boss.store.input(id) ?? '')[0] as string)).toEqual(words)
    expect(tasks.map(({ index, document }) => [index, document])).toEqual(words.map((_, i) => [i, i < 300 ? 0 : 1]))
    expect(boss.store.job(first.jobId)).toMatchObject({ state: 'running', total: 600 })
    expect([0, 1].map(document => boss.store.source(first.jobId, document))).toEqual([undefined, undefined])
    expect(desk.request(boss, { documents, key }).jobId).toBe(first.jobId)
  }
})

test('a job cancelled while it was taken in keeps no text, and is not gone on with', () => {
  const { desk, boss } = office()
  const documents = [{ name: 'd', text: 'half a pair \ud800 and \0' }]
  const { jobId, outcome: first } = boss.tasks.submit({ kind: 'shout', params: {}, documents })
  desk.keep(boss, first)
  expect(boss.store.source(jobId, 0)).toEqual(documents[0])
  desk.keep(boss, boss.tasks.cancel(jobId))
  expect(boss.store.source(jobId, 0)).toBeUndefined()
  expect(boss.tasks.unopened()).toEqual([])
})

test('a private job goes to the peers it names, or to the trusted ones, and to nobody else', () => {
  const { desk, boss } = office(3)
  const asked = (peers: string[], trustedPeers: string[] = []) => {
    const owner = desk.createPeer('owner', 0, { trustedPeers: trustedPeers as PeerId[] })
    desk.request(owner, { privacy: 'private', peers: peers as PeerId[] })
    return desk.tick(owner).messages.map(({ type, to }) => [type, String(to)])
  }
  expect(asked(['worker-1'])).toEqual([['task.offer', 'worker-1']])
  expect(asked([], ['worker-2'])).toEqual([['task.offer', 'worker-2']])
  expect(asked([])).toEqual([])
  const { jobId } = desk.request(boss, { privacy: 'private' })
  desk.tick(boss)
  expect(boss.store.openWork()).toMatchObject([{ jobId, submitter: 'boss' }])
})

test('a job that nobody takes is done by its own machine; one that it cannot do says so after a while', () => {
  const { desk, boss, run } = office()
  const taken = desk.request(boss, { verify: 'none' })
  desk.hire([desk.createPeer('idler', 0), 2])
  run(3)
  expect(boss.store.job(taken.jobId)?.state).toBe('done')
  expect(desk.task(boss, taken.jobId).worker).toBe('boss')
  const { jobId } = desk.request(boss, { needs: { engine: 'abacus' } })
  run(2)
  desk.pass(30_000)
  run(2)
  expect(boss.store.job(jobId)).toMatchObject({
    state: 'running',
    reason: expect.stringContaining('there is no abacus here'),
  })
})
