import { describe, expect, test } from 'vitest'
import { receiptsOf, workReceiptIsGood } from '../../src/domains/tasks/proof/receipt.ts'
import type { Draft } from '../../src/kernel/outcome.ts'
import { createOffice, fakeSign, fakeVerify } from '../support/two-desks.ts'

/** Two words worked on, one of them accepted. */
function accepted() {
  const desk = createOffice()
  const boss = desk.createPeer('boss', 0)
  const worker = desk.createPeer('worker', 2, { powerSource: () => 'solar' })
  desk.hire([worker, 2])
  const { jobId } = desk.request(boss, { text: 'good bad', verify: 'none' })
  desk.giveOut(boss)
  const sent = desk.work(worker, word => ({ output: word === 'bad' ? 'not as long' : word.toUpperCase() }))
  const acks = sent.flatMap(draft => desk.deliver(worker, draft, boss).messages)
  return { desk, boss, worker, jobId, acks: acks as [Draft] }
}

describe('a receipt of work', () => {
  test('is signed by both for what was accepted, and for nothing else', () => {
    const { desk, boss, worker, jobId, acks } = accepted()
    expect(acks.map(({ type }) => type)).toEqual(['task.ack'])
    expect(receiptsOf(worker.store.statements(jobId))).toEqual([])
    desk.carry(boss, acks)
    const [receipt, ...others] = receiptsOf(boss.store.statements(jobId))
    expect(others).toEqual([])
    const task = boss.store.tasksOfJob(jobId)[0]
    expect(receipt?.claim).toEqual({
      taskId: task?.id,
      leaseEpoch: 1,
      kind: 'shout@1',
      inputHash: task?.inputHash,
      outputHash: expect.any(String),
      units: '["good"]'.length,
      busyMs: 10,
      energyMicroWh: 50,
      measure: 'estimated',
      source: 'solar',
    })
    expect(receipt).toMatchObject({ worker: { worker: 'worker' }, submitter: { submitter: 'boss' } })
    expect(receipt !== undefined && workReceiptIsGood(receipt, fakeVerify)).toBe(true)
    expect(receiptsOf(worker.store.statements(jobId)).map(({ claim }) => claim)).toEqual([receipt?.claim])
  })

  test('is bad when anything in it was changed, or a signature is somebody else’s', () => {
    const { boss, jobId } = accepted()
    const [receipt] = receiptsOf(boss.store.statements(jobId))
    if (receipt === undefined) throw new Error('no receipt')
    const { claim, worker, submitter } = receipt
    const good = (changed: object) => workReceiptIsGood({ ...receipt, ...changed }, fakeVerify)
    expect(good({})).toBe(true)
    expect(good({ claim: { ...claim, busyMs: 11 } })).toBe(false)
    expect(good({ claim: { ...claim, energyMicroWh: 0 } })).toBe(false)
    expect(good({ claim: { ...claim, measure: 'metered' } })).toBe(false)
    expect(good({ worker: { ...worker, signature: fakeSign('boss')('x') } })).toBe(false)
    expect(good({ submitter: { ...submitter, hashes: [] } })).toBe(false)
    expect(good({ submitter: worker })).toBe(false)
    expect(good({ submitter: { ...submitter, worker: 'thief' } })).toBe(false)
  })

  test('is not taken by a worker that never claimed the work, nor with a signature that is not the submitter’s', () => {
    const { desk, boss, worker, jobId, acks } = accepted()
    const [ack] = acks
    const stranger = desk.createPeer('stranger')
    const refused = { error: { code: 'TASK_RESULT_WRONG' } }
    expect(desk.deliver(boss, ack, stranger).answer).toMatchObject(refused)
    expect(desk.deliver(stranger, ack, worker).answer).toMatchObject(refused)
    expect(receiptsOf(worker.store.statements(jobId))).toEqual([])
    expect(desk.deliver(boss, ack, worker).answer.status).toBe('ACK')
    expect(receiptsOf(worker.store.statements(jobId))).toHaveLength(1)
  })
})
