import { expect, test } from 'vitest'
import { z } from 'zod'
import { createOwnModel } from '../../src/tasks/workers.ts'
import { createOffice, shout } from '../support/two-desks.ts'

/** Shouts with a model, and says which it was. */
const modelled = {
  ...{ ...shout, takesModel: true },
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
function office(worker: { readonly models: () => string[] | undefined; readonly learnModel?: (kind: string) => void }) {
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
  const { desk, boss, worker } = office({ models: () => known, learnModel: kind => asked.push(kind) })
  const { jobId } = desk.request(boss)
  const [offer] = desk.tick(boss).messages
  const [answer] = desk.deliver(boss, offer ?? expect.fail('no offer'), worker).messages
  expect(answer).toMatchObject({ type: 'task.refuse', payload: { code: 'TASK_BUSY', retry_after_ms: 1_000 } })
  expect(asked).toEqual(['shout'])
  const say = () => desk.deliver(boss, offer ?? expect.fail('no offer'), worker).messages[0]
  known = ['another']
  expect(say()).toMatchObject({ type: 'task.refuse', payload: { code: 'TASK_NEEDS_UNMET' } })
  known = ['mine']
  expect(say()).toMatchObject({ type: 'task.bid', taskId: jobId })
  expect(asked).toEqual(['shout'])
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

test('the own model is opened once for all who ask, for kinds that take one, and again after a failure', async () => {
  let opened = 0
  const model = createOwnModel({
    warm: async () => {
      opened++
      if (opened === 1) throw new Error('no such file')
      return { fingerprint: 'abc', engine: 'onnxruntime-node' }
    },
  })
  await model.learn('chunk')
  await model.learn('nonsense')
  expect(opened).toBe(0)
  const together = await Promise.allSettled([model.learn('embed'), model.learn('pipeline')])
  expect(together.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect([opened, model.fingerprints()]).toEqual([1, undefined])
  await Promise.all([model.learn('embed'), model.learn('embed')])
  await model.learn('embed')
  expect([opened, model.fingerprints()]).toEqual([2, ['abc']])
})
