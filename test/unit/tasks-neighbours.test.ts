import { expect, test } from 'vitest'
import { receiptsOf, signStatement } from '../../src/domains/tasks/proof/receipt.ts'
import { takeIn } from '../../src/domains/tasks/queue/submission.ts'
import type { TaskFact } from '../../src/domains/tasks/task.ts'
import type { PeerId, SubjectId } from '../../src/kernel/ids.ts'
import type { Commit, Draft } from '../../src/kernel/outcome.ts'
import { createOffice, fakeSign, type Peer } from '../support/two-desks.ts'

const right = (word: string) => ({ output: word.toUpperCase() })
const failure = () => ({ error: { code: 'TASK_CRASHED', message: 'no' } })
const typesOf = (drafts: readonly Draft[]) => drafts.map(({ type }) => type)

function office(workers = 1) {
  const desk = createOffice()
  const boss = desk.createPeer('boss', 4)
  const staff = Array.from({ length: workers }, (_, i) => desk.createPeer(`worker-${i}`, 8))
  desk.hire(...staff.map(worker => [worker, 8] as const))
  return { desk, boss, staff: staff as [Peer, Peer] }
}

test('a worker cannot put its own input under the name of a task of ours, to have its lie confirmed', () => {
  const { desk, boss, staff } = office()
  const [worker] = staff
  const { jobId } = desk.request(boss, { text: 'truth' })
  desk.giveOut(boss)
  const { id } = desk.task(boss, jobId)
  const bait: Draft = {
    type: 'task.assign',
    subjectId: 'bait' as SubjectId,
    carrier: 'stream',
    ttlMs: 1,
    payload: {
      kind: 'shout',
      version: 1,
      needs: { memory_mb: 1 },
      params: {},
      tasks: [{ task_id: id, lease_epoch: 1, attempt: 1, input: 'false' }],
    },
  }
  expect(desk.deliver(worker, bait, boss).answer).toMatchObject({ error: { code: 'TASK_UNKNOWN' } })
  expect(boss.store.openWork()).toEqual([])
  // Even were it there, it would not be taken for the task's input, nor the other way round.
  expect(boss.store.workInput(id)).toBeUndefined()
  expect(boss.store.input(id)).toBe('["truth"]')
})

test('a worker that fails fast gets no more work for a while, whatever it bids, and longer each time', () => {
  const { desk, boss, staff } = office()
  const [worker] = staff
  const { jobId } = desk.request(boss, { text: 'a b c d e f g h i j k l', verify: 'none' })
  desk.giveOut(boss)
  const bid: Draft = {
    type: 'task.bid',
    subjectId: jobId as SubjectId,
    carrier: 'stream',
    ttlMs: 1,
    payload: { kind: 'shout', version: 1, up_to: 8, until: desk.now() + 600_000, queue: 0, price_class: 0 },
  }
  const failAndBid = () => {
    desk.carry(worker, desk.work(worker, failure))
    desk.deliver(worker, bid, boss)
  }
  failAndBid()
  desk.pass(4_999)
  desk.giveOut(boss)
  expect(worker.store.openWork()).toEqual([])
  // The submitter does not wait for it.
  expect(boss.store.openWork().map(({ submitter }) => submitter)).toEqual(['boss', 'boss'])
  desk.pass(1)
  desk.giveOut(boss)
  expect(worker.store.openWork().length).toBeGreaterThan(0)
  failAndBid()
  desk.pass(9_999)
  desk.giveOut(boss)
  expect(worker.store.openWork()).toEqual([])
})

test('errors do not make a worker look quick', () => {
  const { desk, boss, staff } = office(2)
  const [quitter, honest] = staff
  desk.request(boss, { text: 'a b', verify: 'none' })
  desk.giveOut(boss)
  desk.carry(quitter, desk.work(quitter, failure))
  desk.pass(3_000)
  desk.carry(honest, desk.work(honest, right))
  desk.pass(120_000)
  for (let i = 0; i < 3; i++) {
    desk.giveOut(boss)
    for (const peer of [boss, honest, quitter]) desk.carry(peer, desk.work(peer, right))
  }
  desk.pass(120_000)
  const { jobId } = desk.request(boss, { text: 'c d e f g h', verify: 'none' })
  desk.giveOut(boss)
  const workers = boss.store.tasksOfJob(jobId).map(({ worker }) => worker)
  expect(workers.filter(worker => worker === 'worker-0').length).toBeLessThanOrEqual(3)
})

test('a peer that says it works and never answers an offer does not hold a job up', () => {
  const { desk, boss } = office()
  const ghost = { self: 'ghost' as PeerId }
  desk.hire([ghost, 8])
  const { jobId } = desk.request(boss, { text: 'a b c d e f', verify: 'none' })
  desk.giveOut(boss)
  expect(boss.store.openWork()).toEqual([])
  desk.pass(10_000)
  for (let i = 0; i < 3; i++) {
    // It is offered again, and that does not make it any less silent.
    desk.giveOut(boss)
    expect(boss.store.openWork()).toHaveLength(2)
    desk.work(boss)
    desk.pass(4_000)
  }
  desk.tick(boss)
  expect(boss.store.job(jobId)?.state).toBe('done')
})

test('a job whose text cannot be kept fails with the reason, and its key is free for the mended one', async () => {
  const { desk, boss } = office()
  const commit: Commit<TaskFact> = async decide => {
    const decided = decide()
    boss.apply(decided.facts)
    return decided
  }
  const many = Array.from({ length: 200 }, (_, i) => `w${i}`).join(' ')
  const request = (text: string) => ({ kind: 'shout', params: {}, documents: [{ name: 'd', text }], key: 'k' })
  await expect(takeIn(() => boss.tasks.submit(request(`${many} half \uD800 pair`)), commit)).rejects.toThrow()
  const [broken] = boss.store.jobs(10)
  expect(broken).toMatchObject({ state: 'failed', reason: expect.any(String) })
  expect(boss.store.allOpenTasks()).toBe(0)
  const mended = await takeIn(() => boss.tasks.submit(request(`${many} whole pair`)), commit)
  expect(mended.jobId).not.toBe(broken?.id)
  expect(mended.answer.status).toBe('ACK')
  expect(boss.store.job(mended.jobId)?.state).toBe('running')
  expect(desk.request(boss, { ...request(`${many} whole pair`) }).jobId).toBe(mended.jobId)
})

/** A worker's result of a word, with what it claims changed before it signs. */
function claiming(busyMs: number, energyMicroWh: number) {
  const desk = createOffice()
  const boss = desk.createPeer('boss', 0)
  const worker = desk.createPeer('worker', 2, { energyMicroWh: () => energyMicroWh })
  desk.hire([worker, 2])
  const { jobId } = desk.request(boss, { verify: 'none' })
  desk.giveOut(boss)
  desk.pass(2_000)
  const results = worker.store.openWork().map(({ taskId, leaseEpoch }) => ({
    taskId,
    leaseEpoch,
    busyMs,
    result: right('hello'),
  }))
  const [sent] = desk.keep(worker, worker.tasks.worked(results)).messages as [Draft]
  return { desk, boss, worker, jobId, sent, ...desk.deliver(worker, sent, boss) }
}

test('more time than the task was away, or more energy than a machine takes, is not signed for', () => {
  expect(claiming(2_000, 100_000).answer.status).toBe('ACK')
  const slow = claiming(5_000, 100)
  expect(slow.answer).toMatchObject({ error: { message: 'it claims more time than it had the task' } })
  const hungry = claiming(2_000, 10_000_000)
  expect(hungry.answer).toMatchObject({ error: { message: 'it claims more energy than a machine takes' } })
  for (const { boss, jobId, messages } of [slow, hungry]) {
    expect(typesOf(messages)).not.toContain('task.ack')
    // What nothing was accepted of is not kept.
    expect(boss.store.statements(jobId)).toEqual([])
  }
})

test('work of one job is not signed for under the name of another', () => {
  const { desk, boss, staff } = office()
  const [worker] = staff
  const { jobId } = desk.request(boss, { verify: 'none' })
  desk.giveOut(boss)
  const [work] = worker.store.openWork()
  worker.apply([{ kind: 'tasks.work', work: { ...(work ?? expect.fail('no work')), jobId: 'another' } }])
  const [sent] = desk.work(worker) as [Draft]
  expect(sent.subjectId).toBe('another')
  expect(desk.deliver(worker, sent, boss).answer).toMatchObject({ error: { code: 'TASK_RESULT_WRONG' } })
  expect([...boss.store.statements('another'), ...boss.store.statements(jobId)]).toEqual([])
})

test('a claim is one receipt however often it is signed, and a submitter that floods with signatures is turned away', () => {
  const { desk, boss, worker, jobId, messages } = claiming(10, 50)
  const [ack] = messages as [Draft]
  expect(desk.deliver(boss, ack, worker).answer.status).toBe('ACK')
  const signed = worker.store.statements(jobId)
  expect(signed).toHaveLength(2)
  const again = signed.map(statement => ({ ...statement, signature: `${statement.signature}-again` }))
  expect(receiptsOf([...signed, ...again])).toHaveLength(1)
  const { hashes } = signed.find(({ role }) => role === 'submitter') ?? expect.fail('no signature')
  const resigned = (times: number): Draft => {
    const parties = {
      role: 'submitter',
      jobId,
      worker: worker.self,
      submitter: boss.self,
      claims: [],
      atMs: 0,
    } as const
    const said = Array.from({ length: times }, () => hashes[0] ?? '')
    const { signature } = signStatement({ ...parties, hashes: said }, fakeSign('boss'))
    return { ...ack, payload: { hashes: said, signature } }
  }
  const answers = Array.from({ length: 250 }, (_, i) => desk.deliver(boss, resigned(1 + (i % 60)), worker).answer)
  expect(worker.store.statements(jobId)).toHaveLength(2)
  expect(answers[0]?.status).toBe('ACK')
  expect(answers.at(-1)).toMatchObject({ error: { code: 'TASK_BUSY' } })
})

test('who works is looked up once a tick, however many jobs there are', () => {
  const desk = createOffice()
  let asked = 0
  const workersFor = () => {
    asked++
    return []
  }
  const boss = desk.createPeer('boss', 0, { workersFor })
  for (let i = 0; i < 5; i++) desk.request(boss, { text: `word${i}` })
  desk.tick(boss)
  expect(asked).toBe(1)
  desk.tick(boss)
  expect(asked).toBe(2)
})

test('peers named for a public job are refused, for they would not keep it from anybody', () => {
  const { desk, boss, staff } = office()
  const { jobId, answer } = desk.request(boss, { peers: [staff[0].self] })
  expect(answer).toMatchObject({ error: { code: 'TASK_BAD_INPUT', message: expect.stringContaining('private') } })
  expect(boss.store.job(jobId)).toBeUndefined()
})
