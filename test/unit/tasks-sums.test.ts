import { afterAll, describe, expect, it } from 'vitest'
import { type MergeDeps, resultLines } from '../../src/domains/tasks/merge.ts'
import { type JobRequest, jobRequest } from '../../src/domains/tasks/queue/request.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createThreads } from '../../src/threads/threads.ts'
import { kindsModule, type Numbers, kinds as numberKinds, sums } from '../support/sums.ts'
import { createOffice, shout } from '../support/two-desks.ts'

const kinds = { ...numberKinds, shout }
const inputs = [
  { name: 'ones and more', input: [1, 1, 1, 2, 2, 2, 3] },
  { name: 'alone', input: [40] },
]

const threads = createThreads({
  kinds: [{ kinds: numberKinds, module: kindsModule }],
  threads: 1,
  niceIncrement: 10,
  maxMemoryMb: 64,
  idleTimeoutMs: 30_000,
  now: Date.now,
  log: silentLog,
})
afterAll(() => threads.stop())

function office() {
  const desk = createOffice()
  const boss = desk.createPeer('boss', 0, { kinds })
  const worker = desk.createPeer('worker', 8, { kinds })
  desk.hire([worker, 8])
  return { desk, boss, worker }
}

const answered = (part: unknown) => ({
  output: (part as Numbers).numbers.reduce((sum, number) => sum + number, 0),
})

async function resultOf(jobId: string, deps: Omit<MergeDeps, 'kinds'>): Promise<unknown[]> {
  const lines: unknown[] = []
  for await (const line of resultLines(jobId, { ...deps, kinds })) lines.push(JSON.parse(line))
  return lines
}

describe('a kind that takes no text', () => {
  it('is split, worked on by a neighbour and merged as any other, input by input', async () => {
    const { desk, boss, worker } = office()
    const { jobId, answer } = desk.request(boss, { kind: 'sums', params: { most: 3 }, inputs })
    expect(answer.status).toBe('ACK')
    expect(boss.store.job(jobId)).toMatchObject({ state: 'running', texts: 2, total: 4 })
    expect(boss.store.documents(jobId)).toEqual([
      { name: 'ones and more', characters: '[1,1,1,2,2,2,3]'.length },
      { name: 'alone', characters: '[40]'.length },
    ])
    desk.giveOut(boss)
    const results = desk.work(worker, answered)
    desk.carry(worker, results)
    // What a stranger says for the first time is checked here.
    desk.giveOut(boss)
    for (let rounds = 0; rounds < 8 && boss.store.job(jobId)?.state !== 'done'; rounds++) {
      desk.work(boss, answered)
      desk.giveOut(boss)
    }
    expect(boss.store.job(jobId)?.state).toBe('done')
    expect(await resultOf(jobId, { store: boss.store, merge: threads.merge })).toEqual([
      { document: 'ones and more', result: { sum: 12, parts: 3 } },
      { document: 'alone', result: { sum: 40, parts: 1 } },
    ])
  })

  it('runs in a real worker thread, which learns of it from its module', async () => {
    const parts = await Promise.all(
      Array.from(sums.split([1, 2, 3, 4, 5], { most: 2 }), async input => ({
        input,
        output: await threads.run('sums', { most: 2 }, input),
      })),
    )
    expect(parts.map(({ output }) => output)).toEqual([3, 7, 5])
    const texts = parts.map(({ input, output }) => ({
      input: JSON.stringify([input]),
      output: JSON.stringify([output]),
    }))
    expect(JSON.parse(await threads.merge('sums', texts))).toEqual({ sum: 15, parts: 3 })
    await expect(threads.merge('sums', texts.slice(1))).rejects.toMatchObject({ code: 'TASK_PARTS_INCOMPLETE' })
    await expect(threads.run('sums', {}, { part: 0, numbers: ['one'] })).rejects.toMatchObject({
      code: 'TASK_BAD_INPUT',
    })
    expect(threads.model.fingerprints()).toBeUndefined()
  })

  it.each<[string, Partial<JobRequest>, string]>([
    ['a text', { documents: [{ name: 'd', text: 'one' }] }, 'documents.0: '],
    ['other JSON', { inputs: [...inputs, { name: 'words', input: [1, 'two'] }] }, 'inputs.2.input.1: '],
    ['nothing', { inputs: [] }, 'nothing is submitted'],
  ])('refuses %s, says where, and keeps nothing of it', (_what, request, said) => {
    const { boss } = office()
    const submission = boss.tasks.submit({ kind: 'sums', params: {}, ...request })
    expect(submission.outcome).toMatchObject({
      facts: [],
      answer: { status: 'NACK', error: { code: 'TASK_BAD_INPUT', message: expect.stringContaining(said) } },
    })
    expect(submission.next()).toBeUndefined()
  })

  it('is the same job under the same key only with the same input', () => {
    const { desk, boss } = office()
    const first = desk.request(boss, { kind: 'sums', inputs, key: 'k' })
    expect(desk.request(boss, { kind: 'sums', inputs, key: 'k' })).toMatchObject({ jobId: first.jobId })
    expect(desk.request(boss, { kind: 'sums', inputs: inputs.slice(1), key: 'k' }).answer).toMatchObject({
      error: { code: 'TASK_KEY_REUSED' },
    })
  })
})

describe('a request from outside', () => {
  it('brings documents, inputs, or both; a text is an input of its kind as well', () => {
    const documents = [{ name: 'd', text: 'one two' }]
    const text = { name: 'e', input: { name: 'e', text: 'three' } }
    expect(jobRequest.parse({ kind: 'shout', documents })).toEqual({ kind: 'shout', params: {}, documents })
    expect(jobRequest.safeParse({ kind: 'sums', inputs }).success).toBe(true)
    expect(jobRequest.safeParse({ kind: 'sums' }).success).toBe(false)
    expect(jobRequest.safeParse({ kind: 'sums', inputs: [{ name: 'n', input: () => 1 }] }).success).toBe(false)
    const { desk, boss } = office()
    const { jobId } = desk.request(boss, { documents, inputs: [text] })
    const words = boss.store.tasksOfJob(jobId).map(({ id }) => JSON.parse(boss.store.input(id) ?? '')[0] as string)
    expect(words).toEqual(['one', 'two', 'three'])
  })
})

describe('a text that an older version was taking in', () => {
  it('is gone on with: it was kept without its name', () => {
    const { desk, boss } = office()
    const submission = boss.tasks.submit({ kind: 'shout', params: {}, documents: [{ name: 'd', text: 'new words' }] })
    desk.keep(boss, submission.outcome)
    boss.db
      .prepare('UPDATE task_data SET text = ? WHERE job = ?')
      .run(JSON.stringify('old words indeed'), submission.jobId)
    expect(boss.store.source(submission.jobId, 0)).toEqual({ name: 'd', text: 'old words indeed' })
    for (let next = submission.next(); next !== undefined; next = submission.next()) desk.keep(boss, next)
    expect(boss.store.job(submission.jobId)).toMatchObject({ state: 'running', total: 3 })
  })
})
