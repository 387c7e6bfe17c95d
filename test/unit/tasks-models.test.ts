import { expect, test } from 'vitest'
import { z } from 'zod'
import { kinds as textKinds } from '../../src/domains/knowledge/kinds/kinds.ts'
import { CodedError } from '../../src/kernel/errors.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createOwnModel, type OwnModelDeps } from '../../src/threads/own-model.ts'
import { turn } from '../support/fake-clock.ts'
import { createOffice, shout } from '../support/two-desks.ts'

/** Shouts with a model, and says which it was. */
const modelled = {
  ...shout,
  asks: { embedder: true },
  params: z.strictObject({ fingerprint: z.string().optional() }),
  output: z.strictObject({ fingerprint: z.string(), word: z.string() }),
  verify: (
    { output }: { output: { fingerprint: string; word: string } },
    { fingerprint }: { fingerprint?: string | undefined },
  ) => {
    if (fingerprint !== undefined && output.fingerprint !== fingerprint) return 'vectors of another model'
    return output.word === '' ? 'no word' : undefined
  },
} as unknown as typeof shout
const kinds = { shout: modelled }

/** A boss that gives work and a worker, each with the model it says. */
function office(worker: {
  readonly models: () => string[] | undefined
  readonly learnModel?: (kind: string) => boolean
}) {
  const desk = createOffice()
  const boss = desk.createPeer('boss', 0, { kinds, models: () => ['mine'] })
  const peer = desk.createPeer('worker', 2, { kinds, ...worker })
  desk.hire([peer, 2])
  return { desk, boss, worker: peer }
}

test('vectors are made by the model that is named, else by the submitter’s own; of no known model they are not asked for', () => {
  const desk = createOffice()
  let known: string[] | undefined
  const boss = desk.createPeer('boss', 0, { kinds, models: () => known })
  const made = (request: object = {}) => {
    const { jobId, answer } = desk.request(boss, request)
    const job = boss.store.job(jobId)
    return job === undefined ? answer : [job.params['fingerprint'], job.needs.fingerprint]
  }
  expect(made()).toMatchObject({ error: { code: 'TASK_MODEL_UNKNOWN' } })
  expect(made({ params: { fingerprint: 'theirs' } })).toEqual(['theirs', 'theirs'])
  expect(made({ needs: { fingerprint: 'theirs' } })).toEqual(['theirs', 'theirs'])
  known = ['mine']
  expect(made()).toEqual(['mine', 'mine'])
  const plain = desk.createPeer('plain', 0, { models: () => undefined })
  expect(plain.store.job(desk.request(plain).jobId)).toMatchObject({ params: {}, needs: { memoryMb: 1 } })
})

test('a worker that does not know its model finds out before it bids, and bids when it is the one that is wanted', () => {
  let known: string[] | undefined
  const asked: string[] = []
  const { desk, boss, worker } = office({ models: () => known, learnModel: kind => asked.push(kind) > 0 })
  const { jobId } = desk.request(boss)
  const [offer] = desk.tick(boss).messages
  const [answer] = desk.deliver(boss, offer ?? expect.fail('no offer'), worker).messages
  expect(answer).toMatchObject({ type: 'task.refuse', payload: { code: 'TASK_BUSY', retry_after_ms: 1_000 } })
  expect(asked).toEqual(['shout'])
  const say = () => desk.deliver(boss, offer ?? expect.fail('no offer'), worker).messages[0]
  known = ['another']
  expect(say()).toMatchObject({ type: 'task.refuse', payload: { code: 'TASK_NEEDS_UNMET' } })
  known = ['mine']
  expect(say()).toMatchObject({ type: 'task.bid', subjectId: jobId })
  expect(asked).toEqual(['shout'])
})

test('a worker whose model cannot be opened says so, and not why, instead of "later"', () => {
  const { desk, boss, worker } = office({ models: () => undefined, learnModel: () => false })
  desk.request(boss)
  const [offer] = desk.tick(boss).messages
  const [answer] = desk.deliver(boss, offer ?? expect.fail('no offer'), worker).messages
  expect(answer?.payload).toMatchObject({
    code: 'TASK_NEEDS_UNMET',
    message: 'the model of this peer cannot be opened',
  })
})

test('who answers with another model is forgiven what it had then, and no lie after that', () => {
  const { desk, boss, worker } = office({ models: () => ['mine'] })
  desk.request(boss, { text: 'one two three' })
  const invented = () =>
    desk.carry(
      worker,
      desk.work(worker, () => ({ output: { fingerprint: `made up at ${desk.now()}`, word: 'HELLO' } })),
    )
  const reputation = () => boss.store.reputation('worker/shout@1/mine')
  desk.giveOut(boss)
  expect(worker.store.openWork()).toHaveLength(2)
  invented()
  expect(reputation()).toBeUndefined()
  desk.pass(10_000)
  desk.giveOut(boss)
  expect(worker.store.openWork().length).toBeGreaterThan(0)
  invented()
  expect(reputation()).toMatchObject({ wrong: 1 })
})

test('an answer made with another model is a failure and no lie; a wrong one made with the right model is', () => {
  const answered = (output: object) => {
    const { desk, boss, worker } = office({ models: () => ['mine'] })
    const { jobId } = desk.request(boss)
    desk.giveOut(boss)
    desk.carry(
      worker,
      desk.work(worker, () => ({ output }) as never),
    )
    return { task: desk.task(boss, jobId), reputation: boss.store.reputation('worker/shout@1/mine') }
  }
  const other = answered({ fingerprint: 'another', word: 'HELLO' })
  expect(other.task).toMatchObject({ state: 'queued', reason: 'wrong result: vectors of another model', opinions: [] })
  expect(other.reputation).toBeUndefined()
  expect(answered({ fingerprint: 'mine', word: '' }).reputation).toMatchObject({ wrong: 1 })
})

/** The threads' model as the test sets it: `undefined` cannot be opened. */
function ownModel(model: { is: string | undefined }) {
  let nowMs = 0
  const opened: (string | undefined)[] = []
  const pool: OwnModelDeps['pool'] = {
    async warm() {
      opened.push(model.is)
      if (model.is === undefined) throw new CodedError('TASK_MODEL_UNAVAILABLE', 'no such file')
      return { fingerprint: model.is, engine: 'onnxruntime-node' }
    },
    async run(_kind, params) {
      const wanted = (params as { fingerprint?: string }).fingerprint
      if (wanted === undefined || wanted === model.is) return { fingerprint: model.is, chunks: [] }
      throw new CodedError('TASK_MODEL_MISMATCH', 'another model')
    },
  }
  const { run, model: known } = createOwnModel({ pool, kinds: () => textKinds, now: () => nowMs, log: silentLog })
  return { run, known, opened, pass: (ms: number) => (nowMs += ms) }
}

test('the own model is opened once for all who ask, for kinds that take one, and again when its owner asks after a failure', async () => {
  const model: { is: string | undefined } = { is: undefined }
  const { known, opened } = ownModel(model)
  await known.learn('chunk')
  await known.learn('nonsense')
  expect(opened).toEqual([])
  expect([known.fingerprints(), known.engines()]).toEqual([undefined, ['onnxruntime']])
  const together = await Promise.allSettled([known.learn('embed'), known.learn('pipeline')])
  expect(together.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect([opened.length, known.fingerprints()]).toEqual([1, undefined])
  model.is = 'abc'
  await Promise.all([known.learn('embed'), known.learn('embed')])
  await known.learn('embed')
  expect([opened.length, known.fingerprints()]).toEqual([2, ['abc']])
  expect(known.engines()).toEqual(['onnxruntime', 'onnxruntime-node'])
})

test('a model that cannot be opened is not tried again for every stranger who asks', async () => {
  const model: { is: string | undefined } = { is: undefined }
  const { run, known, opened, pass } = ownModel(model)
  expect(known.used('embed')).toBe(true)
  await turn()
  expect([known.used('embed'), known.used('embed'), opened.length]).toEqual([false, false, 1])
  pass(10 * 60_000)
  expect(known.used('embed')).toBe(true)
  await turn()
  expect([known.used('embed'), opened.length]).toEqual([false, 2])
  // The owner's own work opened it: nothing is left to wait for.
  model.is = 'abc'
  await run('embed', {}, {})
  await turn()
  expect([known.used('embed'), known.fingerprints()]).toEqual([true, ['abc']])
})

test('a model that is exchanged is noticed by what it makes, and by what cannot be made any more', async () => {
  const model: { is: string | undefined } = { is: 'old' }
  const { run, known, opened } = ownModel(model)
  await run('embed', {}, {})
  await turn()
  expect(known.fingerprints()).toEqual(['old'])
  model.is = 'new'
  await run('embed', {}, {})
  expect([known.fingerprints(), opened]).toEqual([['new'], ['old']])
  model.is = 'newest'
  await expect(run('embed', { fingerprint: 'a stranger’s' }, {})).rejects.toThrow('another model')
  expect(known.fingerprints()).toEqual(['new'])
  await expect(run('embed', { fingerprint: 'new' }, {})).rejects.toThrow('another model')
  await turn()
  expect([known.fingerprints(), opened]).toEqual([['newest'], ['old', 'newest']])
})
